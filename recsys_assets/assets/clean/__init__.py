"""Group clean: the accepted rows of the source's tables, and the rejected ones with their reasons."""
