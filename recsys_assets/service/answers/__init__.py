"""Answers: from a request, a model, an index and the shop's rules to the list that is shown."""
