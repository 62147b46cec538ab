"""The families that stand alone, by name: all except the fusion of several."""

from __future__ import annotations

from recsys_models.content import Content
from recsys_models.ease import Ease
from recsys_models.gat import GAT
from recsys_models.gcn import GCN
from recsys_models.gnn_r.gnn_r import GNNR
from recsys_models.ials import IALS
from recsys_models.item_neighbours import ItemNeighbours
from recsys_models.lightgcn import LightGCN
from recsys_models.matrix_factorization import MatrixFactorization
from recsys_models.multi_behaviour import MultiBehaviour
from recsys_models.popularity import Popularity
from recsys_models.ranker.ranker import Ranker
from recsys_models.recommender import Recommender
from recsys_models.sequence.sequence import SequenceEncoder
from recsys_models.spectral import Spectral
from recsys_models.user_neighbours import UserNeighbours

single_families: dict[str, type[Recommender]] = {
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
        GCN,
        GAT,
        GNNR,
        SequenceEncoder,
        MultiBehaviour,
    )
}
"""Family name → class."""
