"""Edges of an expression over one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from recsys_lineage.columns.binding.names import called, path
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.binding.stars import columns_of
from recsys_lineage.columns.edges import (
    NOTHING,
    Edges,
    How,
    aggregated,
    deciding,
    is_keyed,
    keyless,
    masked,
    of_parameter,
    transformed,
    united,
)
from recsys_lineage.columns.expressions.aggregates import (
    aggregate,
    filtered,
    is_aggregate,
    window,
    within_group,
)
from recsys_lineage.columns.expressions.lambdas import comprehension, with_lambda
from recsys_lineage.columns.expressions.maps import map_made, of_map, part_of_tuple
from recsys_lineage.columns.expressions.masking import HASHES, judged
from recsys_lineage.columns.expressions.structs import STRUCT_MAKERS, struct_made
from recsys_lineage.columns.expressions.unions import UNION_FUNCTIONS, cast, of_union
from recsys_lineage.columns.relation import CONSTANT, Value, chosen_of, folded, list_of, struct_of

_CONDITIONAL_FUNCTIONS = frozenset({"coalesce", "ifnull", "nvl"})
_SESSION = (
    exp.CurrentCatalog, exp.CurrentDate, exp.CurrentRole, exp.CurrentSchema, exp.CurrentTime, exp.CurrentTimestamp,
    exp.CurrentUser, exp.Localtime, exp.Localtimestamp, exp.SessionUser,
)  # fmt: skip
_OF_MAPS = frozenset({"map_keys", "map_values"})
_LENGTHS = frozenset({"array_length", "len", "length"})
_OF_POSITION = frozenset({"grouping", "grouping_id"})
_PLAIN = exp.Condition | exp.Tuple | exp.Interval | exp.Slice | exp.AtTimeZone | exp.JSONKeyValue
"""Expressions whose value is computed from all their parts."""
_QUERY = exp.Query | exp.Values
_UNNESTS = frozenset({"unnest", "generate_subscripts"})


def value(node: exp.Expr, scope: Scope) -> Value:
    """Value of an expression, with its edges.

    Args:
        node: the expression.
        scope: the scope of its names.

    Raises:
        ColumnLineageError: a name is unknown or ambiguous, or the expression is not supported.
    """
    found = _value(node, scope)
    return judged(node, found, scope) if scope.statement.may_mask else found


def _value(node: exp.Expr, scope: Scope) -> Value:
    reader = _READERS.get(type(node))
    if reader is not None:
        return reader(node, scope)
    if isinstance(node, exp.Query):
        return _scalar(node, scope)
    if isinstance(node, exp.Func):
        return _function(node, scope)
    if isinstance(node, _PLAIN):
        return Value(transformed(united(scope.value(each).edges for each in _parts(node))))
    scope.statement.opaque(node)


def _parts(node: exp.Expr) -> Iterator[exp.Expr]:
    return node.iter_expressions()


def _column(node: exp.Expr, scope: Scope) -> Value:
    if isinstance(node.this, exp.Star):
        binding = scope.binding(node.text("table")) if isinstance(node.parent, exp.Count) else None
        if binding is None:
            scope.statement.opaque(node)
        return struct_of((column.name, column.value) for column in binding.relation.columns)
    return scope.column(node, path(node) or [])


def _identifier(node: exp.Expr, scope: Scope) -> Value:
    return scope.column(node, [node.name])


def _dot(node: exp.Expr, scope: Scope) -> Value:
    """A field of a value, or a function called on it."""
    if (parts := path(node)) is not None:
        return scope.column(node, parts)
    inside = node.expression
    if isinstance(inside, exp.Func):
        call = inside.copy()
        first = node.this.copy()
        if isinstance(call, exp.Anonymous):
            call.set("expressions", [first, *call.expressions])
            call.parent = node.parent
            return scope.value(call)
        return Value(transformed(scope.edges(node.this) | scope.edges(inside)))
    return scope.value(node.this).field(inside.name)


def _constant(node: exp.Expr, scope: Scope) -> Value:
    return CONSTANT


def _of_session(node: exp.Expr, scope: Scope) -> Value:
    """`current_date` and the like without parentheses: a column of that name takes precedence."""
    bare = node.meta.get("start") is None
    return scope.column(node, [node.sql_names()[0]]) if bare else CONSTANT  # type: ignore[attr-defined]


def _parameter(node: exp.Expr, scope: Scope) -> Value:
    known = scope.statement.parameters
    return CONSTANT if folded(node.name) in known.keyless else Value(of_parameter(node.name or "?"))


def _same(node: exp.Expr, scope: Scope) -> Value:
    return scope.value(node.this)


def _of_this(node: exp.Expr, scope: Scope) -> Value:
    return Value(transformed(scope.edges(node.this)))


def _of_expression(node: exp.Expr, scope: Scope) -> Value:
    return scope.value(node.expression)


def _case(node: exp.Expr, scope: Scope) -> Value:
    looked_at = [scope.edges(each.this) for each in node.args["ifs"]]
    if node.this is not None:
        looked_at.append(scope.edges(node.this))
    chosen = [scope.value(each.args["true"]) for each in node.args["ifs"]]
    if node.args.get("default") is not None:
        chosen.append(scope.value(node.args["default"]))
    return _chosen(chosen, looked_at)


def _if(node: exp.Expr, scope: Scope) -> Value:
    chosen = [scope.value(each) for name in ("true", "false") if (each := node.args.get(name)) is not None]
    return _chosen(chosen, [scope.edges(node.this)])


def _coalesce(node: exp.Expr, scope: Scope) -> Value:
    return _first_known(_each([node.this, *node.expressions], scope))


def _first_known(values: list[Value]) -> Value:
    return _chosen(values, [each.edges for each in values[:-1]])


def _each(arguments: list[exp.Expr], scope: Scope) -> list[Value]:
    """The value of each argument, including those from `*COLUMNS(…)`."""
    found: list[Value] = []
    for node in arguments:
        if isinstance(node, exp.Columns) and node.args.get("unpack"):
            found += [column.value for column in columns_of(node, scope)]
        else:
            found.append(scope.value(node))
    return found


def _nullif(node: exp.Expr, scope: Scope) -> Value:
    kept = scope.value(node.this)
    return _chosen([kept], [kept.edges, scope.edges(node.expression)])


def _chosen(chosen: list[Value], looked_at: list[Edges]) -> Value:
    return chosen_of(chosen, deciding(united(looked_at), How.CONDITIONAL))


def _scalar(node: exp.Expr, scope: Scope) -> Value:
    """The one value of a subquery."""
    relation = scope.subquery(node).settled()
    if len(relation.columns) == 1:
        return relation.columns[0].value
    return struct_of((column.name, column.value) for column in relation.columns)


def _exists(node: exp.Expr, scope: Scope) -> Value:
    if not isinstance(node.this, _QUERY):
        scope.statement.opaque(node)
    return Value(scope.subquery(node.this).rows)


def _membership(node: exp.Expr, scope: Scope) -> Value:
    """IN: of a list of values, of one list, or of a subquery's rows."""
    found = transformed(scope.edges(node.this))
    for each in node.expressions:
        among = isinstance(each, exp.Values)
        found |= _among(each, scope) if among else transformed(scope.edges(each))
    for name in ("unnest", "field"):
        if (each := node.args.get(name)) is not None:
            found |= transformed(scope.edges(each))
    if (query := node.args.get("query")) is not None:
        found |= _among(query, scope)
    return Value(found)


