"""Notes on rows of events that lack a customer, a product or a time."""

from __future__ import annotations

from collections.abc import Iterator

from recsys_assets.proposal.column_roles import Roles, are_order_lines
from recsys_assets.proposal.names.known_names import IDS, NAMES, role_rank
from recsys_assets.proposal.sample.sampled_column import SampledColumn
from recsys_assets.proposal.sample.sampled_files import SampledFiles
from recsys_lineage.sql.names import quote


def notes_on_empty_columns(files: SampledFiles, events: Roles) -> Iterator[str]:
    """Notes on required columns with empty rows, in sentences, with a way to keep these rows where there is one."""
    for role in (*IDS, "event_time"):
        column = events.columns.get(role)
        if column is not None and column.filled < 1:
            empty = files.rows - round(column.filled * files.rows)
            if {*column.names} <= {*files.filled_down}:
                yield f"column {column.name} stands on the first line of each order: the lines below get it too"
                continue
            if order := events.filling_order(column.name):
                yield f"column {column.name} stands on the first line of each {order}: its other lines get it too"
                continue
            note = f"column {column.name} is empty in {empty:,} of {files.rows:,} rows, which are rejected"
            if role == "event_time":
                note += (
                    "; where only the first line of an order has it, last_value(… IGNORE NULLS) OVER (ORDER BY _file, "
                    "_line) fills it down"
                )
            if role == "user_id" and (visitor := events.visitor) is not None:
                who, visit = _text_of(column), _text_of(visitor)
                note += (
                    f"; column {visitor.name} says who or which visit it was in all rows: to take that for the "
                    f"customer where no other is known, write coalesce({who}, '{visitor.name} ' || {visit}) AS user_id"
                )
            if role == "item_id" and (other := _other_product(files, column)) is not None:
                product = f"coalesce({_text_of(column)}, {_text_of(other)})"
                note += (
                    f"; column {other.name} names the product in all rows: {product} AS item_id keeps them"
                )
            yield note


def _text_of(column: SampledColumn) -> str:
    return quote(column.name) if column.is_text else f"{quote(column.name)}::VARCHAR"


def _other_product(files: SampledFiles, product: SampledColumn) -> SampledColumn | None:
    """The column that names the product of each order line, by its id or else its title."""
    names = {"item_id": IDS["item_id"], "title": NAMES["raw_items"]["title"]}
    found = [
        column
        for role, known in names.items()
        for column in files.columns
        if column.name != product.name
        and column.filled == 1
        and column.distinct > 1
        and role_rank(role, column.name, known) is not None
    ]
    return found[0] if found and are_order_lines(files) else None
