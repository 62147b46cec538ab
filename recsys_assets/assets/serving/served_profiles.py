"""`recommendation_profiles`: counts that describe each night's recommendations, with those of earlier nights."""

from __future__ import annotations

from datetime import timezone

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.assets.schema import texts_of, types_of
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.checks import unique
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.frames.declared import ColumnsFrom, Origins
from recsys_lineage.orchestration.frame_asset import frame_asset

NAME = "recommendation_profiles"
NIGHTS = 120
"""Number of versions of `recommendations` whose profiles are kept."""
PROFILE = """WITH described AS (
    SELECT
        r.user_id,
        r.rank,
        r.item_id,
        p.department,
        p.category,
        p.brand,
        r.cold::VARCHAR AS cold,
        CASE
            WHEN r.score = 0 OR NOT isfinite(r.score) THEN r.score::VARCHAR
            ELSE (sign(r.score) * round(2 ^ (floor(4 * log2(abs(r.score))) / 4), 6))::VARCHAR
        END AS score
    FROM recommendations AS r
    LEFT JOIN item_profiles AS p ON r.item_id = p.item_id
),

found AS (
    SELECT column_name, value
    FROM (SELECT item_id AS item, department, category, brand FROM described)
    UNPIVOT INCLUDE NULLS (value FOR column_name IN (item, department, category, brand))
    UNION ALL
    SELECT 'score at rank ' || rank, score FROM described WHERE rank IN (1, 5, 20)
    UNION ALL
    SELECT 'cold', cold FROM described WHERE rank = 1
    UNION ALL
    SELECT 'length', count(*)::VARCHAR FROM described GROUP BY user_id
),

counted AS (
    SELECT column_name, coalesce(value, '(missing)') AS value, count(*) AS lists FROM found GROUP BY ALL
),

ranked AS (
    SELECT *, row_number() OVER (PARTITION BY column_name ORDER BY lists DESC, value) AS place FROM counted
)

SELECT
    column_name,
    CASE WHEN place <= 100 OR value = '(missing)' THEN value ELSE '(other)' END AS bin,
    sum(lists)::BIGINT AS lists
FROM ranked
GROUP BY ALL
ORDER BY column_name, lists DESC, bin"""
"""Query for the profile of a version of `recommendations`: counts of its lists' content; scores have four bins per
doubling."""
_FAMILY = """SELECT coalesce(max(challenger) FILTER (WHERE promoted), any_value(champion_before)) AS family FROM gate"""


class ProfileColumns:
    """Columns of `recommendation_profiles`."""

    version = pl.Int64
    """The version of `recommendations`."""
    night = pl.Datetime("us")
    """Time at which that version was written (UTC)."""
    family = pl.String
    """The champion's family then."""
    column_name = pl.String
    """Name of what is counted: the item and its groups, the score at a rank, the length of lists, cold customers."""
    bin = pl.String
    """A value, the lower end of a range of scores, (missing) or (other)."""
    lists = pl.Int64
    """Number of places (or lists) with such a value."""


def recommendation_profiles(inputs: Inputs) -> Output:
    """Profile of each night's recommendations: number of places by item, category and score, for each version.

    Tonight's counts are appended to those of earlier versions. The hundred most frequent items and groups of a night
    have a row each, the others share one.
    """
    served = inputs.version("recommendations")
    version, night = served.version, served.committed.astimezone(timezone.utc).replace(tzinfo=None)
    (family,) = inputs.query(_FAMILY)["family"].to_list()
    tonight = inputs.query(PROFILE).select(
        pl.lit(version, pl.Int64).alias("version"),
        pl.lit(night, pl.Datetime("us")).alias("night"),
        pl.lit(family, pl.String).alias("family"),
        "column_name",
        "bin",
        "lists",
    )
    before, previous = pl.DataFrame(schema=types_of(ProfileColumns)), inputs.previous()
    if previous is not None:
        before = previous.frame(list(types_of(ProfileColumns)))
        # a table that was begun anew counts its versions from 0 again
        before = before.filter(pl.col("version") < version)
    retained = before["version"].unique().sort().tail(NIGHTS - 1)
    before = before.filter(pl.col("version").is_in(retained.implode()))
    return Output(pl.concat([before, tonight]), statistics={"versions": retained.len() + 1})


_READS: Origins = {
    "recommendations": ("user_id", "rank", "item_id", "score", "cold"),
    "item_profiles": ("item_id", "department", "category", "brand"),
}
_GATE: Origins = {"gate": ("challenger", "promoted", "champion_before")}
_BEFORE: Origins = {NAME: tuple(types_of(ProfileColumns))}
_COUNTED: Origins = {**_READS, **_BEFORE}
COLUMNS_FROM: ColumnsFrom = {
    "version": _BEFORE,
    "night": _BEFORE,
    "family": {**_GATE, **_BEFORE},
    "column_name": _COUNTED,
    "bin": _COUNTED,
    "lists": _COUNTED,
}


def asset() -> dg.AssetsDefinition:
    """`recommendation_profiles`."""
    return frame_asset(
        recommendation_profiles,
        reads=("recommendations", "item_profiles", "gate"),
        checks=(unique("version", "column_name", "bin"),),
        columns=texts_of(ProfileColumns),
        columns_from=COLUMNS_FROM,
        rows_from=_COUNTED,
        look=look("feedback", personal="how many lists hold which item; no customer is named"),
    )
