"""Search: an index over the titles of items, by words, parts of words and meaning; arrays and texts in, arrays out.

`SearchIndex` is the entry point; the other modules are its parts.
"""

from recsys_models.search.encoder import Encoder as Encoder
from recsys_models.search.found import Found as Found
from recsys_models.search.intent import Click as Click
from recsys_models.search.search_index import SearchIndex as SearchIndex
from recsys_models.search.weights import Weights as Weights
