"""Which columns an asset's columns are made of, and what kind of data they hold."""
