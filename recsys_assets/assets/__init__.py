"""The shop's assets, one module a step; `all_assets` puts them together for given settings."""

from recsys_assets.assets.catalogue import PlatformAssets, all_assets

__all__ = ["PlatformAssets", "all_assets"]
