"""Laws of the policy: what it keeps, for any versions and at any moment."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_lineage.errors import LineageError
from recsys_lineage.retention.policy import Policies, Policy, retained_versions

EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)
MOMENTS = st.floats(-30, 1500).map(lambda days: EPOCH + timedelta(days=days))
NIGHTLY = st.integers(1, 500).map(lambda nights: [EPOCH + timedelta(days=night) for night in range(nights)])
VERSIONS = st.one_of(st.lists(MOMENTS, max_size=60), NIGHTLY).map(lambda times: dict(enumerate(times)))
POLICIES = st.builds(Policy, st.integers(0, 40), st.integers(0, 20), st.integers(0, 30))
HELD = st.sets(st.integers(0, 70))


@given(VERSIONS, POLICIES, MOMENTS, HELD)
def test_the_newest_and_the_held_stay(versions, policy, now, held) -> None:
    kept = retained_versions(versions, policy, now, held)
    assert kept <= versions.keys()
    assert held & versions.keys() <= kept
    assert not versions or max(versions) in kept


@given(VERSIONS, POLICIES, MOMENTS, HELD)
def test_pruning_twice_is_pruning_once(versions, policy, now, held) -> None:
    kept = retained_versions(versions, policy, now, held)
    assert retained_versions({v: versions[v] for v in kept}, policy, now, held) == kept


@given(VERSIONS, POLICIES, MOMENTS, st.floats(0, 400), HELD)
def test_with_time_versions_only_fall_out(versions, policy, now, days, held) -> None:
    later = retained_versions(versions, policy, now + timedelta(days=days), held)
    assert later <= retained_versions(versions, policy, now, held)


@given(VERSIONS, POLICIES, MOMENTS, st.floats(0, 400), HELD)
def test_pruning_every_night_keeps_what_pruning_once_keeps(versions, policy, now, days, held) -> None:
    first = retained_versions(versions, policy, now, held)
    later = now + timedelta(days=days)
    assert retained_versions({v: versions[v] for v in first}, policy, later, held) == retained_versions(
        versions, policy, later, held
    )


@given(VERSIONS, st.integers(0, 40), MOMENTS)
def test_all_versions_of_the_last_nights_stay(versions, nights, now) -> None:
    recent = {v for v, time in versions.items() if now - timedelta(days=nights) < time}
    assert recent <= retained_versions(versions, Policy(nights), now)


@given(POLICIES, st.integers(1, 1000))
def test_a_version_a_night_is_kept_within_the_bound(policy, nights) -> None:
    versions = {night: EPOCH + timedelta(days=night) for night in range(nights)}
    kept = retained_versions(versions, policy, EPOCH + timedelta(days=nights - 1))
    assert len(kept) <= 1 + policy.nights + (policy.weeks + 2) + (
        policy.months + (7 * policy.weeks) // 28 + 3
    )
    if nights > policy.nights + 7 * policy.weeks + 31 * policy.months + 31:
        assert len(kept) >= policy.nights + policy.weeks - 1


def test_policies_by_group() -> None:
    policies = Policies.parse("14/8/12, model=7/4/0")
    assert policies.of("model") == Policy(7, 4, 0)
    assert policies.of("clean") == policies.of(None) == Policy(14, 8, 12)


UNREADABLE = (
    "",
    "14",
    "14/8",
    "1/2/3, 4/5/6",
    "m=1/2/3",
    "1/2/3, m=1/2/3, m=1/1/1",
    "1/2/3, =1/2/3",
    "a/b/c",
    "-1/2/3",
)


@pytest.mark.parametrize("text", UNREADABLE)
def test_texts_that_say_no_policy(text: str) -> None:
    with pytest.raises(LineageError):
        Policies.parse(text)


@pytest.mark.parametrize("text", ["99999/0/0", "0/99999/0", "0/0/99999", "99999/99999/99999"])
def test_more_years_than_the_calendar_has_keep_everything(text: str) -> None:
    versions = {number: EPOCH + timedelta(days=31 * number) for number in range(60)}
    assert retained_versions(versions, Policy.parse(text), EPOCH + timedelta(days=2000)) == versions.keys()
