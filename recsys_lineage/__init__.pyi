"""Public names of the package and where they stand: the one list of them."""

from .assets.asset_code import AssetCode as AssetCode
from .assets.asset_code import Output as Output
from .assets.asset_code import Query as Query
from .assets.asset_code import Request as Request
from .assets.asset_status import AssetStatus as AssetStatus
from .assets.asset_status import asset_statuses as asset_statuses
from .assets.checks import TableCheck as TableCheck
from .assets.checks import not_empty as not_empty
from .assets.checks import not_null as not_null
from .assets.checks import unique as unique
from .assets.frame_code import frame_code as frame_code
from .assets.inputs import Inputs as Inputs
from .assets.materialize import Outcome as Outcome
from .assets.materialize import materialize as materialize
from .assets.reproduction import Reproduction as Reproduction
from .assets.reproduction import reproduce as reproduce
from .assets.sql_code import sql_code as sql_code
from .columns.column_edge import ColumnEdge as ColumnEdge
from .columns.column_lineage import column_lineage as column_lineage
from .columns.frames.columns_of_frame import columns_of_frame as columns_of_frame
from .errors import LineageError as LineageError
from .lake.lake import Lake as Lake
from .lake.table_version import TableVersion as TableVersion
from .orchestration.asset_codes import asset_codes as asset_codes
from .orchestration.column_metadata import with_column_lineage as with_column_lineage
from .orchestration.frame_asset import frame_asset as frame_asset
from .orchestration.lake_resource import LakeResource as LakeResource
from .orchestration.lineage_asset import AssetLook as AssetLook
from .orchestration.sql_asset import sql_asset as sql_asset
from .records.check_outcome import CheckOutcome as CheckOutcome
from .records.materialization import Materialization as Materialization
from .records.read import Read as Read
from .records.records import Records as Records
from .rows.back import BackwardTrace as BackwardTrace
from .rows.back import trace_back as trace_back
from .rows.forward import ForwardTrace as ForwardTrace
from .rows.forward import trace_forward as trace_forward
from .rows.trace_query import Trace as Trace
from .rows.trace_query import trace as trace
from .rows.trace_query import trace_query as trace_query
from .sql.sql_text import SqlText as SqlText

__all__: list[str]
