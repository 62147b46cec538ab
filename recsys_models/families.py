"""The registry of model families, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recsys_models.content import Content
from recsys_models.ease import Ease
from recsys_models.fusion import Fusion
from recsys_models.gat import GAT
from recsys_models.gcn import GCN
from recsys_models.gnn_r.gnn_r import GNNR
from recsys_models.ials import IALS
from recsys_models.item_neighbours import ItemNeighbours
from recsys_models.lightgcn import LightGCN
from recsys_models.matrix_factorization import MatrixFactorization
from recsys_models.model_files import ModelFileError, read_folder, read_header
from recsys_models.multi_behaviour import MultiBehaviour
from recsys_models.popularity import Popularity
from recsys_models.ranker.ranker import Ranker
from recsys_models.recommender import Recommender
from recsys_models.sequence.sequence import SequenceEncoder
from recsys_models.spectral import Spectral
from recsys_models.user_neighbours import UserNeighbours

families: dict[str, type[Recommender]] = {
    family.family: family
    for family in (
        Popularity,
        ItemNeighbours,
        LightGCN,
        UserNeighbours,
        Spectral,
        Ranker,
        MatrixFactorization,
        Ease,
        IALS,
        Content,
        Fusion,
        GCN,
        GAT,
        GNNR,
        SequenceEncoder,
        MultiBehaviour,
    )
}
"""Family name → class."""


def load_model(files: Mapping[str, bytes] | str | Path) -> Recommender:
    """The fitted model, of any family, in the files of `Recommender.to_files` or a folder of `Recommender.save`.

    Raises:
        ModelFileError: a file is missing, truncated or altered, or names a family that is not known here.
    """
    if isinstance(files, str | Path):
        files = read_folder(files, "model")
    family = read_header("model", files).get("family")
    if not isinstance(family, str) or family not in families:
        raise ModelFileError(
            f"model.json: expected a family of {sorted(families)}, found {family!r}; upgrade recsys_models"
        )
    return families[family].from_files(files)
