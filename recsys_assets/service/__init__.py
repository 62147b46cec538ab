"""The service: recommendations over HTTP, exposures written down, champions swapped."""
