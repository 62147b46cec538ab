"""Relations of the queries of a SQL statement, each made from relations."""
