"""Relations of the queries of a SQL statement, each derived from other relations."""
