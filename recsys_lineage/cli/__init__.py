"""The command line of lineage: `recsys-lineage --lake URI`, and what an application mounts as a group of its own."""

from recsys_lineage.cli.commands import app, lineage_app, main

__all__ = ["app", "lineage_app", "main"]
