"""Proofs of lineage: inputs are changed, the code runs again, and the results are compared.

The package is independent of the derivation of lineage and uses only its result.
"""

from recsys_lineage.proof.asset_proof import AssetProof, verify
from recsys_lineage.proof.column_proof import ColumnProof, Refutation, column_report
from recsys_lineage.proof.columns import verify_columns
from recsys_lineage.proof.experiment import Experiment, ExperimentError
from recsys_lineage.proof.observed.observed_code import CodeProof
from recsys_lineage.proof.observed.observed_reads import ReadProof, verify_reads
from recsys_lineage.proof.row_proof import RowProof, RowTrial, row_report
from recsys_lineage.proof.rows import verify_rows

__all__ = [
    "AssetProof", "CodeProof", "ColumnProof", "Experiment", "ExperimentError", "ReadProof", "Refutation", "RowProof",
    "RowTrial", "column_report", "row_report", "verify", "verify_columns", "verify_reads", "verify_rows",
]  # fmt: skip
