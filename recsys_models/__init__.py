"""Recommenders on DGL and PyTorch behind one contract: arrays and frames in, arrays out.

`Interactions` go in, a `Recommender` of one of the `families` is fitted, `evaluate` ranks the catalogue with it.
The names imported here are public; importing them loads neither PyTorch, DGL nor LightGBM.
"""

from recsys_models.content import Content as Content
from recsys_models.data.features import Features as Features
from recsys_models.data.graph import InteractionGraph as InteractionGraph
from recsys_models.data.graph import interaction_graph as interaction_graph
from recsys_models.data.history import History as History
from recsys_models.data.interactions import Interactions as Interactions
from recsys_models.ease import Ease as Ease
from recsys_models.evaluation.cross_validation import CrossValidation as CrossValidation
from recsys_models.evaluation.cross_validation import cross_validate as cross_validate
from recsys_models.evaluation.evaluation import Evaluation as Evaluation
from recsys_models.evaluation.evaluation import evaluate as evaluate
from recsys_models.evaluation.evaluation import evaluations as evaluations
from recsys_models.evaluation.folds import rolling_folds as rolling_folds
from recsys_models.evaluation.folds import time_split as time_split
from recsys_models.evaluation.folds import user_folds as user_folds
from recsys_models.evaluation.significance import Difference as Difference
from recsys_models.evaluation.significance import compare as compare
from recsys_models.evaluation.significance import holm as holm
from recsys_models.evaluation.significance import paired_bootstrap as paired_bootstrap
from recsys_models.evaluation.significance import wilcoxon as wilcoxon
from recsys_models.families import families as families
from recsys_models.families import load_model as load_model
from recsys_models.fitted.fitted_model import Embeddings as Embeddings
from recsys_models.fitted.model_files import ModelFileError as ModelFileError
from recsys_models.fusion import Fusion as Fusion
from recsys_models.gat import GAT as GAT
from recsys_models.gcn import GCN as GCN
from recsys_models.gnn_r.gnn_r import GNNR as GNNR
from recsys_models.ials import IALS as IALS
from recsys_models.item_neighbours import ItemNeighbours as ItemNeighbours
from recsys_models.lightgcn import LightGCN as LightGCN
from recsys_models.matrix_factorization import MatrixFactorization as MatrixFactorization
from recsys_models.multi_behaviour import MultiBehaviour as MultiBehaviour
from recsys_models.popularity import Popularity as Popularity
from recsys_models.ranker.ranker import Ranker as Ranker
from recsys_models.recommender import Recommender as Recommender
from recsys_models.sequence.sequence import SequenceEncoder as SequenceEncoder
from recsys_models.spectral import Spectral as Spectral
from recsys_models.user_neighbours import UserNeighbours as UserNeighbours
