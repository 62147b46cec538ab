"""What the service writes down and reads back: exposures, events, and what it noticed of its answers."""
