"""The text of one module taken apart: its definitions, their tokens, and the names and files that they use."""