def _any(node: exp.Expr, scope: Scope) -> Value:
    inner = node.this.unnest() if isinstance(node.this, exp.Paren) else node.this
    if isinstance(inner, exp.Query):
        return Value(_among(inner, scope))
    return _of_this(node, scope)


def _among(query: exp.Expr, scope: Scope) -> Edges:
    relation = scope.subquery(query)
    return deciding(relation.values, How.FILTER) | relation.rows


def _array(node: exp.Expr, scope: Scope) -> Value:
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Comprehension):
        return scope.value(node.expressions[0])
    if len(node.expressions) == 1 and isinstance(node.expressions[0], _QUERY):
        listed = scope.subquery(node.expressions[0])
        return Value(aggregated(listed.settled(listed.order).values), length=listed.rows)
    return list_of(chosen_of((scope.value(each) for each in node.expressions), NOTHING), length=NOTHING)


def _struct(node: exp.Expr, scope: Scope) -> Value:
    packed = isinstance(node, exp.Func) and called(node, scope.statement.text) == "struct_pack"
    fields: list[tuple[str, Value]] = []
    for each in node.expressions:
        if isinstance(each, exp.PropertyEQ | exp.Kwarg):
            fields.append((each.this.name, scope.value(each.expression)))
        elif packed and isinstance(each, exp.Column):
            fields.append((scope.spelling(path(each) or []), scope.value(each)))
        else:
            return Value(transformed(united(scope.edges(each) for each in node.expressions)))
    return struct_of(fields)


def _bracket(node: exp.Expr, scope: Scope) -> Value:
    whole = scope.value(node.this)
    places = node.expressions
    if len(places) == 1 and isinstance(places[0], exp.Literal) and places[0].is_string:
        return whole.field(places[0].name)
    if len(places) == 1 and isinstance(places[0], exp.Literal):
        part = part_of_tuple(node.this, int(places[0].name))
        if part is not None:
            return scope.value(part).through(transformed)
    by_place = transformed(united(scope.edges(each) for each in places))
    if whole.element is not None and len(places) == 1:
        part = whole if isinstance(places[0], exp.Slice) else whole.element
        return part.through(transformed).with_edges(by_place)
    return Value(transformed(whole.edges) | by_place)


