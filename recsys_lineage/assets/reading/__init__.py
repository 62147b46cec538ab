"""What an asset reads, and the doors through which it does."""
