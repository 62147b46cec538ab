"""A project whose assets fail in many ways, each time with a planted value in what the error says."""

from __future__ import annotations

import os

import dagster as dg
import duckdb
import polars as pl

from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.plot import Plot
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.sql_asset import sql_asset
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.sql.sql_text import SqlText


def people(inputs: Inputs) -> pl.DataFrame:
    """The planted rows; the text comes from a file, so that no code holds it."""
    with inputs.open_file(os.environ["PLANTED_ROWS"]) as file:
        return pl.DataFrame({"customer": file.read().decode().splitlines()})


def formatted(people: pl.DataFrame) -> pl.DataFrame:
    raise ValueError(f"customer {people['customer'][0]} is wrong, %s" % people["customer"][1])


def looked_up(people: pl.DataFrame) -> pl.DataFrame:
    return {}[people["customer"][0]]


def chained(people: pl.DataFrame) -> pl.DataFrame:
    try:
        int(people["customer"][1])
    except ValueError as error:
        raise RuntimeError(f"not a number: {error}") from error
    return people


def lineage_error(people: pl.DataFrame) -> pl.DataFrame:
    cell = people["customer"][0]
    raise LineageError(f"No {cell}.", expected=cell, found=cell, where=cell, advice=cell)


def dagster_failure(people: pl.DataFrame) -> pl.DataFrame:
    raise dg.Failure(f"No {people['customer'][0]}.", metadata={"cell": people["customer"][1]})


def polars_cast(people: pl.DataFrame) -> pl.DataFrame:
    return people.with_columns(pl.col("customer").cast(pl.Int64))


def in_a_function(people: pl.DataFrame) -> pl.DataFrame:
    def say(cell: str) -> int:
        raise ValueError(cell)

    return people.with_columns(pl.col("customer").map_elements(say, return_dtype=pl.Int64))


def in_duckdb(people: pl.DataFrame) -> pl.DataFrame:
    with duckdb.connect() as connection:
        return connection.sql("SELECT customer::INTEGER AS n FROM people").pl()


def secret(people: pl.DataFrame) -> pl.DataFrame:
    raise OSError(f"no way to {os.environ['PLANTED_SECRET']}")


def asked(inputs: Inputs) -> pl.DataFrame:
    cell = inputs.frame("people")["customer"][1]
    return inputs.query(f"SELECT * FROM people WHERE customer = '{cell}'")


def asked_of_a_file(inputs: Inputs) -> pl.DataFrame:
    cell = inputs.frame("people")["customer"][2]
    return inputs.query(f"SELECT * FROM read_csv('{cell}.csv')")


def asked_of_a_function(inputs: Inputs) -> pl.DataFrame:
    cell = inputs.frame("people")["customer"][2]
    return inputs.query(f"SELECT * FROM people, '{cell}.zip'")


def refused(people: pl.DataFrame) -> pl.DataFrame:
    return people


def odd_check(inputs: Inputs) -> CheckOutcome:
    raise ValueError(f"odd {inputs.query('FROM output')['customer'][0]}")


def oddly_checked(people: pl.DataFrame) -> pl.DataFrame:
    return people


def see() -> str:
    raise ConnectionError(f"cannot see {os.environ['PLANTED_SECRET']}")


def unseen() -> pl.DataFrame:
    return pl.DataFrame({"a": [1]})


def kept_quiet(people: pl.DataFrame) -> Output:
    return Output(people.select(pl.len()))


def shown(people: pl.DataFrame) -> Output:
    """Says cells wherever code that succeeds can say something for a page or for a later run."""
    cell, other = people["customer"][0], people["customer"][1]
    return Output(
        people.select(pl.len()),
        takes={"people": cell, other: [cell]},
        metadata={
            cell: 1, "text": cell, "markdown": dg.MetadataValue.md(f"**{other}**"), "json": {other: [cell]},
            "table": dg.MetadataValue.table([dg.TableRecord({"customer": cell})]),
            "finished": dg.MetadataValue.md(f"![plot](data:image/svg+xml,{cell})"),
            "picture": Plot(people.with_columns(both=pl.concat_list("customer")), _drawn),
            "no picture": Plot(people, _not_drawn),
        },
    )  # fmt: skip


def _drawn(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(f"![plot](data:image/svg+xml,{' '.join(map(str, frame.rows()))})")


def _not_drawn(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    raise ValueError(f"no picture of {frame['customer'][0]}")


def seen() -> str:
    return f"customer {os.environ['PLANTED_SECRET']}"


RULE = TableCheck(
    "short", "texts are short", "SELECT * FROM output WHERE length(customer) > 3", blocking=True
)
FAILING = (
    *map(frame_asset, (formatted, looked_up, chained, lineage_error, dagster_failure, polars_cast)),
    *map(frame_asset, (in_a_function, in_duckdb, secret)),
    *(frame_asset(each, reads=["people"]) for each in (asked, asked_of_a_file, asked_of_a_function)),
    frame_asset(refused, checks=[RULE]),
    frame_asset(oddly_checked, checks=[TableCheck("odd", "is even", function=odd_check)]),
    frame_asset(unseen, observe=see),
    sql_asset(SqlText("SELECT customer::INTEGER AS n FROM people", "cast_sql.sql"), name="cast_sql"),
    sql_asset(SqlText("SELECT error('so: ' || customer) AS n FROM people", "said_sql.sql"), name="said_sql"),
)


def job() -> dg.JobDefinition:
    """All assets in one job of many processes."""
    return dg.Definitions(
        [frame_asset(people), frame_asset(kept_quiet), frame_asset(shown, observe=seen), *FAILING],
        jobs=[dg.define_asset_job("all")],
        resources={"lake": LakeResource(uri=os.environ["PLANTED_LAKE"], threads=1, memory_limit="500MB")},
        executor=dg.multiprocess_executor.configured({"max_concurrent": 2, "start_method": {"forkserver": {}}}),
    ).get_job_def("all")  # fmt: skip
