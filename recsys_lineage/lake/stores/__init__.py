"""Where a lake's files are: a folder or an object store behind one interface, and its faults in plain words."""
