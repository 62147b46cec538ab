"""What Polars frames are made of: derived from their plans, or declared."""
