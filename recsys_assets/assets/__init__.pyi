from .catalogue import PlatformAssets as PlatformAssets
from .catalogue import all_assets as all_assets
