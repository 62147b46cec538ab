"""The shop: sources, datasets, features, graph, models and recommendations as Dagster assets."""

import warnings

from dagster import BetaWarning, PreviewWarning

# Dagster marks some of what the platform uses as beta; the lock pins the version that it was tested with.
for _kind in (BetaWarning, PreviewWarning):
    warnings.filterwarnings("ignore", category=_kind)
