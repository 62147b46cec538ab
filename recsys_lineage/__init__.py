"""Lineage-native assets for any Dagster project: a versioned lake, SQL and frame assets, observed reads.

This package knows nothing of recommenders and nothing of `recsys_assets`. Its public names are listed in
`__init__.pyi`; each is loaded on first use, so that reading a table does not import the orchestrator.
"""

import sys
from types import ModuleType

import lazy_loader

from recsys_lineage import former_modules

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


class _Package(ModuleType):
    """The package itself; no module hides the public name that it shares."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
former_modules.install(__name__, __path__)
