"""Lines of orders that came to nothing are no purchases: the proposed SQL leaves them out, and a note counts them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.proposal.names.order_states import came_to_nothing, is_in_doubt
from recsys_assets.proposal.proposal import Proposal
from tests.proposal.order_lines import LINES, Line
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded

ENDED = (
    "cancelled", "Canceled", "CANCELLED", "wc-cancelled", "Cancelled by customer", "cancelled_by_shop", "refunded",
    "voided", "failed", "storno", "Storniert", "annulée", "Remboursé", "cancelado", "geannuleerd", "Отменён", "已取消",
)  # fmt: skip
DOUBTFUL = (
    "partially_refunded",
    "pending",
    "unpaid",
    "on hold",
    "not cancelled",
    "teilweise erstattet",
    "offen",
)
PLAIN = ("completed", "paid", "shipped", "processing", "bezahlt", "5", "")


def _row(line: Line) -> dict[str, str]:
    return {
        "order_id": f"o{line.order}", "customer_id": f"c{line.customer}", "sku": f"p{line.product}",
        "created_at": f"{line.at}", "qty": f"{line.pieces}", "price": line.price,
    }  # fmt: skip


def _csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    return pl.DataFrame(rows).write_csv().encode()


def _is_first(line: Line) -> bool:
    return not any(each.order == line.order and each.number < line.number for each in LINES)


def _on_each_line(state: str, name: str = "Order Status") -> dict[str, bytes]:
    return {"o.csv": _csv([{**_row(n), name: state if _ends(n) else "paid"} for n in LINES])}


def _on_first_lines(state: str) -> dict[str, bytes]:
    """An order's state and customer, on its first line alone."""
    rows = [
        {
            **_row(n),
            "customer_id": f"c{n.customer}" if _is_first(n) else "",
            "status": (state if _ends(n) else "paid") if _is_first(n) else "",
        }
        for n in LINES
    ]
    return {"o.csv": _csv(rows)}


def _in_heads(state: str) -> dict[str, bytes]:
    lines = [{name: _row(n)[name] for name in ("order_id", "sku", "qty", "price")} for n in LINES]
    heads = [
        {name: _row(n)[name] for name in ("order_id", "customer_id", "created_at")}
        | {"state": state if _ends(n) else "paid"}
        for n in LINES
        if _is_first(n)
    ]
    return {"order_lines.csv": _csv(lines), "orders.csv": _csv(heads)}


