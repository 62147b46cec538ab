"""The shop's assets, one module per step; `all_assets` builds them for given settings.

It is loaded on first use, because it imports Dagster, which not every user of these modules needs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
