"""Whether events are what they should be: by the official schemas, and by what no schema can state."""

from recsys_lineage.openlineage.validation.report import Report
from recsys_lineage.openlineage.validation.validator import validate

__all__ = ["Report", "validate"]
