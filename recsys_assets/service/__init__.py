"""The service: recommendations over HTTP, logged exposures, champions swapped without a pause."""
