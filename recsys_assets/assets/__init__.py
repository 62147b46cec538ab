"""The shop's assets, one module per step; `all_assets` builds them for given settings.

It is loaded when it is first used, so that what only words reasons need not wait for the orchestrator.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
