"""Orders in a shop's sampled files: lines that are no purchases, such as returns, credit notes and cancelled orders."""
