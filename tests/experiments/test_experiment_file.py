"""The file of experiments: what it may say, and what it hears when it says something else."""

from datetime import date
from pathlib import Path

import pytest

from recsys_assets.experiments.experiment import ExperimentError, Experiments

TEXT = """\
# what runs this month
[[experiment]]
name = "ranker"
unit = "customer"
metric = "conversion"
first_day = 2026-11-01
least_effect = 0.02
guard_rails = [{ metric = "revenue", may_fall = 0.05 }]

[[experiment.arms]]
name = "control"
share = 3

[[experiment.arms]]
name = "spectral"
family = "spectral"
version = 12

[[experiment]]
name = "fewer_repeats"
unit = "session"

[[experiment.arms]]
name = "as_now"

[[experiment.arms]]
name = "never_twice"
rules = "never_twice.toml"
"""


def _load(tmp_path: Path, text: str) -> Experiments:
    path = tmp_path / "experiments.toml"
    path.write_text(text)
    return Experiments.load(path)


def test_a_file_becomes_experiments(tmp_path: Path) -> None:
    found = _load(tmp_path, "\ufeff" + TEXT)
    ranker = found["ranker"]
    assert ranker.shares == (0.75, 0.25)
    assert ranker.arms[1].family == "spectral"
    assert not ranker.runs_on(date(2026, 10, 31))
    assert ranker.runs_on(date(2030, 1, 1))
    assert found["fewer_repeats"].unit == "session"
    arms = [ranker.arm_of(str(customer), b"key").name for customer in range(4_000)]
    assert 0.22 < arms.count("spectral") / 4_000 < 0.28


def test_without_a_file_there_are_no_experiments(tmp_path: Path) -> None:
    assert Experiments.load(tmp_path / "experiments.toml").experiments == ()
    with pytest.raises(ExperimentError, match="no experiment 'x'"):
        Experiments.load(tmp_path / "experiments.toml")["x"]


KEYS = [
    (number, line.split("=")[0].strip())
    for number, line in enumerate(TEXT.splitlines(), 1)
    if "=" in line and not line.startswith("#")
]


@pytest.mark.parametrize(("number", "key"), KEYS)
def test_a_misspelt_key_is_told_with_its_line_and_the_right_one(
    tmp_path: Path, number: int, key: str
) -> None:
    lines: list[str] = [*TEXT.splitlines()]
    lines[number - 1] = lines[number - 1].replace(key, key[:-1] + key[-1] * 2, 1)
    with pytest.raises(ExperimentError) as caught:
        _load(tmp_path, "\n".join(lines))
    told = caught.value
    if key == "name" and "missing" in told.message:  # a name that is not there is found first
        assert f"experiments.toml:{number - 1}" in str(told.where)
    else:
        assert told.where is not None
        assert told.where.endswith(f":{number}")
        assert repr(key) in str(told.advice)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("share = 3", "share = -1", 12, "share"),
        ("share = 3", 'share = "many"', 12, "share"),
        ("may_fall = 0.05", "may_fall = 5", 8, "may_fall"),
        ('metric = "conversion"', 'metric = "conversoin"', 5, "conversion"),
        ('metric = "revenue"', 'metric = "covrage"', 8, "coverage"),
        ('name = "spectral"', 'name = "control"', 2, "control"),
        ('name = "never_twice"', 'name = "control"', 19, "the first arm is the control"),
        ('unit = "session"', 'unit = "sesion"', 21, "Did you mean 'session'?"),
        ('name = "fewer_repeats"', 'name = "ranker"', 20, "ranker"),
        ('name = "never_twice"', 'name = "Never twice!"', 27, "name"),
        ('unit = "session"', 'unit = "visit"', 21, "customer"),
        ("first_day = 2026-11-01", "first_day = 2026-11-01\nlast_day = 2026-10-01", 2, "last_day"),
        ("version = 12", "version = -2", 17, "version"),
    ],
)
def test_a_wrong_value_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        _load(tmp_path, TEXT.replace(old, new))
    assert str(caught.value.where).endswith(f":{line}")
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["[[experiment]\nname", "name = 3\n", '[[experiment]]\nname = "alone"\n'])
def test_what_is_no_file_of_experiments_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ExperimentError):
        _load(tmp_path, text)


def test_an_unknown_name_is_answered_with_a_near_one(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        _load(tmp_path, TEXT)["rankr"]
    assert "'ranker'" in str(caught.value.advice)
