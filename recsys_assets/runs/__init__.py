"""A run of assets from the command line: what is chosen, made and told."""
