"""The input of models: interactions, ids, features, graphs and relations."""
