"""Events on their way to catalogs: where each stands, what is sent again, what was refused."""
