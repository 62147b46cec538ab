"""The frames exported for analysts: typed with dagster-pandas, written as CSV and Parquet."""

import inspect
import os
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa
from dagster_pandas import PandasColumn, RowCountConstraint, create_dagster_pandas_dataframe_type
from pandas.api.extensions import ExtensionDtype

from recsys_assets.assets.looks import OWNERS
from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.columns.frames.columns_of_frame import columns_of_frame
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.metadata.column_metadata import COLUMN_LINEAGE, shown_columns
from recsys_lineage.orchestration.metadata.event_metadata import reads_table
from recsys_lineage.orchestration.recorded import recorded
from recsys_lineage.records.materialization import Code

Report = Callable[[pl.LazyFrame], pl.LazyFrame]

RecommendationsFrame = create_dagster_pandas_dataframe_type(
    name="RecommendationsFrame",
    description="Top recommendations of every customer, best first.",
    columns=[
        PandasColumn.string_column("user_id", non_nullable=True),
        PandasColumn.integer_column("rank", non_nullable=True, min_value=1),
        PandasColumn.string_column("item_id", non_nullable=True),
        PandasColumn.string_column("title", ignore_missing_vals=True),
        PandasColumn.float_column("score", non_nullable=True),
        PandasColumn.string_column("reason", non_nullable=True),
        PandasColumn.boolean_column("cold", non_nullable=True),
    ],
    dataframe_constraints=[RowCountConstraint(10_000_000, error_tolerance=9_999_999)],
)
MetricsFrame = create_dagster_pandas_dataframe_type(
    name="MetricsFrame",
    description="Metrics of every family on the held-out weeks, overall and by customer segment.",
    columns=[
        PandasColumn.string_column("family", non_nullable=True),
        PandasColumn.categorical_column(
            "kind", categories={"new items", "with repeat purchases"}, non_nullable=True
        ),
        PandasColumn.categorical_column(
            "level", categories={"all", "segment", "fairness"}, non_nullable=True
        ),
        PandasColumn.string_column("metric", non_nullable=True),
        PandasColumn.integer_column("k", min_value=1, ignore_missing_vals=True),
        PandasColumn.float_column("value", non_nullable=True),
        PandasColumn.integer_column("users", non_nullable=True, min_value=0),
    ],
)


class ReportFiles(dg.ConfigurableIOManager):
    """Each report as `<folder>/<asset>.csv` and `.parquet`.

    An asset writes its report itself, before its record is complete. Dagster calls an IO manager only after the asset's
    code, when a record already says that it succeeded.
    """

    folder: str

    def write(self, name: str, frame: pd.DataFrame) -> None:
        """Write both files of a report, and then replace the previous files.

        Raises:
            OSError: the disk is full, or the folder cannot be written to; the previous files stay.
        """
        folder = Path(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        partial = {suffix: folder / f".{name}{suffix}.{os.getpid()}" for suffix in (".csv", ".parquet")}
        try:
            _csv(frame, partial[".csv"])
            _parquet(frame, partial[".parquet"])
            for suffix, path in partial.items():
                path.replace(folder / f"{name}{suffix}")
        finally:
            for path in partial.values():
                path.unlink(missing_ok=True)

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """Report both existing files."""
        folder, name = Path(self.folder), context.asset_key.path[-1]
        context.add_output_metadata(
            {
                "dagster/row_count": len(obj),
                "dagster/column_schema": dg.TableSchema(
                    [dg.TableColumn(str(name), str(kind)) for name, kind in obj.dtypes.items()]
                ),
                "csv": dg.MetadataValue.path(folder / f"{name}.csv"),
                "parquet": dg.MetadataValue.path(folder / f"{name}.parquet"),
            }
        )

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """Read the Parquet file back."""
        return pd.read_parquet(Path(self.folder) / f"{context.asset_key.path[-1]}.parquet")


def _csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False)


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


def assets() -> list[dg.AssetsDefinition]:
    """`recommendations_report` and `metrics_report`."""

    @dg.asset(
        deps=["recommendations"],
        group_name="serving",
        owners=list(OWNERS),
        kinds={"pandas", "csv"},
        dagster_type=RecommendationsFrame,
        io_manager_key="reports",
        code_version=_version(recommendations_frame),
    )
    def recommendations_report(
        context: dg.AssetExecutionContext, lake: LakeResource, reports: dg.ResourceParam[ReportFiles]
    ) -> pd.DataFrame:
        """Recommendations of every customer as CSV and Parquet, for analysts; column rules are checked."""
        return _recorded(
            context, lake, reports, "recommendations", recommendations_frame, RecommendationsFrame
        )

    @dg.asset(
        deps=["evaluation"],
        group_name="model",
        owners=list(OWNERS),
        kinds={"pandas", "csv"},
        dagster_type=MetricsFrame,
        io_manager_key="reports",
        code_version=_version(metrics_frame),
    )
    def metrics_report(
        context: dg.AssetExecutionContext, lake: LakeResource, reports: dg.ResourceParam[ReportFiles]
    ) -> pd.DataFrame:
        """Metrics of all families as CSV and Parquet, for analysts; column rules are checked."""
        return _recorded(context, lake, reports, "evaluation", metrics_frame, MetricsFrame)

    return [recommendations_report, metrics_report]


def recommendations_frame(recommendations: pl.LazyFrame) -> pl.LazyFrame:
    """The frame of `recommendations` for analysts."""
    return recommendations.drop("like_item_id")


def metrics_frame(evaluation: pl.LazyFrame) -> pl.LazyFrame:
    """The frame of `evaluation` for analysts: everything except single users."""
    return evaluation.filter(pl.col("level") != "user").with_columns(
        pl.col("kind", "level").cast(pl.Categorical)
    )


def _version(report: Report) -> str:
    """Version of the frame and of the files written from it."""
    return code_version(report, {}, more_roots=(ReportFiles,))


def _hold_to_rules(name: str, frame: pd.DataFrame, kind: dg.DagsterType) -> None:
    """Raise if the column rules are violated; Dagster checks them too, but after the record."""
    if not dg.check_dagster_type(kind, frame).success:
        # what Dagster says of it shows values
        raise LineageError(
            f"{name} violates its column rules.",
            expected=f"a frame as {kind.display_name} describes it",
            where=name,
            advice="look at the table that it is made of; the previous files stay",
        )


def _pandas_type(held: pa.DataType) -> ExtensionDtype | None:
    return None if pa.types.is_dictionary(held) else pd.ArrowDtype(held)


def _recorded(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    files: ReportFiles,
    table: str,
    report: Report,
    kind: dg.DagsterType,
) -> pd.DataFrame:
    """A report made from one table and written; leaves a record of the read, which says success once both files
    exist."""
    code = Code("python", inspect.getsource(report), __file__)
    name = context.asset_key.path[-1]
    with recorded(context, lake, name, code, _version(report), (table,), folders=[files.folder]) as recording:
        plan = report(recording.inputs.lazy(table))
        recording.columns = columns_of_frame(plan, recording.inputs.lazy_frames())
        # columns stay Arrow's: a text of pandas' own is a Python object a cell
        frame = plan.collect().to_arrow().to_pandas(types_mapper=_pandas_type)
        recording.rows = len(frame)
        _hold_to_rules(name, frame, kind)
        files.write(name, frame)
    context.add_output_metadata(
        {
            "reads": reads_table(recording.inputs.reads),
            COLUMN_LINEAGE: shown_columns(recording.columns, {table}),
        }
    )
    return frame
