"""Recommenders on DGL and PyTorch behind one contract: arrays and frames in, arrays out.

`Interactions` go in, a `Recommender` of one of the `families` is fitted, `evaluate` ranks the catalogue with it.
"""

from recsys_models.content import Content
from recsys_models.data.features import Features
from recsys_models.data.graph import InteractionGraph, interaction_graph
from recsys_models.data.interactions import Interactions
from recsys_models.ease import Ease
from recsys_models.evaluation.cross_validation import CrossValidation, cross_validate
from recsys_models.evaluation.evaluation import Evaluation, evaluate, evaluations
from recsys_models.evaluation.folds import rolling_folds, time_split, user_folds
from recsys_models.evaluation.significance import Difference, compare, holm, paired_bootstrap, wilcoxon
from recsys_models.families import families, load_model
from recsys_models.fitted_model import Embeddings
from recsys_models.fusion import Fusion
from recsys_models.gat import GAT
from recsys_models.gcn import GCN
from recsys_models.gnn_r.gnn_r import GNNR
from recsys_models.ials import IALS
from recsys_models.item_neighbours import ItemNeighbours
from recsys_models.lightgcn import LightGCN
from recsys_models.matrix_factorization import MatrixFactorization
from recsys_models.model_files import ModelFileError
from recsys_models.multi_behaviour import MultiBehaviour
from recsys_models.popularity import Popularity
from recsys_models.ranker.ranker import Ranker
from recsys_models.recommender import Recommender
from recsys_models.sequence.sequence import SequenceEncoder
from recsys_models.spectral import Spectral
from recsys_models.user_neighbours import UserNeighbours

__all__ = [
    "GAT",
    "GCN",
    "GNNR",
    "IALS",
    "Content",
    "CrossValidation",
    "Difference",
    "Ease",
    "Embeddings",
    "Evaluation",
    "Features",
    "Fusion",
    "InteractionGraph",
    "Interactions",
    "ItemNeighbours",
    "LightGCN",
    "MatrixFactorization",
    "ModelFileError",
    "MultiBehaviour",
    "Popularity",
    "Ranker",
    "Recommender",
    "SequenceEncoder",
    "Spectral",
    "UserNeighbours",
    "compare",
    "cross_validate",
    "evaluate",
    "evaluations",
    "families",
    "holm",
    "interaction_graph",
    "load_model",
    "paired_bootstrap",
    "rolling_folds",
    "time_split",
    "user_folds",
    "wilcoxon",
]
