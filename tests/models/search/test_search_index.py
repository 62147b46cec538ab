"""SearchIndex: what must hold for every catalogue and every query."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_models import ModelFileError
from recsys_models.search import Click, SearchIndex, Weights
from recsys_models.search.encoder import EncoderMissing, encoder_version, load_encoder
from recsys_models.search.words import words

WORDS = [
    "tea",
    "light",
    "holder",
    "heart",
    "hanging",
    "white",
    "christmas",
    "tree",
    "lantern",
    "ceramic",
    "jug",
]
TITLES = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join), min_size=1, max_size=12
)
SHOP = {
    "a": ("White Hanging Heart T-Light Holder", "candles"),
    "b": ("Red Hanging Heart T-Light Holder", "candles"),
    "c": ("Christmas Gingham Tree", "seasonal"),
    "d": ("Christmas Tree Star Decoration", "seasonal"),
    "e": ("Pink Regency Teacup and Saucer", "kitchen"),
    "f": ("Ceramic Milk Jug 15OZ", "kitchen"),
    "g": ("Crème Brûlée Torch", "kitchen"),
    "h": ("Lampenschirm Rot", "light"),
}


def index_of(titles: list[str], categories: list[str | None] | None = None, **more: object) -> SearchIndex:
    ids = [f"item-{row}" for row in range(len(titles))]
    groups = categories or [None] * len(titles)
    texts = [f"{title}, {group or ''}" for title, group in zip(titles, groups, strict=True)]
    return SearchIndex.of(ids, titles, texts, groups, np.arange(len(titles)), **more)  # pyright: ignore


@pytest.fixture(scope="module")
def shop() -> SearchIndex:
    titles = [title for title, _ in SHOP.values()]
    groups = [group for _, group in SHOP.values()]
    texts = [f"{title}, {group}" for title, group in SHOP.values()]
    return SearchIndex.of(list(SHOP), titles, texts, groups, [5, 3, 8, 1, 2, 2, 1, 0])


def ids(index: SearchIndex, query: str, k: int = 10, **more: object) -> list[str]:
    return [str(index.item_ids[row]) for row in index.search(query, k, **more).rows]  # pyright: ignore


@given(TITLES, st.data())
def test_every_item_is_found_by_its_title_in_any_order_of_the_words(
    titles: list[str], data: st.DataObject
) -> None:
    index = index_of(titles)
    row = data.draw(st.integers(0, len(titles) - 1))
    asked = " ".join(data.draw(st.permutations(titles[row].split())))
    found = index.search(asked, len(titles))
    assert row in found.rows and found.meant is None
    best = {
        frozenset(words(titles[at])) for at in found.rows[found.parts["words"] >= found.parts["words"].max()]
    }
    assert any(set(words(titles[row])) <= each for each in best)


@given(TITLES, st.lists(st.sampled_from([*WORDS, "unheard", "of"]), min_size=1, max_size=4), st.data())
def test_what_is_found_is_allowed_once_best_first_and_adds_up(
    titles: list[str], query: list[str], data: st.DataObject
) -> None:
    index = index_of(titles)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(titles), max_size=len(titles))))
    k = data.draw(st.integers(1, 15))
    found = index.search(" ".join(query), k, allowed=allowed)
    assert (
        found.rows.size <= k and np.unique(found.rows).size == found.rows.size and allowed[found.rows].all()
    )
    assert (np.diff(found.scores) <= 0).all()
    np.testing.assert_allclose(sum(found.parts.values()), found.scores, rtol=1e-5)
    everything = index.search(" ".join(query), len(titles))
    kept = [row for row in everything.rows if allowed[row]][:k]
    assert found.rows.tolist() == kept


@given(TITLES, st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join))
def test_its_files_give_the_same_answers(titles: list[str], query: str) -> None:
    index = index_of(titles, [title.split()[0] for title in titles])
    again = SearchIndex.from_files(index.to_files())
    one, other = index.search(query), again.search(query)
    assert one.rows.tolist() == other.rows.tolist() and one.scores.tolist() == other.scores.tolist()
    assert one.categories == other.categories and again.weights == index.weights


@pytest.mark.parametrize("missing", range(3))
def test_damaged_files_are_no_index(shop: SearchIndex, missing: int) -> None:
    files = shop.to_files()
    name = sorted(files)[missing % len(files)]
    for wrong in ({**files, name: files[name][:-5]}, {k: v for k, v in files.items() if k != name}):
        with pytest.raises(ModelFileError):
            SearchIndex.from_files(wrong)


@pytest.mark.parametrize("field", ["document_of", "popularity", "category_of"])
def test_arrays_that_do_not_fit_are_no_index(shop: SearchIndex, field: str) -> None:
    array = getattr(shop, field)
    for wrong in (array[:-1], array + np.asarray(100, array.dtype)):
        if field == "popularity" and wrong.size == array.size:
            continue  # any numbers are
        with pytest.raises(ModelFileError):
            SearchIndex.from_files(dataclasses.replace(shop, **{field: wrong}).to_files())


@pytest.mark.parametrize(
    ("query", "first", "meant"),
    [
        ("hangign heart", {"a", "b"}, "hanging heart"),
        ("chrismas tree", {"c", "d"}, "christmas tree"),
        ("tealight holder", {"a", "b"}, None),
        ("tea cup", {"e"}, None),
        ("creme brulee", {"g"}, None),
        ("milk jug 15 oz", {"f"}, None),
        ("milkjug", {"f"}, "milk jug"),
        ("lampen", {"h"}, None),
        ("e", {"e"}, None),
    ],
)
def test_it_finds_what_people_mean(shop: SearchIndex, query: str, first: set[str], meant: str | None) -> None:
    found = shop.search(query, 10)
    assert ids(shop, query)[: len(first)] and set(ids(shop, query)[: len(first)]) == first
    if meant is not None:
        assert found.meant == meant


def test_a_query_asks_for_a_category(shop: SearchIndex) -> None:
    assert shop.search("christmas").categories[0][0] == "seasonal"
    assert shop.search("teacup").categories[0][0] == "kitchen"
    assert shop.search("qwertz").categories == []


def test_clicks_teach_words_that_no_title_has() -> None:
    titles, groups = ["cola can", "lemonade bottle", "oak table"], ["drinks", "drinks", "furniture"]
    plain = index_of(titles, list(groups))
    assert not plain.search("soda").rows.size
    taught = index_of(
        titles, list(groups), clicks=[Click(["soda"], "drinks", 6.0), Click(["soda"], "gone", 9.0)]
    )
    again = SearchIndex.from_files(taught.to_files())
    for index in (taught, again):
        found = index.search("soda")
        assert set(found.rows.tolist()) == {0, 1} and found.meant is None
        assert found.categories[0][0] == "drinks"
    assert plain.search("oak").categories[0][0] == taught.search("oak").categories[0][0] == "furniture"


def test_popularity_and_then_the_customer_decide_between_equals(shop: SearchIndex) -> None:
    assert ids(shop, "hanging heart holder")[:2] == ["a", "b"]
    tastes = {shop.item_rows["b"]: 2.0, shop.item_rows["a"]: 1.0}

    def taste(rows: np.ndarray) -> np.ndarray:
        return np.array([tastes.get(int(row), np.nan) for row in rows], np.float32)

    assert ids(shop, "hanging heart holder", taste=taste)[:2] == ["b", "a"]
    other = shop.item_rows["d"]
    assert (
        ids(shop, "christmas gingham tree", taste=lambda rows: (rows == other).astype(np.float32))[0] == "c"
    )


@pytest.mark.parametrize("query", ["", "   ", "!?", "—", "\u200b"])
def test_a_query_without_a_word_finds_nothing(shop: SearchIndex, query: str) -> None:
    assert not shop.search(query).rows.size and not shop.nearest(query).size


def test_where_nothing_is_found_the_nearest_titles_are_told(shop: SearchIndex) -> None:
    assert not shop.search("gngrbread sqr").rows.size
    (row,) = shop.nearest("gingham cloth", 1)
    assert shop.item_ids[row] == "c"


def test_an_empty_catalogue_finds_nothing() -> None:
    empty = SearchIndex.from_files(index_of([]).to_files())
    assert not empty.search("anything").rows.size and not empty.nearest("anything").size


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        SearchIndex.of(["a"], ["x", "y"], ["x", "y"], [None, None], [1, 2])
    with pytest.raises(ValueError, match="twice"):
        SearchIndex.of(["a", "a"], ["x", "y"], ["x", "y"], [None, None], [1, 2])
    with pytest.raises(ValueError, match="weight of words"):
        Weights(words=-1)


def test_meaning_finds_what_shares_no_word() -> None:
    encoder = load_encoder("wordllama")
    index = index_of(["christmas decoration", "garden spade", "alarm clock"], encoder=encoder)
    assert ids(index, "xmas ornament", encoder=encoder)[:1] == ["item-0"]
    assert encoder.name == encoder_version("wordllama") == index.encoder
    lengths = np.linalg.norm(encoder.encode(["christmas decoration", ""]), axis=1)
    assert lengths[0] == pytest.approx(1) and lengths[1] in (pytest.approx(0), pytest.approx(1))


def test_vectors_of_another_encoder_do_not_compare(shop: SearchIndex) -> None:
    with pytest.raises(ValueError, match="make the index again"):
        shop.search("jug", encoder=load_encoder("wordllama"))


def test_an_encoder_that_is_not_installed_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    def none(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr("recsys_models.search.encoder.version", none)
    with pytest.raises(EncoderMissing, match="semantic-light"):
        encoder_version("wordllama")


@given(st.text(max_size=40))
def test_any_text_is_a_query(text: str) -> None:
    index = index_of(["tea light", "ceramic jug"])
    found = index.search(text)
    assert set(found.rows.tolist()) <= {0, 1}
    if found.meant is not None:
        assert set(words(found.meant)) - set(words(text)) <= {"tea", "light", "ceramic", "jug"}
