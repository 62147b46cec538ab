"""Serving: everything that answers depend on at one moment; it is replaced as a whole, so no answer mixes versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

from recsys_assets.experiments.assignment import place
from recsys_assets.experiments.experiment import Arm, Experiment, ExperimentError, Experiments
from recsys_assets.service.answers.bound_rules import BoundRules
from recsys_assets.service.answers.prepared import Prepared
from recsys_assets.service.answers.rules import Rules
from recsys_assets.service.answers.served_model import CHAMPION, ServedModel
from recsys_assets.service.answers.served_search import TABLE as SEARCH
from recsys_assets.service.answers.served_search import ServedSearch
from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.decision import Decision
from recsys_models import ModelFileError

CONTROL = "control"
CANARY = "canary:"
"""Prefix of a family's name as an arm; no arm of an experiment has a colon."""


_CANDIDATE = "candidate_"
"""Prefix of a family's name as the table of its candidate."""


@dataclass(frozen=True)
class Variant:
    """A model and its rules, which serve one arm."""

    served: ServedModel
    rules: BoundRules


@dataclass(frozen=True)
class Canary:
    """A candidate that answers a share of the customers.

    Attributes:
        variant: the candidate, by the champion's rules.
        share: of the customers.
        who, reason: of the decision.
    """

    variant: Variant
    share: float
    who: str
    reason: str

    @property
    def arm(self) -> str:
        """Name of the canary's arm in answers."""
        return f"{CANARY}{self.variant.served.model.name}"

    def answers(self, unit: str, key: bytes) -> bool:
        """Whether it serves a customer; always the same for a key and a share, and still true for a larger share."""
        return self.share >= 1 or place(key, self.arm, unit) < self.share


@dataclass(frozen=True)
class Teams:
    """Two arms whose items share one list.

    Attributes:
        names: of the control and of the other arm.
        variants: their models, by the champion's rules.
    """

    names: tuple[str, str]
    variants: tuple[Variant, Variant]


@dataclass(frozen=True)
class Chosen:
    """The variant that answers one request.

    Attributes:
        variant: the model and its rules.
        arm: of the first running experiment; `control` if none runs; that of the canary for its customers.
        arms: of each running experiment.
        teams: the arms that share the list, if an experiment interleaves; `variant` is then that of the control.
    """

    variant: Variant
    arm: str
    arms: Mapping[str, str]
    teams: Teams | None = None


@dataclass(frozen=True)
class Serving:
    """The champion, its rules, and the experiments with their arms.

    Attributes:
        champion: the default variant; a candidate, if one was promoted.
        experiments: those that can run.
        variants: the variants of arms that differ from the champion, by experiment and arm.
        key: secret key that assigns customers to arms.
        problems: that need attention, in words.
        prepared: the champion's lists, for times of too many requests.
        canary: serves a share of the customers, who are then in no experiment.
        search: the search index with the champion's rules; None while there is no index.
    """

    champion: Variant
    experiments: tuple[Experiment, ...] = ()
    variants: Mapping[tuple[str, str], Variant] | None = None
    key: bytes = b""
    problems: tuple[str, ...] = ()
    prepared: Prepared | None = None
    canary: Canary | None = None
    search: tuple[ServedSearch, BoundRules] | None = None

    def chosen(
        self, user: str | None, client: str | None, query_id: str, day: date, *, alone: bool = False
    ) -> Chosen:
        """The variant that answers a customer on a day.

        An anonymous visitor is assigned by their client; without one, each request separately.

        Args:
            alone: whether one model must answer, so that no experiment interleaves.
        """
        canary = self.canary
        if canary is not None and canary.answers(user or client or query_id, self.key):
            return Chosen(canary.variant, canary.arm, {})
        arms: dict[str, str] = {}
        variant, teams = self.champion, None
        for experiment in self.experiments:
            if not experiment.runs_on(day) or (alone and experiment.interleaves):
                continue
            if experiment.interleaves:
                one, other = (self._variant(experiment, arm.name) for arm in experiment.arms)
                teams = Teams((experiment.arms[0].name, experiment.arms[1].name), (one, other))
                arms[experiment.name], variant = experiment.both_arms, one
                continue
            units = (client, user) if experiment.unit == "session" else (user, client)
            unit = next((each for each in units if each is not None), query_id)
            arm = experiment.arm_of(unit, self.key)
            arms[experiment.name] = arm.name
            variant = (self.variants or {}).get((experiment.name, arm.name), variant)
        return Chosen(variant, next(iter(arms.values()), CONTROL), arms, teams)

    def _variant(self, experiment: Experiment, arm: str) -> Variant:
        return (self.variants or {}).get((experiment.name, arm), self.champion)

    def loaded(self) -> dict[tuple[str, int], ServedModel]:
        """All models in memory, by table and version."""
        variants = [self.champion, *(self.variants or {}).values()]
        variants += [] if self.canary is None else [self.canary.variant]
        return {(each.served.table, each.served.version): each.served for each in variants}


