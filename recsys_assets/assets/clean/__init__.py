"""Groups clean and features: the tables that are one SQL file each, their checks, and the rejected rows."""
