"""The command line of lineage: `recsys-lineage --lake URI`, and the group of commands that an application mounts."""

from recsys_lineage.cli.commands import app, lineage_app, main

__all__ = ["app", "lineage_app", "main"]
