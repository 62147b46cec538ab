"""The shop: sources, datasets, features, graph, models and recommendations as Dagster assets."""

import warnings

from recsys_lineage.errors import WITHOUT_VALUES

WITHOUT_VALUES.add("recsys_assets")

# Dagster marks some of what the platform uses as beta; the lock pins the version that it was tested with. Its classes
# of warnings are not named here, for importing Dagster takes seconds that not every command needs.
warnings.filterwarnings("ignore", message=r".* is currently in (beta|preview)\b")