def _star(node: exp.Expr, scope: Scope) -> Value:
    return Value(transformed(united(binding.relation.values for binding in scope.bindings)))


def _columns(node: exp.Expr, scope: Scope) -> Value:
    if scope.chosen is None or node.args.get("unpack"):  # it stands for all its columns at once
        return Value(transformed(united(column.value.edges for column in columns_of(node, scope))))
    return scope.chosen


def _positional(node: exp.Expr, scope: Scope) -> Value:
    wanted = int(node.this.name)
    columns = [column for binding in scope.bindings for column in binding.relation.columns]
    if not 1 <= wanted <= len(columns):
        raise scope.statement.fault(
            f"There is no column #{wanted}.", node, expected=f"#1 to #{len(columns)}", found=f"#{wanted}"
        )
    return columns[wanted - 1].value


def _unnest(node: exp.Expr, scope: Scope) -> Value:
    found = scope.value(node.this)
    scope.unnests = True
    if node.expressions:  # several levels: lists inside decide the number of rows, too
        scope.unnested |= deciding(found.edges, How.JOIN)
        return Value(transformed(found.edges))
    scope.unnested |= deciding(found.shape, How.JOIN)
    return (found.element or Value(found.edges)).through(transformed)


def _function(node: exp.Func, scope: Scope) -> Value:
    name = called(node, scope.statement.text)
    if is_aggregate(node, name):
        return aggregate(node, name, scope)
    if name in _UNNESTS:
        given = [scope.value(each) for each in _parts(node)]
        found = united(each.edges for each in given)
        alone = name == "unnest" and len(given) == 1
        scope.unnests = True
        scope.unnested |= deciding(given[0].shape if alone else found, How.JOIN)
        element = given[0].element if alone else None
        return (element or Value(found)).through(transformed)
    if name in _OF_POSITION:
        return CONSTANT
    arguments = list(_parts(node))
    if name in _LENGTHS and len(arguments) == 1 and (length := scope.value(arguments[0]).length) is not None:
        return Value(transformed(length))
    if name in _CONDITIONAL_FUNCTIONS:
        return _first_known(_each(arguments, scope))
    if name in _OF_MAPS and len(arguments) == 1 and (of := of_map(name, arguments[0], scope)) is not None:
        return of
    if name in STRUCT_MAKERS and (found := struct_made(name, arguments, scope)) is not None:
        return found
    if name in UNION_FUNCTIONS and (found := of_union(name, arguments, scope)) is not None:
        return found
    if name == "struct_extract" and len(arguments) == 2 and isinstance(arguments[1], exp.Literal):
        place = 0 if arguments[1].is_string else int(arguments[1].name)
        if (part := part_of_tuple(arguments[0], place - 1)) is not None:
            return scope.value(part).through(transformed)
        return scope.value(arguments[0]).field(arguments[1].name)
    if any(isinstance(each, exp.Lambda) for each in arguments):
        return with_lambda(name, arguments, scope)
    given = [scope.edges(each) for each in arguments]
    if name == "concat_ws":  # one value has no separator
        given[:1] = [keyless(each) for each in given[:1]]
    found = transformed(united(given))
    return Value(masked(found) if name in HASHES and is_keyed(found) and keyless(found) else found)


_READERS: dict[type[exp.Expr], Callable[[exp.Expr, Scope], Value]] = {
    exp.Alias: _same,
    exp.All: _any,
    exp.Any: _any,
    exp.Array: _array,
    exp.Boolean: _constant,
    exp.Bracket: _bracket,
    exp.Case: _case,
    exp.Cast: cast,
    exp.Coalesce: _coalesce,
    exp.Collate: _of_this,
    exp.Column: _column,
    exp.Columns: _columns,
    **dict.fromkeys(_SESSION, _of_session),
    exp.Comprehension: comprehension,
    exp.DataType: _constant,
    exp.Dot: _dot,
    exp.Exists: _exists,
    exp.Explode: _unnest,
    exp.Filter: filtered,
    exp.Identifier: _identifier,
    exp.If: _if,
    exp.In: _membership,
    exp.IgnoreNulls: _same,
    exp.JSONPath: _constant,
    exp.Kwarg: _of_expression,
    exp.Literal: _constant,
    exp.Null: _constant,
    exp.Nullif: _nullif,
    exp.Parameter: _parameter,
    exp.Paren: _same,
    exp.Placeholder: _parameter,
    exp.PositionalColumn: _positional,
    exp.PropertyEQ: _of_expression,
    exp.RespectNulls: _same,
    exp.Star: _star,
    exp.Struct: _struct,
    exp.ToMap: map_made,
    exp.TryCast: _of_this,
    exp.Var: _constant,
    exp.Window: window,
    exp.WithinGroup: within_group,
}
