"""Experiment: its arms, units and metrics, as read from a TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from recsys_assets.experiments.assignment import arm_at, place
from recsys_assets.experiments.coverage import COVERAGE, COVERAGE_TOGETHER
from recsys_assets.experiments.metric import METRICS
from recsys_assets.shop.toml_file import TomlPart, line_of, read_toml
from recsys_lineage.errors import LineageError, did_you_mean

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""Name of lower-case letters, digits and underscores, so that it can be a column, a label of a metric and part of a
file name."""

DECISION_METRICS = (*METRICS, COVERAGE_TOGETHER)
"""Metrics that can decide an experiment or be its guardrail."""


def _judged_by(metric: str) -> str:
    """The metric of a name; `coverage` grows with the arm, so arms are compared by the coverage of a fixed number of
    units.
    """
    if metric == COVERAGE:
        return COVERAGE_TOGETHER
    if metric not in DECISION_METRICS:
        near = (
            did_you_mean(metric, (*DECISION_METRICS, COVERAGE)) or f"There are {', '.join(DECISION_METRICS)}."
        )
        raise ValueError(f"a metric, and {metric!r} is none. {near}")
    return metric


MetricName = Annotated[str, AfterValidator(_judged_by)]
"""Name of a metric of `DECISION_METRICS`; `coverage` becomes the one that can be compared."""


class ExperimentError(LineageError):
    """An invalid file of experiments."""


class Arm(TomlPart):
    """One of the alternatives that an experiment compares.

    Attributes:
        name: shown in answers, tables and plots.
        share: of the units, relative to the other arms.
        family: the recommender that answers; the champion's when None.
        version: of the table `champion` to be served; the latest when None.
        rules: a file of rules in the folder of the experiments' file, for this arm only.
    """

    name: Name
    share: float = Field(1.0, ge=0, allow_inf_nan=False)
    family: str | None = None
    version: int | None = Field(None, ge=0)
    rules: str | None = None


class GuardRail(TomlPart):
    """Guardrail: a metric that must not get worse while another one is being improved.

    `may_fall` is the share of the control's value that an arm may lose.
    """

    metric: MetricName
    may_fall: float = Field(gt=0, lt=1)


INTERLEAVED = "interleaved:"
"""Prefix of an experiment's name as the arm of lists that both arms share; no arm's name has a colon."""


class Experiment(TomlPart):
    """A comparison of arms, of which the first is the control.

    Attributes:
        name: unique; it is part of the hash that assigns units, so a new name assigns them anew.
        kind: `arms` shows each unit the lists of one arm; `interleaving` shows everybody lists that two arms draft in
            turns, and counts whose items are clicked.
        arms: two or more; exactly two with the same rules for interleaving.
        unit: what is assigned: a customer for good, or each session separately; for interleaving, what is counted once.
        metric: by which the experiment is decided; `coverage` means `coverage_of_20`.
        guard_rails: metrics that must not get worse.
        first_day, last_day: period in which the arms answer and answers count; None: open.
        least_effect: the smallest difference that matters, relative to the control; it determines the sample size. For
            interleaving it is the difference of the shares of lists won.
        planned_units: of the control and one arm together; intervals are narrowest there, and valid everywhere. It has
            to be chosen before the experiment begins, because a choice after looking is not valid.
        alpha: the probability of ever reporting a difference where there is none, over all arms.
    """

    name: Name
    kind: Literal["arms", "interleaving"] = "arms"
    arms: tuple[Arm, ...] = Field(min_length=2)
    unit: Literal["customer", "session"] = "customer"
    metric: MetricName = "conversion"
    guard_rails: tuple[GuardRail, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    least_effect: float = Field(0.05, gt=0, lt=10)
    planned_units: int = Field(20_000, ge=100)
    alpha: float = Field(0.05, gt=0, lt=0.5)

    @model_validator(mode="after")
    def _fits_together(self) -> Experiment:
        names = [arm.name for arm in self.arms]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"arms need different names; given twice: {', '.join(twice)}")
        if "control" in names[1:]:
            raise ValueError("the first arm is the control, so none after it can be called that")
        if sum(arm.share > 0 for arm in self.arms) < 2:
            raise ValueError("at least two arms need a share above 0")
        if self.interleaves:
            self._can_interleave()
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError("a last_day that does not lie before first_day")
        return self

    def _can_interleave(self) -> None:
        if len(self.arms) != 2:
            raise ValueError(f"interleaving compares two arms; there are {len(self.arms)}")
        if self.arms[0].share != self.arms[1].share:
            raise ValueError("both arms of interleaving pick equally often; leave out share")
        if any(arm.rules is not None for arm in self.arms):
            raise ValueError(
                "one list has one set of rules; leave out rules of the arms, or compare kind = 'arms'"
            )
        if self.guard_rails or "metric" in self.model_fields_set:
            raise ValueError(
                "interleaving is decided by clicks; leave out metric and guard_rails, or kind = 'arms'"
            )

    @property
    def interleaves(self) -> bool:
        """Whether two arms share each list."""
        return self.kind == "interleaving"

    @property
    def both_arms(self) -> str:
        """Name of the arm of lists that two arms share."""
        return f"{INTERLEAVED}{self.name}"

    @cached_property
    def shares(self) -> tuple[float, ...]:
        """Shares of the arms, in their order; they sum to 1."""
        total = sum(arm.share for arm in self.arms)
        return tuple(arm.share / total for arm in self.arms)

    def arm_of(self, unit: str, key: bytes) -> Arm:
        """The arm of a customer or session; always the same one for the same key, name and shares."""
        return self.arms[arm_at(self.shares, place(key, self.name, unit))]

    def runs_on(self, day: date) -> bool:
        """Whether a day lies within the experiment."""
        return (self.first_day or day) <= day <= (self.last_day or day)


@dataclass(frozen=True)
class Experiments:
    """The experiments of a shop, in the order of their file."""

    experiments: tuple[Experiment, ...] = ()

    def __getitem__(self, name: str) -> Experiment:
        for each in self.experiments:
            if each.name == name:
                return each
        known = [each.name for each in self.experiments]
        raise ExperimentError(
            f"There is no experiment {name!r}.",
            expected=f"one of {', '.join(known)}" if known else "an experiment in experiments.toml",
            advice=did_you_mean(name, known) or None,
        )

    @classmethod
    def load(cls, path: Path, content: bytes | None = None) -> Experiments:
        """The experiments of a file; none if the file is missing.

        Args:
            path: the file.
            content: its bytes, if they were read before.

        Raises:
            ExperimentError: the file is not TOML, or describes an impossible experiment; the message has the line.
        """
        file, text = read_toml(path, _File, ExperimentError, "experiments", content)
        names = [each.name for each in file.experiment]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            second = names.index(twice[0], names.index(twice[0]) + 1)
            raise ExperimentError(
                f"Two experiments are called {twice[0]!r}.",
                expected="a name of its own for each, since names assign customers to arms",
                where=f"{path}:{line_of(text, ['experiment', second, 'name'])}",
                advice="rename the later one",
            )
        return cls(file.experiment)


class _File(TomlPart):
    experiment: tuple[Experiment, ...] = ()
