"""Plots for Dagster's pages: Altair charts as PNG inside Markdown, made without a browser.

Altair takes 40 MB, so it is imported only when a plot is drawn; most processes draw nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import dagster as dg
import polars as pl

from recsys_lineage.assets.plot import Plot

WIDTH, HEIGHT = 420, 240


def loss_curve(history: Sequence[dict[str, float]]) -> Plot | None:
    """Plot with one line per recorded quantity over the epochs of a fit; None for a fit without epochs."""
    if len(history) < 2:
        return None
    rows = [
        {"epoch": epoch, "quantity": name, "value": float(value)}
        for epoch, moment in enumerate(history, start=1)
        for name, value in moment.items()
        if name != "epoch" and isinstance(value, int | float)
    ]
    return Plot(pl.DataFrame(rows), lines)


def lines(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """One panel below another for each quantity, of (epoch, quantity, value)."""
    import altair as alt

    base = alt.Chart(frame).mark_line(point=frame["epoch"].n_unique() < 40)
    chart = base.encode(
        x=alt.X("epoch:Q", title="epoch"),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        color=alt.Color("quantity:N", legend=None),
    ).properties(width=WIDTH, height=HEIGHT // 2)
    return png(chart.facet(row=alt.Row("quantity:N", title=None)).resolve_scale(y="independent"))


def bars(frame: pl.DataFrame, *, value: str, label: str, colour: str, title: str) -> dg.MarkdownMetadataValue:
    """Grouped horizontal bars: one group a label, one bar a colour."""
    import altair as alt

    chart = (
        alt.Chart(frame, title=title)
        .mark_bar()
        .encode(
            x=alt.X(f"{value}:Q", title=None, axis=alt.Axis(tickCount=6)),  # the title names it
            y=alt.Y(f"{label}:N", title=None, sort="-x"),
            yOffset=alt.YOffset(f"{colour}:N"),
            color=alt.Color(f"{colour}:N", title=None, legend=alt.Legend(orient="bottom")),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    return png(chart)


def intervals(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """Differences with their confidence intervals, one per row of (champion_before, challenger, difference, low,
    high)."""
    import altair as alt

    title = f"against {frame['champion_before'].first()}"
    base = alt.Chart(frame, title=title).encode(y=alt.Y("challenger:N", title=None))
    line = base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", title="difference in NDCG"), x2="high:Q")
    point = base.mark_point(filled=True, size=70).encode(x="difference:Q")
    zero = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(strokeDash=[4, 4]).encode(x="zero:Q")
    return png((zero + line + point).properties(width=WIDTH, height=HEIGHT // 2))


def trial_history(trials: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """Plot of a study: the value of each trial, and the best so far, of (trial, ndcg)."""
    import altair as alt

    frame = trials.select("trial", "ndcg").with_columns(best=pl.col("ndcg").cum_max().forward_fill())
    base = alt.Chart(frame).encode(x=alt.X("trial:Q", title="trial", axis=alt.Axis(tickMinStep=1)))
    scale = alt.Scale(zero=False)
    points = base.mark_point(filled=True).encode(
        y=alt.Y("ndcg:Q", title="NDCG@20 on validation", scale=scale)
    )
    line = base.mark_line(interpolate="step-after").encode(y=alt.Y("best:Q", scale=scale))
    return png((points + line).properties(width=WIDTH, height=HEIGHT))


def png(chart: Any) -> dg.MarkdownMetadataValue:
    """A chart as a PNG inside Markdown, as Dagster shows it."""
    import vl_convert

    image = vl_convert.vegalite_to_png(chart.to_json(), scale=1.5)
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{base64.b64encode(image).decode()})")
