"""Parameters of families: how they are declared, checked and described."""
