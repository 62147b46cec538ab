"""Stores of a lake's files: a folder or an object store behind one interface, with their faults in plain words."""
