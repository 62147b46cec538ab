"""Notes on a proposal, for a person: uncertain guesses, unused columns, and where to write corrections."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from recsys_assets.proposal.column_roles import NUMBERS, Roles, could_be, is_rating, roles_of, unnamed_times
from recsys_assets.proposal.formats.path_moment import notes_on_days
from recsys_assets.proposal.joined_files import JoinedFiles
from recsys_assets.proposal.names.behaviours import known_behaviour, named_behaviour
from recsys_assets.proposal.names.known_names import IDS, NAMES, RawTable, plain_name, role_rank
from recsys_assets.proposal.names.named_columns import option
from recsys_assets.proposal.notes.event_notes import event_notes
from recsys_assets.proposal.sample.sampled_column import SampledColumn
from recsys_assets.proposal.sample.sampled_files import SampledFiles
from recsys_assets.proposal.times.written_moment import MomentInPath
from recsys_assets.proposal.times.written_times import EPOCHS
from recsys_lineage.sql.names import quote

ONE_EVENT = "interaction"
"""Behaviour of events whose files do not say what customers did."""
_MOST_SHOWN = 20
_MONTH_AND_DAY = re.compile("(0?[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")
_CLOCK = re.compile("([01]?[0-9]|2[0-3])[0-5][0-9]")
_WORDS = {
    "user_id": ("customer", "client", "user", "member", "card", "buyer", "account", "kunde", "klant", "kauf"),
    "item_id": ("product", "item", "article", "artikel", "sku", "plu", "title", "goods"),
}
"""Words in the names of columns that may be the customer and the product."""


def proposal_notes(
    groups: Sequence[SampledFiles],
    tables: Mapping[RawTable, Sequence[Roles]],
    joined: JoinedFiles | None,
    *,
    divided: bool,
) -> Iterator[str]:
    """The notes, in sentences; some may come twice."""
    if joined is not None:
        yield from _on_joined(joined)
    for files in groups:
        roles = [part for parts in tables.values() for part in parts if part.files is files]
        yield from (f"{files.pattern}: {note}" for note in files.notes)
        yield from _notes_on(files, roles, joined.on if joined is not None else ())
    yield from _on_events(tables["raw_events"], joined)
    if divided:
        yield (
            "models are evaluated on a tenth of the events, chosen by their ids (subset in raw_events.sql), because "
            "there is no time to split by"
        )


def how_to_name(groups: Sequence[SampledFiles]) -> str:
    """Advice for files in which no events are recognised."""
    most = max(groups, key=lambda files: (len(files.columns) > 1, files.rows))
    of = f"{most.pattern}:" if len(groups) > 1 else ""
    shown = [option(role, of + name) for role, name in _likely(most).items()]
    return (
        f"say which columns they are, as in {' '.join(shown)}, "
        "and event_time, behaviour, title or any other column of the raw tables likewise; where they stand in several "
        "files whose lines belong together, write raw_events.sql by hand: README shows one"
    )


def _likely(files: SampledFiles) -> dict[str, str]:
    """Columns that may be the customer or the product, if they are not recognised, by a word in their names.

    Where neither is, the first columns may be: a time is none, and next to a customer any other column is a guess.
    """
    unknown = [
        role
        for role in _WORDS
        if all(role_rank(role, column.name, IDS[role]) is None for column in files.columns)
    ]
    likely: dict[str, str] = {}
    for role in unknown:
        left = [
            column.name
            for column in files.columns
            if column.name not in likely.values() and column.kind not in ("time", "day", "epoch", "nothing")
        ]
        named = [name for name in left if any(word in plain_name(name) for word in _WORDS[role])]
        others = left if len(unknown) == len(_WORDS) else []
        likely[role] = next(iter((*named, *others)), "NAME")
    return likely


def _on_joined(joined: JoinedFiles) -> Iterator[str]:
    yield f"{joined.lines.pattern} and {joined.heads.pattern} make events together, by {joined.on[0]}: look at that"
    if joined.repeats:
        yield (
            f"{joined.heads.pattern}: some values of {joined.on[1]} stand in several rows; lines of these count "
            "several times until the SQL takes one row of each"
        )
    if joined.has_a_customer_for_each_key:
        yield f"{_a_customer_for_each(joined)}; look for another column or file that says who they are"
    if joined.people is not None:
        who = joined.columns["user_id"][1].name
        yield f"{_a_customer_for_each(joined)}; {who} of {joined.people.pattern} is taken for who it is: look at that"


def _on_events(events: Sequence[Roles], joined: JoinedFiles | None) -> Iterator[str]:
    timed = [part for part in events if "event_time" in part.columns]
    for part in events if timed and joined is None else ():
        if part not in timed:
            yield (
                f"{part.files.pattern}: it has no times, so its rows are rejected next to those that have; undated = "
                "true in source.toml gives them the day of their file"
            )
    for part in timed:
        column, names = part.columns["event_time"], NAMES["raw_events"]["event_time"]
        is_decided = "event_time" in part.files.named or column.written is not None
        if not is_decided and role_rank("event_time", column.name, names) is None:
            yield f"{part.files.pattern}: column {column.name} is taken for the time, as the only one that holds times"
    several = [part.files.pattern for part in events if not part.columns.keys() & {"behaviour", "order_id"}]
    if len(several) > 1 and joined is None and not all(map(named_behaviour, several)):
        yield f"the rows of {' and '.join(several)} all count as events: leave out those that are not"
    if not any(named_behaviour(pattern) for pattern in several) and not any(
        role in part.columns for part in events for role in ("behaviour", "order_id", *NUMBERS)
    ):
        yield (
            f"nothing says what customers did: it is called {ONE_EVENT}; where they bought, write default_behaviour = "
            '"purchase" in source.toml'
        )
    for part in timed:
        column = part.columns["event_time"]
        if isinstance(column.written, MomentInPath):
            what, way = ("day", f", by {column.formats[0]}") if column.kind == "day" else ("time", "")
            yield (
                f"{part.files.pattern}: no column holds the time of an event; its {what} is taken of {column.name}, as "
                f"{column.samples[0]} of {part.files.paths[0]}{way}"
            )
    if timed:
        return
    yield from notes_on_days([path for part in events for path in part.files.paths])
    yield "no column holds the time of an event; without times, models cannot predict what comes next"
    for part in events:
        if names := [column.name for column in unnamed_times(part.files)]:
            yield (
                f"{part.files.pattern}: the columns {', '.join(names)} hold times: where one is that of an event, say "
                f"which by {option('event_time', names[0])}"
            )


def _a_customer_for_each(joined: JoinedFiles) -> str:
    customer = joined.key or joined.columns["user_id"][1].name
    own = f"nearly every {joined.on[1]} has a {customer} of its own, so nobody comes twice"
    return f"{joined.heads.pattern}: {own}"


def _counted_days(role: str, column: SampledColumn) -> str:
    """Advice for a time that is a number of days or the like."""
    if role != "event_time" or column.kind != "number":
        return ""
    name = quote(column.name)
    if all(map(_MONTH_AND_DAY.fullmatch, column.samples)):
        return (
            f"; where it is a month and its day, write try_strptime('…' || lpad({name}::VARCHAR, 4, '0'), '%Y%m%d') AS "
            "event_time, with the year for …"
        )
    if all(map(_CLOCK.fullmatch, column.samples)):
        return "; where it is a clock, a day is needed too"
    return f"; where it counts days, write DATE '…' + TRY_CAST({name} AS INTEGER) AS event_time"


def _notes_on(files: SampledFiles, roles: Sequence[Roles], keys: Collection[str]) -> list[str]:
    """Notes on some files, for a person; `keys` are columns used to join them."""
    if not roles:
        return [f"{files.pattern}: {_why_unused(files)}; it is not used"]
    used = {name for role in roles for column in role.columns.values() for name in column.names} | {*keys}
    taken = {name for role in roles for name in role.columns}
    read = {
        column.name
        for role in roles
        for name, column in role.columns.items()
        if name in NUMBERS or column.kind != "number"  # ids may be numbers or not
    }
    notes = [
        f"{files.pattern}: column {column.name}: {column.note}"
        for column in (*files.columns, *files.moments)
        if column.note and column.name in read
    ]
    unread = {
        column.name: f"column {column.name} is called like {role}, but nothing here reads such values as "
        f"{', '.join(column.samples)}; it is not used{_counted_days(role, column)}"
        for part in roles
        for role, names in NAMES[part.table].items()
        for column in files.columns
        if column.name not in used and role not in taken and could_be(role, names, column)
    }
    notes += [f"{files.pattern}: {words}" for words in unread.values()]
    used |= unread.keys()
    ended = {name for role in roles if role.table == "raw_events" for name in (*role.ended, *role.returns)}
    notes += [
        f"{files.pattern}: column {column.name} is taken for the time, but nothing here reads such values as "
        f"{', '.join(column.samples)}: write try_strptime({quote(column.name)}, '…') AS event_time, else its rows are "
        "rejected"
        for role in roles
        if (column := role.columns.get("event_time")) is not None and column.kind == "text"
    ]
    notes += [f"{files.pattern}: {note}" for role in roles for note in _on_lost_digits(role)]
    notes += [f"{files.pattern}: {note}" for note in event_notes(files, roles, used)]
    products = {role.columns["item_id"].name for role in roles if "item_id" in role.columns}
    notes += [
        f"{files.pattern}: {', '.join(f'{id_} ({called})' for id_, called in ids.items())} are taken for no products "
        "and rejected (non_products in source.toml): look for others, too"
        for name, ids in files.charges.items()
        if name in products
    ]
    if left := [
        column.name
        for column in files.columns
        if column.name not in used | ended and column.kind != "nothing" and not is_rating(column)
    ]:
        more = f" and {len(left) - _MOST_SHOWN} more" if len(left) > _MOST_SHOWN else ""
        notes.append(f"{files.pattern}: not used: {', '.join(left[:_MOST_SHOWN])}{more}")
    events = next((role for role in roles if role.table == "raw_events"), None)
    return notes + [f"{files.pattern}: {note}" for note in _notes_on_values(events)]


def _on_lost_digits(role: Roles) -> Iterator[str]:
    """Notes on ids whose last digits a type or a spreadsheet dropped."""
    for name, column in role.columns.items():
        if name not in (*IDS, "order_id"):
            continue
        if column.exact_to:
            yield (
                f"column {column.name} holds floating-point numbers of {column.exact_to:,} and more, which have lost "
                "their last digits: several ids may have become one; export it as whole numbers or text"
            )
        if column.shortened:
            yield (
                f"column {column.name} holds ids such as {column.shortened}, whose last digits a spreadsheet dropped: "
                "several ids may have become one; export it as text"
            )


def _why_unused(files: SampledFiles) -> str:
    ids = [role.columns[name].name for role in roles_of(files) for name in IDS if name in role.columns]
    if ids:
        return f"apart from {', '.join(ids)} it has no column that a raw table takes"
    return "neither a customer nor a product was recognised"


def _notes_on_values(events: Roles | None) -> Iterator[str]:
    """Notes on the times and behaviours of events."""
    if events is None:
        return
    time, behaviour = events.columns.get("event_time"), events.columns.get("behaviour")
    if time is not None and time.kind == "day" and not isinstance(time.written, MomentInPath):
        yield f"column {time.name} holds days, not times of day"
    if time is not None and EPOCHS.keys() & {*time.formats}:
        yield (
            f"column {time.name} counts from 1970 in UTC: days are those of UTC until time_zone in source.toml names "
            "the shop's clock"
        )
    if behaviour is not None and behaviour.kind != "number":
        unknown = [value for value in behaviour.values if not known_behaviour(value)]
        if unknown:
            yield f"column {behaviour.name} says {', '.join(unknown[:5])}: taken as it is"
