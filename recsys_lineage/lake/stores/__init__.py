"""Stores of a lake's files: a folder or an object store behind one interface, and their faults in plain words."""
