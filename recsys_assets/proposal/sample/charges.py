"""Charges: order lines that are no products, such as postage and fees, recognised by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from recsys_assets.proposal.names.known_names import IDS, NAMES, role_rank
from recsys_lineage.spelling import folded

_CHARGED = re.compile(
    "postage|shipping|shipment|carriage|delivery|freight|handling|surcharge|fees?|charges?|commission|discounts?|"
    "rounding|insurance|frais|gastos|spese|"
    "versand|versandkosten|porto|rabatt|gebühr|gebühren|pfand|trinkgeld|zuschlag|livraison|expédition|remise|envío|"
    "envio|portes|descuento|spedizione|sconto|verzendkosten|verzending|korting|frete|desconto|送料|运费|割引"
)
"""Words for charges and deductions besides products."""
_BOOKED = re.compile("manual|adjust|adjustments?|correction|samples|debt|deposit|tip|donation")
"""Words for lines added by accountants; products may have such names too."""
_COMPANION = re.compile(
    "and|&|of|de|du|des|la|the|to|for|und|für|pour|por|para|di|per|voor|costs?|kosten|port|standard|express|free|international|"
    "domestic|bank|card|service|small|order|tax|vat|extra|local|first|class|home|gratis|kostenlos"
)
"""Words that may occur next to them."""
_CODE = r"\d{3}"
"""Pattern of three digits, which product codes of most shops have."""
_MOST_CODES = 0.9
_MOST = 20


def charges(frames: Sequence[pl.DataFrame]) -> Mapping[str, Mapping[str, str]]:
    """Column of products → ids in it that are probably charges, and their names.

    A charge has only such words in its name, or an id unlike those of nearly all products. An id that several names
    share goes by the one on most lines, because others are often notes of a warehouse.

    Args:
        frames: rows of files with the same columns; charges may be rare, so all files are worth a look.
    """
    kept = {name for name, type_ in frames[0].schema.items() if type_ == pl.String or type_.is_integer()}
    items = [name for name in kept if role_rank("item_id", name, IDS["item_id"]) is not None]
    titles = [name for name in kept if role_rank("title", name, NAMES["raw_items"]["title"]) is not None]
    found: dict[str, dict[str, str]] = {}
    for item in items:
        for title in [name for name in titles if name != item] or [item]:
            for id_, called in _charged(_names_of_ids(frames, item, title)):
                found.setdefault(item, {}).setdefault(id_, called)
    return {item: dict([*ids.items()][:_MOST]) for item, ids in found.items()}


def _names_of_ids(frames: Sequence[pl.DataFrame], item: str, title: str) -> pl.DataFrame:
    """The different ids with the name on most of their lines, in the order of their first lines."""
    id_ = pl.col(item).cast(pl.String).str.strip_chars().str.replace(r"^(\d+)\.0+$", "${1}").alias("id")
    pairs = [
        frame.group_by(id_, pl.col(title).cast(pl.String).alias("title"), maintain_order=True).len()
        for frame in frames
    ]
    counted = pl.concat(pairs).group_by("id", "title", maintain_order=True).agg(pl.col("len").sum())
    named = counted.filter(pl.col("id").is_not_null()).with_columns(
        pl.when(pl.col("title").is_not_null()).then(pl.col("len")).otherwise(0)
    )
    most = pl.col("title").sort_by("len", descending=True, maintain_order=True).first()
    return named.group_by("id", maintain_order=True).agg(most)


def _charged(named: pl.DataFrame) -> Iterator[tuple[str, str]]:
    are_codes = named.height > 0 and named["id"].str.contains(_CODE).mean() >= _MOST_CODES  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    for id_, title in named.drop_nulls().iter_rows():
        if not id_.isprintable():
            continue
        words = {*re.findall(r"[^\W\d_]+|&", folded(title))}
        charged = {word for word in words if _CHARGED.fullmatch(word)}
        is_charge = bool(charged) and all(map(_COMPANION.fullmatch, words - charged))
        is_booked = bool(charged) or any(map(_BOOKED.fullmatch, words))
        if is_charge or (is_booked and are_codes and not re.search(_CODE, id_)):
            yield id_, title