def load_serving(
    lake: Lake,
    table: str,
    version: int,
    *,
    rules_file: Path,
    experiments_file: Path,
    key: bytes,
    before: Serving | None = None,
    canary: Decision | None = None,
) -> Serving:
    """Load everything that should serve now.

    An experiment or a canary whose model cannot be loaded does not run, which becomes one of the `problems`.

    Args:
        table: the champion's, or that of a candidate in its place.
        version: of that table.
        before: the current Serving; its models are reused if they are the same.
        canary: the decision that a candidate serves a share of the customers.

    Raises:
        RulesError: the file of rules cannot be used.
        ExperimentError: the file of experiments cannot be used.
        LineageError: the champion cannot be read.
        ModelFileError: the champion's files hold no model.
    """
    rules = Rules.load(rules_file)
    loader = _Loader(lake, {} if before is None else before.loaded())
    champion = loader.variant(loader.model(table, version), rules)
    problems = loader.problems
    if champion.served.cannot_fold:
        problems.append(f"what customers just did is not used: {champion.served.cannot_fold}")
    found = Experiments.load(experiments_file)
    _one_at_a_time(found, experiments_file)
    running: list[Experiment] = []
    variants: dict[tuple[str, str], Variant] = {}
    for experiment in found.experiments:
        try:
            variants |= loader.variants_of(experiment, champion.served, rules, experiments_file)
        except (LineageError, ModelFileError) as error:
            problems.append(f"the experiment {experiment.name!r} does not run: {str(error).splitlines()[0]}")
            continue
        running.append(experiment)
    of_canary = None
    if canary is not None and canary.share:
        try:
            candidate = loader.variant(loader.model(canary.asset, None), rules)
            of_canary = Canary(candidate, canary.share, canary.who, canary.reason)
        except (LineageError, ModelFileError) as error:
            problems.append(f"the canary {canary.asset} does not answer: {str(error).splitlines()[0]}")
    prepared = Prepared.read(lake, champion.served)
    search, fault = _search(lake, rules, None if before is None else before.search)
    problems += [] if fault is None else [fault]
    if search is not None:
        search[0].rows_in(champion.served)  # now, not in the first request
    return Serving(champion, tuple(running), variants, key, tuple(problems), prepared, of_canary, search)


@dataclass
class _Loader:
    """Loader of models and variants, each model once.

    Attributes:
        models: those in memory, by table and version.
        problems: unknown names in rules, and other problems, in words.
    """

    lake: Lake
    models: dict[tuple[str, int], ServedModel]
    problems: list[str] = field(default_factory=list)

    def model(self, table: str, version: int | None) -> ServedModel:
        """A version of a model; None: the latest."""
        wanted = self.lake.version(table, version).version if version is None else version
        if (table, wanted) not in self.models:
            self.models[table, wanted] = ServedModel.load(self.lake, table, wanted)
        return self.models[table, wanted]

    def variant(self, served: ServedModel, rules: Rules) -> Variant:
        """A model with rules bound to its items."""
        bound = BoundRules.of(rules, served, self.lake)
        self.problems.extend(each for each in bound.warnings if each not in self.problems)
        return Variant(served, bound)

    def variants_of(
        self, experiment: Experiment, champion: ServedModel, rules: Rules, file: Path
    ) -> dict[tuple[str, str], Variant]:
        """The variants of the arms that differ from the champion, by experiment and arm."""
        found: dict[tuple[str, str], Variant] = {}
        for arm in filter(_differs, experiment.arms):
            named = CHAMPION if arm.family is None else f"{_CANDIDATE}{arm.family}"
            if arm.family is not None and not self.lake.has(named):
                raise ExperimentError(_no_candidate(self.lake, arm.family))
            own_model = arm.family is not None or arm.version is not None
            served = self.model(named, arm.version) if own_model else champion
            of = rules if arm.rules is None else Rules.load(_there(file.parent / arm.rules))
            found[experiment.name, arm.name] = self.variant(served, of)
        return found


def _search(
    lake: Lake, rules: Rules, before: tuple[ServedSearch, BoundRules] | None
) -> tuple[tuple[ServedSearch, BoundRules] | None, str | None]:
    """The newest index with its rules, and problems; if it cannot be read, the previous index."""
    version = lake.log(SEARCH).latest()
    served = None if before is None else before[0]
    fault = None
    if version is None:
        if served is not None:
            fault = f"{SEARCH} is no longer in the lake; version {served.version} is still used for search"
    elif served is None or served.version != version:
        try:
            served = ServedSearch.load(lake, version)
        except (LineageError, ModelFileError) as error:
            fault = f"{SEARCH}@{version} cannot be used for search: {str(error).splitlines()[0]}"
    if served is None:
        return None, fault
    return (served, BoundRules.of(rules, served, lake)), fault or served.fault


def _differs(arm: Arm) -> bool:
    return any(each is not None for each in (arm.family, arm.version, arm.rules))


def _no_candidate(lake: Lake, family: str) -> str:
    """Message that there is no such candidate, with the one that was probably meant."""
    there = [name.removeprefix(_CANDIDATE) for name in lake.tables() if name.startswith(_CANDIDATE)]
    return f"there is no candidate {family!r}. {did_you_mean(family, there) or 'recsys ls shows them.'}"


def _there(path: Path) -> Path:
    if not path.exists():
        raise ExperimentError(
            f"The file of rules {path.name!r} of an arm is not there.",
            expected="a file next to experiments.toml",
            where=str(path),
            advice="write it, or correct the arm",
        )
    return path


def _one_at_a_time(experiments: Experiments, path: Path) -> None:
    """Refuse two experiments on one day that both change the model: the later one would hide the other's arms."""
    changing = [each for each in experiments.experiments if each.interleaves or any(map(_differs, each.arms))]
    for one, other in combinations(changing, 2):
        latest_first = max(one.first_day or date.min, other.first_day or date.min)
        earliest_last = min(one.last_day or date.max, other.last_day or date.max - timedelta(1))
        if latest_first <= earliest_last:
            raise ExperimentError(
                f"The experiments {one.name!r} and {other.name!r} change the same answers on the same days.",
                expected="one experiment at a time that interleaves, or sets a family, a version or rules",
                where=str(path),
                advice="let one end (last_day) before the other begins (first_day), or make one of them with more arms",
            )
