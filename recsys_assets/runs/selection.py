"""Selection: assets in Dagster's selection syntax, with explanations of misspellings."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import dagster as dg

from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.orchestration.dagster_internals import parsed_selection, selection_parts

SYNTAX = (
    "an asset's name, raw_* (all that begin so), +NAME (with all upstream), NAME+ (with all downstream), 2+NAME or "
    "NAME+2 (so many steps), group:NAME, kind:NAME, these joined by and, or, not and brackets, or * (all)"
)


_WORDS = ("and", "or", "not")


class UnknownAsset(LineageError):
    """A selection names no asset."""


def in_one_selection(parts: Sequence[str]) -> str | None:
    """The arguments of a command line joined into one selection; None if there are none.

    Words joined by and, or, not or a bracket are one selection that the shell split; otherwise each word is a
    selection.
    """
    if not parts:
        return None
    divided = any(part.casefold() in _WORDS or part.count("(") != part.count(")") for part in parts)
    if divided or len(parts) == 1:
        return " ".join(parts)
    return " or ".join(f"({part.strip(' ,')})" for part in parts)


def selected_assets(text: str, definitions: dg.Definitions) -> list[str]:
    """The assets that a selection names, upstream first, whether made on request only or not.

    Raises:
        UnknownAsset: it cannot be parsed, or it or a part of it names no asset.
    """
    graph = definitions.resolve_asset_graph()
    order = [key.to_user_string() for key in graph.toposorted_asset_keys]
    try:
        selection = parsed_selection(text)
    except ValueError as error:
        raise UnknownAsset(
            f"The selection {text!r} cannot be read.",
            expected=SYNTAX,
            found=str(error),
            advice=_advice(text, order),
        ) from None
    for part in selection_parts(selection):
        try:
            names = part.resolve(graph)
        except Exception as error:  # of what only Dagster's own server can tell, such as status:
            raise UnknownAsset(
                f"{_text(part)!r} works in Dagster's interface only.", expected=SYNTAX, found=text
            ) from error
        _refuse_former_syntax(text, _text(part), order)
        if not names:
            raise _unknown(text, _text(part), order, definitions)
    chosen = {key.to_user_string() for key in selection.resolve(graph)}
    if not chosen:
        raise UnknownAsset(
            f"The selection {text!r} names no asset.",
            expected="at least one asset that all of its parts name",
            found="parts that have no asset in common",
            advice="recsys materialize --dry-run shows what a selection names",
        )
    return [name for name in order if name in chosen]


def _unknown(text: str, part: str, names: list[str], definitions: dg.Definitions) -> UnknownAsset:
    """The error for a part that names no asset, with similar names."""
    attribute, _, value = part.replace('"', "").partition(":")
    known: Collection[str] = names
    if attribute in ("group", "kind"):
        specs = definitions.resolve_all_asset_specs()
        known = (
            {spec.group_name or "" for spec in specs}
            if attribute == "group"
            else {k for s in specs for k in s.kinds}
        )
    shown = value if attribute == "key" else f"{attribute}:{value}"
    return UnknownAsset(
        f"The selection {text!r} names no asset." if shown == text else f"{shown!r} names no asset.",
        expected=", ".join(sorted(known)) if attribute in ("group", "kind") else SYNTAX,
        found=text,
        advice=_advice(value, known),
    )


def _refuse_former_syntax(text: str, part: str, names: Collection[str]) -> None:
    """Refuse `NAME*`, which formerly meant everything downstream and is a pattern now, unless it is meant as one."""
    value = part.removeprefix("key:").strip('"')
    bare = value.strip("*")
    if (
        part.startswith("key:")
        and bare != value
        and bare in names
        and not re.search(r'key\s*:\s*"?\*?\w', text)
    ):
        raise UnknownAsset(
            f"{value!r} can mean two things.",
            expected=SYNTAX,
            found=text,
            advice=f"{_advice(value, names)} for its neighbours in the graph, or key:{value} for all names like it",
        )


def _advice(text: str, known: Collection[str]) -> str:
    """Names of assets, or Dagster's former syntax, that were probably meant."""
    if "," in text:
        return "join by or: " + " or ".join(part.strip() for part in text.split(","))
    bare = text.strip("*+")
    if bare in known and text != bare:
        return f"write {'+' if text[0] in '*+' else ''}{bare}{'+' if text[-1] in '*+' else ''}"
    for word in re.findall(r"\w+", text):
        if word not in known and (meant := did_you_mean(word, known)):
            return meant
    return "recsys status lists all assets"


def _text(part: dg.AssetSelection) -> str:
    try:
        return part.to_selection_str()
    except NotImplementedError:
        return str(part)
