"""What models are given: interactions, ids, features, graphs and relations."""
