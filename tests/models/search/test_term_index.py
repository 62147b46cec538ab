"""TermIndex, Spelling and Intent against what their definitions say."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys_models.search.intent import Intent
from recsys_models.search.spelling import Spelling
from recsys_models.search.term_index import K1, B, TermIndex
from recsys_models.search.words import trigrams, words

TERMS = st.sampled_from(list("abcdefg"))
DOCUMENTS = st.lists(st.lists(TERMS, max_size=6), min_size=1, max_size=8)


@given(DOCUMENTS, st.lists(TERMS | st.just("z"), max_size=5))
def test_coverage_is_bm25_as_a_share_of_the_best_that_could_be(
    documents: list[list[str]], query: list[str]
) -> None:
    found = TermIndex.of(documents).coverage(query)
    n, mean = len(documents), np.mean([len(document) for document in documents])
    distinct = list(dict.fromkeys(query))
    idf = {
        t: math.log1p((n - c + 0.5) / (c + 0.5)) for t in distinct for c in [sum(t in d for d in documents)]
    }
    for document, score in zip(documents, found, strict=True):
        plain = sum(
            idf[t] * document.count(t) / (document.count(t) + K1 * (1 - B + B * len(document) / mean))
            for t in distinct
            if t in document
        )
        assert (
            score == np.float32(0) if not plain else abs(score - plain * (1 + K1) / sum(idf.values())) < 1e-5
        )


@given(st.text(max_size=30))
def test_words_have_neither_case_nor_accents(text: str) -> None:
    found = words(text)
    assert words(" ".join(found)) == found == words(" ".join(found).upper().lower())
    assert all(word.isdigit() or word.isalpha() or not word.isascii() for word in found)
    assert len(trigrams(found)) >= len("".join(found))


@given(st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=4))
def test_trigrams_are_all_of_each_word_and_those_across_its_gaps(of: list[str]) -> None:
    found = trigrams(of)
    for word in of:
        ended = f"<{word}>"
        assert {ended[at : at + 3] for at in range(len(word))} <= set(found)
    for one, other in pairwise(of):
        joint = f"<{one}{other}>"
        across = {joint[at : at + 3] for at in range(len(one) - 1, len(one) + 1)}
        assert {each for each in across if "<" not in each and ">" not in each} <= set(found)
    assert all(len(each) == 3 for each in found)


@given(
    st.text("abcdefghij", min_size=8, max_size=12),
    st.integers(1, 6),
    st.sampled_from(["drop", "double", "swap", "wrong"]),
)
def test_one_error_in_a_long_word_is_mended(word: str, at: int, kind: str) -> None:
    wrong = {
        "drop": word[:at] + word[at + 1 :],
        "double": word[:at] + word[at] + word[at:],
        "swap": word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        "wrong": word[:at] + "z" + word[at + 1 :],
    }[kind]
    assert Spelling({word: 3}).meant(wrong) == ([] if wrong == word else [word])


def test_a_known_word_a_number_and_a_short_one_stay() -> None:
    spelling = Spelling({"light": 2, "lights": 9, "oz": 1})
    assert spelling.meant("light") == spelling.meant("1234") == spelling.meant("lig") == []


def test_the_shortest_word_that_is_corrected_is() -> None:
    assert Spelling({"lamp": 1}).meant("lapm") == ["lamp"] and Spelling({"lam": 1}).meant("lap") == []


def test_two_words_written_as_one_are_nearer_than_two_errors_and_further_than_one() -> None:
    parts = {"tea": 5, "light": 5}
    assert Spelling({**parts, "tealighter": 1}).meant("tealight") == ["tea", "light"]
    assert Spelling({**parts, "tealights": 1}).meant("tealight") == ["tealights"]


def test_of_two_words_as_near_the_usual_one_is_meant() -> None:
    assert Spelling({"holder": 2, "folder": 9}).meant("solder") == ["folder"]


@given(DOCUMENTS, st.lists(TERMS, max_size=3), st.data())
def test_shares_of_categories_are_probabilities(
    documents: list[list[str]], query: list[str], data: st.DataObject
) -> None:
    index = TermIndex.of(documents)
    groups = data.draw(
        st.lists(st.sampled_from(["x", "y", None]), min_size=len(documents), max_size=len(documents))
    )
    shares = Intent.of(index, groups).shares(query)
    known = any(term in document for term in query for document in documents)
    assert shares.size == len({group for group in groups if group})
    assert math.isclose(float(shares.sum()), 1, abs_tol=1e-5) if known and shares.size else not shares.any()
