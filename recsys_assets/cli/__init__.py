"""The command line: `recsys` and what it shows."""

from recsys_assets.cli.commands import app, main

__all__ = ["app", "main"]
