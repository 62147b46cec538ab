"""Exports of systems that shops use: every line is loaded, with its customer, product, moment, pieces and money.

The layouts are those that the systems document; all values are made up.
"""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest

from recsys_assets.proposal.names.known_names import known_role
from tests.proposal.exports import EXPORTS, IN_CENTS, NO_CLOCK, analytics, segment
from tests.proposal.market_exports import MARKETS
from tests.proposal.order_lines import LINES, json_of
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded

ALL = {**EXPORTS, **MARKETS}
TIMES = dict.fromkeys(IN_CENTS, 100) | {"Shopee, Indonesian": 100_000}


@pytest.mark.parametrize("system", ALL)
def test_every_line_of_an_export_is_loaded_with_its_money(tmp_path: Path, system: str) -> None:
    proposal = proposed(tmp_path, ALL[system]())
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    events = events.filter(pl.col("behaviour") == "purchase")
    assert events.height == len(LINES), proposal.files["raw_events.sql"]
    assert events["user_id"].n_unique() == len({line.customer for line in LINES})
    assert events["item_id"].n_unique() == len({line.product for line in LINES})
    assert events["quantity"].sum() == sum(line.pieces for line in LINES)
    times = TIMES.get(system, 1)
    assert events["amount"].sum() == pytest.approx(
        times * sum(line.pieces * line.cents for line in LINES) / 100
    )
    found = {at.replace(tzinfo=None) for at in events["event_time"]}
    if system in (*NO_CLOCK, "BigCommerce", "Etsy", "ERPNext"):
        found, expected = {at.date() for at in found}, {line.at.date() for line in LINES}
    else:
        expected = {line.at for line in LINES}
    assert found == expected
    if system == "Lightspeed":
        return  # its titles are details of a sale, too
    (items,) = [part for part in proposal.tables["raw_items"] if "title" in part.columns][:1]
    assert items.columns["title"].name != items.columns["item_id"].name


def test_views_of_one_product_stand_beside_orders_of_several(tmp_path: Path) -> None:
    proposed(tmp_path, {"tracks.jsonl": segment()})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert dict(events["behaviour"].value_counts().iter_rows()) == {
        "view": len(LINES),
        "purchase": len(LINES),
    }
    assert not (rejected["table_name"] == "raw_events").any()


def test_a_record_whose_list_is_empty_is_told_in_every_format(tmp_path: Path) -> None:
    row = pl.read_parquet(io.BytesIO(analytics())).drop("event_timestamp").to_dicts()
    texts = json_of([{**each, "ts": "2024-01-03"} for each in row])
    for name, content in {"a.parquet": analytics(), "a.jsonl": texts}.items():
        proposal = proposed(tmp_path / name, {name: content})
        assert f"column item_id is empty in 1 of {len(LINES) + 1:,} rows" in notes_of(proposal)


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("category", ["Категория", "Kategoria", "Catégorie", "Categoría", "カテゴリ"]),
        ("brand", ["Бренд", "Marque", "Marke"]),
        ("country", ["Страна", "País", "Pays", "Kraj", "Land"]),
        ("age_group", ["Возраст", "Edad", "Altersgruppe", "Wiek"]),
    ],
)
def test_descriptions_are_known_in_other_languages(role: str, names: list[str]) -> None:
    assert {known_role(name) for name in names} == {role}
