"""Validation of events against the official schemas, and against rules that no schema can express."""

from recsys_lineage.openlineage.validation.report import Report
from recsys_lineage.openlineage.validation.validator import validate

__all__ = ["Report", "validate"]
