"""Names of columns and values, as shops write them, and the platform's names for them."""
