"""Jobs, the nightly schedule and the sensor of the landing folder."""

import hashlib
from collections.abc import Collection, Iterable
from datetime import timedelta

import dagster as dg

from recsys_assets.assets.catalogue import PROOF
from recsys_assets.assets.model.tuning import TUNING
from recsys_assets.assets.raw.found_files import FaultyFile, faulty_days, newest_files
from recsys_assets.assets.raw.source_folder import source_folder
from recsys_assets.assets.retention import UPKEEP
from recsys_assets.settings import Settings
from recsys_assets.shop.landing import contents, stat_hash
from recsys_lineage.assets.asset_code import CONTINUE_TAG, REUSE_TAG
from recsys_lineage.files.source_file import LANDING
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.recorded_runs import STATES

EVERYTHING, NIGHTLY, INGEST = "everything", "nightly", "ingest"
FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))

_AT_WORK = [state for state in dg.DagsterRunStatus if state not in {*STATES, dg.DagsterRunStatus.MANAGED}]
_NIGHTLY = dg.AssetSelection.all() - dg.AssetSelection.groups(TUNING, PROOF)
_ALL = _NIGHTLY - dg.AssetSelection.groups(UPKEEP)

everything = dg.define_asset_job(
    EVERYTHING,
    selection=_ALL,
    description="The whole graph, from files to recommendations; unchanged tables are made again too.",
)
nightly = dg.define_asset_job(
    NIGHTLY,
    selection=_NIGHTLY,
    description="The whole graph; up-to-date tables are kept, models start from the previous ones. Old "
    "versions are pruned at the end.",
    tags={REUSE_TAG: "true", CONTINUE_TAG: "true"},
)
tuning = dg.define_asset_job(
    TUNING,
    selection=dg.AssetSelection.groups(TUNING),
    description="A search for better parameters of every family; with RECSYS_TUNED=true the candidates use them.",
    tags={"dagster/max_runtime": "0"},
)
proof = dg.define_asset_job(
    PROOF,
    selection=dg.AssetSelection.groups(PROOF),
    description="Tests the lineage of every SQL asset on samples of the data that it was made of.",
    tags={"dagster/max_runtime": "0"},
)
ingest = dg.define_asset_job(
    INGEST,
    selection=dg.AssetSelection.groups("raw", "clean"),
    description="Loads new and changed files into the raw and clean tables.",
    tags={REUSE_TAG: "true"},
)

upkeep = dg.define_asset_job(
    UPKEEP,
    selection=dg.AssetSelection.groups(UPKEEP),
    description="Prunes old versions and old runs; by itself after a night that failed before it came to that.",
)


def job_of(names: Collection[str], definitions: dg.Definitions) -> dg.JobDefinition:
    """Name of the job for a run of some assets: the one that contains them all.

    `everything`, `tuning` or `proof`; for other combinations the one that Dagster uses for selections in its interface.
    """
    for name in (EVERYTHING, TUNING, PROOF):
        job = definitions.resolve_job_def(name)
        if {dg.AssetKey(each) for each in names} <= job.asset_layer.selected_asset_keys:
            return job
    return definitions.resolve_implicit_global_asset_job_def()


def nightly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The nightly retraining at the time of the settings; running from the start if they say so.

    If a nightly run is still in progress when the next is due, the next is skipped: two would do the same work twice.
    """

    @dg.schedule(
        name="nightly_retraining",
        job=nightly,
        cron_schedule=settings.nightly_cron,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING
        if settings.nightly
        else dg.DefaultScheduleStatus.STOPPED,
        description="Loads what is new, trains all families, promotes a better one, recommends to every customer.",
    )
    def schedule(context: dg.ScheduleEvaluationContext):
        at_work = context.instance.get_runs(dg.RunsFilter(job_name=NIGHTLY, statuses=_AT_WORK), limit=1)
        if at_work:
            return dg.SkipReason(
                f"The nightly run {at_work[0].run_id} is still at work; the next tick starts another."
            )
        return dg.RunRequest()

    return schedule


def landing_sensor(settings: Settings) -> dg.SensorDefinition:
    """Sensor that loads files dropped into `$RECSYS_DATA/landing`, and shows the days of unreadable ones as failed."""

    @dg.sensor(
        name="landing_files",
        jobs=[ingest],
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Loads files that arrive in the {LANDING} folder of the data folder.",
    )
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource):
        folder = source_folder(settings)
        landing = folder.root / LANDING
        if not landing.is_dir():
            return dg.SkipReason(f"There is no folder {landing}.")
        # The cursor is what lay there by size and time, and what it held: only where the first changed is a file read.
        glimpse, _, content = (context.cursor or "").partition(" ")
        seen = stat_hash(landing)
        held = content if seen == glimpse else contents(landing, folder.source) or ""
        requests = []
        if held and held != content:
            requests.append(dg.RunRequest(run_key=held, job_name=INGEST))
        requests += [
            dg.RunRequest(
                run_key=f"faulty {day} {_digest(files)}",
                job_name=INGEST,
                partition_key=day,
                asset_selection=[dg.AssetKey("raw_events")],
            )
            for day, files in faulty_days(newest_files(lake.lake())).items()
        ]
        nothing = None if requests else "Nothing new." if held else f"There is no file in {landing}."
        return dg.SensorResult(run_requests=requests, skip_reason=nothing, cursor=f"{seen} {held}")

    return sensor


def _digest(files: Iterable[FaultyFile]) -> str:
    hashes = " ".join(sorted({file.sha256 for file in files}))
    return hashlib.sha256(hashes.encode()).hexdigest()[:16]


__all__ = [
    "EVERYTHING",
    "FRESH",
    "INGEST",
    "NIGHTLY",
    "everything",
    "ingest",
    "job_of",
    "nightly",
    "tuning",
]


def upkeep_sensor() -> dg.SensorDefinition:
    """Sensor that prunes after a failed night: its upkeep waits for all served tables, and is skipped if one fails."""

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.FAILURE,
        name="upkeep_after_failure",
        monitored_jobs=[nightly],
        request_job=upkeep,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Prunes old versions after a night that failed, so that failing nights do not fill the disk.",
    )
    def sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.dagster_run.run_id)

    return sensor
