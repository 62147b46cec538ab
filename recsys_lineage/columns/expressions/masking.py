"""Masking: the expressions that keep the key of a hash, and those with which a statistic can reveal a single person."""

from __future__ import annotations

from sqlglot import exp

from recsys_lineage.columns.binding.names import called, operands
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.edges import SINGLED_OUT, keyless
from recsys_lineage.columns.expressions.aggregates import is_aggregate
from recsys_lineage.columns.relation import Value

HASHES = frozenset(
    {"hash", "hmac", "md5", "md5_number", "md5_number_lower", "md5_number_upper", "sha1", "sha256"}
)
"""Hash functions: with a key in their argument they mask it."""
_NAMES = exp.Alias | exp.Column | exp.Columns | exp.Identifier | exp.Paren | exp.PositionalColumn
_OF_ROWS = exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.Window | exp.WithinGroup
_CONSTANTS = exp.Boolean | exp.Interval | exp.Literal | exp.Null | exp.Parameter | exp.Placeholder
_TOGETHER = exp.Array | exp.Collate | exp.DPipe | exp.Kwarg | exp.PropertyEQ | exp.Struct | exp.Tuple
_CHOICES = exp.Case | exp.Coalesce | exp.If
_WHOLE_TEXTS = frozenset(
    {
        "base64", "coalesce", "concat", "concat_ws", "encode", "hex", "ifnull", "lcase", "lower", "ltrim", "nvl", "row",
        "rtrim", "struct_pack", "to_base64", "to_hex", "trim", "ucase", "upper",
    }
)  # fmt: skip
"""Functions whose result contains all of their arguments, for a key that is a text."""
_LINEAR = (
    exp.Add | exp.Cast | exp.Distinct | exp.Explode | exp.Neg | exp.Order | exp.Star | exp.Sub | exp.Subquery
)
_OF_ONE_VALUE = frozenset(
    {
        "age", "array_length", "cardinality", "cbrt", "char_length", "character_length", "date_diff", "date_part",
        "date_trunc", "datediff", "datepart", "datetrunc", "day", "dayofmonth", "dayofweek", "dayofyear", "epoch",
        "epoch_ms", "extract", "hour", "isodow", "julian", "len", "length", "list_value", "ln", "log", "log10", "log2",
        "minute", "month", "quarter", "round", "sqrt", "strlen", "unnest", "week", "weekday", "weekofyear", "year",
    }
)  # fmt: skip
"""Functions that do not make a value of one person large and all others small."""
_FIELDS = exp.Bracket | exp.JSONExtract | exp.JSONExtractScalar
_FIELD_FUNCTIONS = frozenset(
    {"element_at", "json_extract", "json_extract_string", "list_extract", "map_extract", "struct_extract"}
)


def judged(node: exp.Expr, found: Value, scope: Scope) -> Value:
    """The value of an expression without the key that it may lose, and marked if it may single out a person.

    Args:
        node: the expression.
        found: its value.
        scope: its scope.
    """
    if not found.edges or isinstance(node, _NAMES):
        return found
    name = called(node, scope.statement.text) if isinstance(node, exp.Func) else ""
    if isinstance(node, _OF_ROWS) or (name and is_aggregate(node, name)):
        return found if keyless(found.edges) == found.edges else found.through(keyless)
    if not _keeps_key(node, name) and keyless(found.edges) != found.edges:
        found = found.through(keyless)
    return found if _is_harmless(node, name, scope) else found.with_edges(SINGLED_OUT)


def _keeps_key(node: exp.Expr, name: str) -> bool:
    """Whether different keys always make different values."""
    if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast):
        return node.to.is_type(*exp.DataType.TEXT_TYPES, exp.DType.VARBINARY)
    return name in HASHES or name in _WHOLE_TEXTS or isinstance(node, _TOGETHER | _CHOICES | _CONSTANTS)


def _is_harmless(node: exp.Expr, name: str, scope: Scope) -> bool:
    """Whether a statistic over values of an expression reveals no more than one over its parts.

    A choice or a comparison is not, because it can be true for one person alone, and neither are powers, a product of a
    column with itself or a quotient by an expression, which can be made so.
    """
    if isinstance(node, exp.TryCast):
        return False
    if isinstance(node, exp.Mul):
        return not _inputs(node.this, scope) & _inputs(node.expression, scope)
    if isinstance(node, exp.Div):
        divisor = node.expression.unnest()
        return isinstance(divisor, exp.Column) or divisor.find(exp.Column) is None
    if isinstance(node, _FIELDS) or name in _FIELD_FUNCTIONS:
        _, *places = node.iter_expressions()
        return all(place.find(exp.Column) is None for place in places)
    if isinstance(node, exp.Dot):
        return not isinstance(node.expression, exp.Func)
    known = name in HASHES or name in _WHOLE_TEXTS or name in _OF_ONE_VALUE
    return known or isinstance(node, _TOGETHER | _CONSTANTS | _LINEAR | exp.Coalesce | exp.Query)


def _inputs(node: exp.Expr, scope: Scope) -> set[tuple[str, str]]:
    """The input columns of an expression's values."""
    return {(table, column) for each in operands(node) for table, column, *_ in scope.edges(each) if table}
