"""Reading: the ways by which an asset reads its inputs, each observed."""
