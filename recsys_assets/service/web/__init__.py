"""The service over HTTP: routes, messages, problems, tokens, and the page at /."""
