"""Marks of pruned versions: what they say of every version, and what they cost after years."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.errors import VersionPruned
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.stores.storage import Storage
from recsys_lineage.lake.versions.pruned_spans import Pruned, PrunedSpans, Span
from recsys_lineage.lake.versions.pruned_versions import FOLDER, PrunedVersions
from recsys_lineage.retention.policy import Policy, retained_versions
from recsys_lineage.retention.prune import prune
from tests.examples import examples
from tests.lineage.retention.conftest import Nights

START = datetime(2026, 1, 1, 2, tzinfo=timezone.utc)
DAY = timedelta(days=1)
GRACE = timedelta(hours=24)

noted = st.lists(
    st.tuples(
        st.sets(st.integers(0, 30), max_size=8),
        st.integers(0, 3),
        st.sampled_from(["14/8/12", "2/0/0"]),
        st.integers(0, 3),
    ),
    max_size=12,
)
"""Prunes: the versions of each, the days since the one before, the policy, and the days of its grace period."""


@settings(max_examples=examples(200), deadline=None)
@given(noted)
def test_marks_say_of_each_version_what_was_noted(prunes: list[tuple[set[int], int, str, int]]) -> None:
    marks = PrunedSpans()
    exact: dict[int, Pruned] = {}
    now = settled = START
    for versions, days, policy, grace in prunes:
        now += days * DAY
        settled = max(settled, now - grace * DAY)
        fresh = {version: Pruned(now, policy) for version in versions if version not in exact}
        exact |= fresh
        marks = marks.with_more(PrunedSpans(Span(each, each, mark) for each, mark in fresh.items()))
        marks = PrunedSpans.parse(marks.joined(now - grace * DAY).text().encode())
    assert list(marks) == sorted(exact)
    assert len(marks) == len(exact)
    for version in range(-1, 35):
        assert (version in marks) == (version in exact)
    for version, mark in exact.items():
        found = marks[version]
        assert (found.since or found.at) <= mark.at <= found.at
        assert mark.policy in found.policy.split(" or ")
        assert found == mark or found.at <= settled, "only of settled marks the moment is forgotten"
    unmarked = {version for version in range(31) if version not in exact}
    assert {version for each in marks.others(30) for version in each} == unmarked
    assert len(marks.joined(now).spans) <= len(unmarked) + 1, "as many spans as there are gaps, and one"


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), max_size=5), st.permutations(range(5)))
def test_marks_of_several_files_are_those_of_all(spans: list[tuple[int, int]], order: list[int]) -> None:
    files = [PrunedSpans([Span(first, first + more, Pruned(START, "1/0/0"))]) for first, more in spans]
    merged = PrunedSpans()
    for place in order:
        merged = merged.with_more(files[place] if place < len(files) else PrunedSpans())
    assert set(merged) == {version for each in files for version in each}
    assert len(merged) == len(set(merged)), "no two spans overlap"


def _bytes_after(folder: Path, nights: int, policy: Policy) -> int:
    """The bytes of a table's marks after so many nights, each of which wrote a version and pruned.

    Each version stays for a grace period after the next one was written, and the prune of each night knows what that
    of the night before marked.
    """
    marks = PrunedVersions(Storage.open(str(folder)), "t", str(folder))
    alive: dict[int, datetime] = {}
    for night in range(nights):
        now = START + night * DAY
        alive[night] = now
        dropped = alive.keys() - retained_versions(alive, policy, now)
        marks.add(dropped, Pruned(now, str(policy)), settled=now - GRACE)
        for version in dropped:
            del alive[version]
    assert marks.all().keys() == set(range(nights)) - alive.keys()
    return sum(path.stat().st_size for path in (folder / FOLDER).iterdir())


@pytest.mark.parametrize("policy", [Policy(3), Policy(14, 8, 12), Policy(14, 4, 6)], ids=str)
def test_marks_of_many_nights_take_the_room_of_few(tmp_path: Path, policy: Policy) -> None:
    sizes = [_bytes_after(tmp_path / str(nights), nights, policy) for nights in (100, 400, 1_600)]
    # A span more for each version that a week or a month kept, and no more after the policy's longest window.
    assert max(sizes) <= 120 * (4 + policy.weeks + policy.months), sizes
    assert sizes[2] <= 1.2 * sizes[1], sizes


def test_a_nightly_prune_keeps_its_marks_small_and_tells_each_version(
    folder_lake: Lake, nights: Nights
) -> None:
    sizes: list[int] = []
    for night in range(24):
        with folder_lake.connect() as db:
            folder_lake.write("t", f"SELECT {night} AS i", connection=db)
        prune(folder_lake, lambda _: Policy(2))
        folder = Path(folder_lake.table_uri("t")) / FOLDER
        sizes.append(sum(path.stat().st_size for path in folder.iterdir()) if folder.exists() else 0)
        nights.pass_()
    assert sizes[-1] <= sizes[11] + 4, f"a digit more of each number: {sizes}"
    pruned = folder_lake.pruned("t").all()
    assert pruned.keys() == set(range(22))
    with pytest.raises(VersionPruned, match=r"between \S+ and \S+ under the policy 2/0/0") as refused:
        folder_lake.require_files(folder_lake.version("t", 4))
    assert "22-23" in str(refused.value)


OLDER = {
    "pruned": [[0, 3, "2026-01-05T02:00:00+00:00", "3/0/0"], [4, 4, "2026-01-06T02:00:00+00:00", "3/0/0"]]
}


def test_marks_of_before_are_read_and_joined(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(OLDER))
    marks = PrunedVersions(Storage.open(str(tmp_path)), "t", str(tmp_path))
    assert marks.all()[3] == Pruned(datetime(2026, 1, 5, 2, tzinfo=timezone.utc), "3/0/0")
    marks.add([5], Pruned(START + 9 * DAY, "3/0/0"), settled=START + 8 * DAY)
    (only,) = folder.iterdir()
    found: Mapping = json.loads(only.read_text())
    assert [entry[:2] for entry in found["pruned"]] == [[0, 4], [5, 5]]
    assert found["since"] == {"0": "2026-01-05T02:00:00+00:00"}
    assert marks.all().keys() == set(range(6))
