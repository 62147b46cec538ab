"""Functions of libraries that open files: replaced by ones that consult the guard first."""
