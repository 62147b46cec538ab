"""What the queries of a SQL statement give, each a relation made of relations."""