def _in_json(state: str) -> dict[str, bytes]:
    rows = [{**_row(n), "order": {"status": state if _ends(n) else "paid"}} for n in LINES]
    return {"o.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode()}


def _in_parquet(state: str) -> dict[str, bytes]:
    out = pa.BufferOutputStream()
    states = pa.array([state if _ends(n) else None for n in LINES]).dictionary_encode()
    table = pa.Table.from_pylist([_row(n) for n in LINES]).append_column("status", states)
    pq.write_table(table, out)
    return {"o.parquet": out.getvalue().to_pybytes()}


def _ends(line: Line) -> bool:
    return line.order % 5 == 0


LAYOUTS: Mapping[str, Callable[[str], dict[str, bytes]]] = {
    "each line": _on_each_line,
    "first lines": _on_first_lines,
    "heads": _in_heads,
    "JSON": _in_json,
    "Parquet": _in_parquet,
}


def _notes(proposal: Proposal) -> str:
    return "\n".join(proposal.notes)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("state", ["cancelled", "Storniert", "wc-refunded"])
def test_lines_of_orders_that_came_to_nothing_are_left_out_and_counted(
    tmp_path: Path, layout: str, state: str
) -> None:
    proposal = proposed(tmp_path, LAYOUTS[layout](state))
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == sum(not _ends(n) for n in LINES), proposal.files["raw_events.sql"]
    assert events["user_id"].null_count() == 0 and rejected.is_empty()
    rows = sum(_ends(n) and (_is_first(n) or layout not in ("first lines", "heads")) for n in LINES)
    assert f"says {state.lower()} ({rows}) in {rows} of" in _notes(proposal)
    assert "are taken for no purchases" in _notes(proposal)
    assert "not used: " not in _notes(proposal) or "tatus" not in _notes(proposal).partition("not used: ")[2]


@pytest.mark.parametrize(("name", "yes", "no"), [
    ("cancelled", "true", "false"), ("is_test", "1", "0"), ("Storno", "J", ""), ("refunded", "yes", "no"),
    ("Cancelled at", "2024-02-01", ""), ("cancel_reason", "fraud", ""), ("Stornodatum", "03.02.2024", ""),
])  # fmt: skip
def test_marks_by_yes_and_no_and_columns_of_ended_orders_do_the_same(
    tmp_path: Path, name: str, yes: str, no: str
) -> None:
    rows = [{**_row(n), name: yes if _ends(n) else no} for n in LINES]
    proposal = proposed(tmp_path, {"o.csv": _csv(rows)})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == sum(not _ends(n) for n in LINES), proposal.files["raw_events.sql"]
    assert f"{sum(map(_ends, LINES))} of {len(LINES)} rows: these are taken for no purchases" in _notes(
        proposal
    )


def test_lines_below_zero_stay_whatever_they_are_called_because_they_are_subtracted(tmp_path: Path) -> None:
    sold = [{**_row(n), "status": "paid"} for n in LINES]
    back = [{**_row(n), "qty": f"-{n.pieces}", "status": "refunded"} for n in LINES if _ends(n)]
    proposal = proposed(tmp_path, {"o.csv": _csv([*sold, *back])})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == len(LINES) and rejected.height == len(back)
    assert events["returned_quantity"].sum() == sum(n.pieces for n in LINES if _ends(n))
    assert "rows of all these count" in _notes(proposal)


@pytest.mark.parametrize(("name", "state"), [
    *(("status", state) for state in DOUBTFUL), ("stock_status", "cancelled"), ("marital status", "annulled"),
    ("email_status", "failed"), ("title", "failed"), ("carrier", "refunded"),
])  # fmt: skip
def test_what_may_be_a_purchase_counts(tmp_path: Path, name: str, state: str) -> None:
    proposed(tmp_path, _on_each_line(state, name))
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == len(LINES)


def test_a_file_of_which_most_came_to_nothing_is_not_emptied(tmp_path: Path) -> None:
    rows = [{**_row(n), "status": "cancelled" if n.order % 5 else "paid"} for n in LINES]
    proposal = proposed(tmp_path, {"o.csv": _csv(rows)})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == len(LINES) and "rows of all these count" in _notes(proposal)


@given(
    st.sampled_from(ENDED),
    st.sampled_from(["", " ", "\t"]),
    st.sampled_from([str.upper, str.lower, str.title]),
)
def test_a_state_is_certain_in_any_case_and_between_blanks(
    state: str, blank: str, case: Callable[[str], str]
) -> None:
    assert came_to_nothing(f"{blank}{case(state)}{blank}")


def test_other_states_are_in_doubt_or_plain() -> None:
    assert not any(map(came_to_nothing, (*DOUBTFUL, *PLAIN)))
    assert all(map(is_in_doubt, DOUBTFUL)) and not any(map(is_in_doubt, PLAIN))


def test_orders_that_ended_are_left_out_with_all_their_lines(tmp_path: Path) -> None:
    """Such a column is filled on the first line of an order only, as others of the order are."""
    firsts = {n.order: n.number for n in reversed(LINES)}
    ends = {n.number for n in LINES if n.order % 5 == 0 and firsts[n.order] == n.number}
    text = "Name,Email,Created at,Cancelled at,Lineitem sku,Lineitem quantity\n" + "".join(
        f"#{n.order},c{n.customer}@x.org,{n.at},{n.at if n.number in ends else ''},p{n.product},1\n"
        for n in LINES
    )
    told = notes_of(proposed(tmp_path, {"o.csv": text}))
    assert f"column Cancelled at is filled in {len(ends)} of {len(LINES)} rows: these are taken for" in told
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == sum(n.order % 5 != 0 for n in LINES)
