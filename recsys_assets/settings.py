"""Settings: every `RECSYS_*` variable, read from the environment and `.env` and validated once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, TypeAdapter, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from recsys_assets.checkout import checkout_commit, checkout_repository
from recsys_assets.checkout import checkout_folder as checkout_folder
from recsys_assets.checkout import checkout_is_dirty as checkout_is_dirty
from recsys_assets.setting_values import (
    absolute_where_a_path,
    bytes_of,
    catalogs_namespace,
    five_cron_fields,
    known_timezone,
    memory_size,
    retention_policies,
    usable_postgres_url,
)
from recsys_lineage.errors import LineageError, did_you_mean

PREFIX = "RECSYS_"
CODE_LOCATION = "recsys"
"""Name of the code location in Dagster, as in `deployment/workspace.yaml`."""
_UNCOUNTED_BYTES = 192_000_000
"""Largest part of the memory limit reserved for memory that DuckDB uses but does not count."""
_EXPECTED = {
    "int_parsing": "a whole number",
    "bool_parsing": "true or false",
    "greater_than_equal": "a whole number of at least {ge}",
    "less_than_equal": "a whole number of at most {le}",
    "less_than": "a whole number below {lt}",
}


class SettingsError(LineageError):
    """A setting that cannot be used."""


class Settings(BaseSettings):
    """Settings of the platform, read from environment and `.env`. Paths are absolute.

    Build it with `load_settings()`, which explains wrong values.
    """

    code_version_fields: ClassVar[tuple[str, ...]] = ()
    """No attribute: where the lake lies changes no result, and settings that do are parameters of assets."""
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    home: Path = Field(
        default=Path(".recsys"),
        description="folder for everything the platform writes; delete it to start over",
    )
    source: str = Field(
        default="complete-journey",
        min_length=1,
        description="where the data comes from: a built-in source, or a folder of SQL files of your own",
    )
    data: Path | None = Field(
        default=None, description="folder of the source's files; empty: the source's own"
    )
    lake: str = Field(
        default="",
        description="where tables are kept: a folder or `s3://bucket/prefix`; empty: `lake/` in the home",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="device that models train on; `auto` uses CUDA where available"
    )
    timezone: str = Field(
        default="UTC", description="IANA timezone of the nightly schedule, such as `Europe/Berlin`"
    )
    nightly_cron: str = Field(
        default="0 2 * * *", description="when the nightly retraining starts, as five cron fields"
    )
    nightly: bool = Field(default=False, description="whether the nightly schedule is on from the start")
    memory_limit: str = Field(
        default="2GB", description="memory that DuckDB may use in one process, such as `2GB`"
    )
    threads: int = Field(
        default=0, ge=0, description="threads of DuckDB and PyTorch in one process; 0: all cores"
    )
    seed: int = Field(default=7, ge=0, lt=2**31, description="seed of all random numbers")
    holdout_weeks: int = Field(
        default=4, ge=1, le=520, description="last weeks of the data, held out to evaluate the models"
    )
    top_k: int = Field(default=20, ge=1, le=1000, description="recommendations for each user")
    families: str = Field(
        default="popularity,item_neighbours,lightgcn",
        description="model families that compete, separated by commas; `recsys_models.families` lists all, such as "
        "`spectral`, `ease`, `ranker`",
    )
    parameters: str = Field(
        default="",
        description='parameters of families that differ from their defaults, as JSON: `{"lightgcn": {"layers": 2}}`',
    )
    refit_tolerance: int = Field(
        default=5,
        ge=0,
        le=100,
        description="percent by which a nightly refit may fall on validation before the family is fitted in full",
    )
    full_fit_every: int = Field(
        default=7, ge=1, description="nights after which a family is fitted in full instead of refitted"
    )
    tuned: bool = Field(
        default=False,
        description="whether candidates use the best parameters of their tuning (`recsys materialize group:tuning`)",
    )
    trials: int = Field(default=20, ge=1, description="number of fits in one family's tuning")
    tuning_minutes: int = Field(
        default=0, ge=0, description="minutes after which a tuning starts no further fit; 0: no limit"
    )
    retention: str = Field(
        default="14/8/12",
        description="how long old versions of tables are kept, as nights/weeks/months: all for so many nights, then "
        "the last of each week, then the last of each month; `14/8/12, model=7/4/3` sets a group of assets differently",
    )
    retention_grace_hours: int = Field(
        default=24,
        ge=0,
        le=87_600,
        description="hours that readers and writers have to finish before files that no version needs are deleted",
    )
    dagster_keep_days: int = Field(
        default=30,
        ge=1,
        le=36_500,
        description="days that Dagster keeps runs and their events; the records in the lake are kept for ever",
    )
    host: str = Field(
        default="127.0.0.1", min_length=1, description="address that the browser interface listens on"
    )
    port: int = Field(
        default=3000, ge=0, le=65535, description="port of the browser interface; 0: any free one"
    )
    proxy_authenticates: bool = Field(
        default=False,
        description="whether a proxy in front of the browser interface authenticates its users; without one it listens "
        "on addresses of this machine only",
    )
    service_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="address that `recsys serve` listens on; where others reach it, each request needs a token",
    )
    service_port: int = Field(
        default=8000, ge=0, le=65535, description="port of `recsys serve`; 0: any free one"
    )
    search_encoder: Literal["auto", "none", "wordllama", "minilm"] = Field(
        default="auto",
        description="encoder with which search compares meanings; `auto`: `wordllama` (extra `semantic-light`) or "
        "`minilm` (extra `semantic`) where one is installed; `none`: words and parts of words only",
    )
    durable_within_ms: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="milliseconds within which an exposure is on the disk; 0: it is there before the answer goes out",
    )
    most_waiting: int = Field(
        default=32,
        ge=0,
        le=100_000,
        description="lists that may wait to be computed in one process of `recsys serve`; beyond that, requests get "
        "the list that the night prepared; 0: all do",
    )
    rate_limit: int = Field(
        default=500, ge=0, description="requests a second that one token may make; 0: any number"
    )
    join_simulated: bool = Field(
        default=False,
        description="whether events of `recsys simulate` join the shop's events too, so that models learn from them; "
        "for rehearsals",
    )
    assignment_key: SecretStr | None = Field(
        default=None,
        description="key by which customers are assigned to arms of experiments; empty: a random one, kept in the home",
    )
    postgres_url: SecretStr | None = Field(
        default=None,
        description="Dagster's Postgres, `postgresql://user:password@host:5432/database`; empty: SQLite",
    )
    git_commit: str = Field(
        default_factory=lambda: checkout_commit(),
        description="commit that records name as the code that ran; empty: taken from git",
    )
    git_repository: str = Field(
        default_factory=lambda: checkout_repository(),
        description="web address of the code's repository, for events; empty: taken from git",
    )
    openlineage_url: SecretStr | None = Field(
        default=None,
        validation_alias="OPENLINEAGE_URL",
        description="catalog that events are sent to, such as `http://localhost:5000`; see also `openlineage.yml` and "
        "`OPENLINEAGE__*`; without any of these: a file `openlineage/events.jsonl` in the home",
    )
    openlineage_endpoint: str | None = Field(
        default=None,
        validation_alias="OPENLINEAGE_ENDPOINT",
        description="path at that catalog; empty: `api/v1/lineage`",
    )
    openlineage_api_key: SecretStr | None = Field(
        default=None, validation_alias="OPENLINEAGE_API_KEY", description="key of that catalog"
    )
    openlineage_config: str | None = Field(
        default=None,
        validation_alias="OPENLINEAGE_CONFIG",
        description="file of the OpenLineage client's settings; empty: `openlineage.yml` in the working folder or in "
        "`~/.openlineage`",
    )
    openlineage_namespace: str | None = Field(
        default=None,
        validation_alias="OPENLINEAGE_NAMESPACE",
        description="namespace of the jobs in catalogs, of letters, digits and `:/_.@+-`; empty: the code location's "
        "name, `recsys`",
    )
    openlineage_disabled: bool = Field(
        default=False,
        validation_alias="OPENLINEAGE_DISABLED",
        description="whether sending events is switched off",
    )
    openlineage_workers: int = Field(
        default=2,
        ge=1,
        le=64,
        description="events in flight at once to each catalog; those of one job stay in order. With 2, a catalog has "
        "the next event while the answer to the previous one is on its way",
    )
    otel_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="collector for spans of the answers of `recsys serve`, such as `http://localhost:4318`; other "
        "`OTEL_*` variables work too; empty: no spans",
    )
    aws_access_key_id: SecretStr | None = Field(
        default=None,
        validation_alias="AWS_ACCESS_KEY_ID",
        description="key of the object store, for a lake on `s3://`",
    )
    aws_secret_access_key: SecretStr | None = Field(
        default=None, validation_alias="AWS_SECRET_ACCESS_KEY", description="secret of that key"
    )
    aws_session_token: SecretStr | None = Field(
        default=None, validation_alias="AWS_SESSION_TOKEN", description="token of temporary credentials"
    )
    aws_region: str | None = Field(
        default=None, validation_alias="AWS_REGION", description="region of the bucket"
    )
    aws_endpoint_url: str | None = Field(
        default=None,
        validation_alias="AWS_ENDPOINT_URL",
        description="an object store other than Amazon's, such as `http://localhost:9000`",
    )

    @field_validator("home", "data", mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else Path(path).expanduser().absolute()

    _absolute_where_a_path = field_validator("source", "lake")(absolute_where_a_path)
    _known_timezone = field_validator("timezone")(known_timezone)
    _five_cron_fields = field_validator("nightly_cron")(five_cron_fields)
    _size = field_validator("memory_limit")(memory_size)
    _policies = field_validator("retention")(retention_policies)
    _namespace_of_catalogs = field_validator("openlineage_namespace")(catalogs_namespace)
    _postgres_scheme = field_validator("postgres_url")(usable_postgres_url)

    @property
    def lake_url(self) -> str:
        """The lake's folder or URL, with the default filled in."""
        return self.lake or str(self.home / "lake")

    @property
    def memory_bytes(self) -> str:
        """Memory limit for DuckDB, in bytes, because DuckDB knows only some of the units.

        Lower than the setting, because DuckDB uses memory that it does not count, such as buffers of Parquet readers
        and writers.
        """
        limit = bytes_of(self.memory_limit)
        return f"{limit - min(limit * 5 // 16, _UNCOUNTED_BYTES)}B"

    def as_environment(self) -> dict[str, str]:
        """These settings as variables, for a child process. Holds secrets: never log it."""
        values = {variable(name): _as_text(getattr(self, name)) for name in type(self).model_fields}
        return {name: text for name, text in values.items() if text}


def load_settings(**overrides: Any) -> Settings:
    """Read the environment and `.env`; keyword arguments that are not None win over both.

    Raises:
        SettingsError: an unknown variable, or an invalid value; the message has its name and the expected form, and
            never a secret.
    """
    _refuse_unknown_variables()
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise _in_plain_words(error, overrides) from None


def checked_setting(name: str, value: Any) -> Any:
    """A validated value for a setting.

    Raises:
        ValueError: the value is invalid; the message has the expected form.
    """
    field = Settings.model_fields[name]
    try:
        allowed: Any = field.annotation
        for limit in field.metadata:
            allowed = Annotated[allowed, limit]  # pyright: ignore[reportInvalidTypeForm]
        return TypeAdapter(allowed).validate_python(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
    expected = _EXPECTED.get(fault["type"], fault["msg"]).format(**fault.get("ctx", {}))
    raise ValueError(f"{name}: expected {expected.removeprefix('Input should be ')}, found {value!r}")


def variable(name: str) -> str:
    """The environment variable of a setting."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else PREFIX + name.upper()


def default_text(name: str) -> str:
    """A setting's default as written in `.env`; empty if there is none."""
    field = Settings.model_fields[name]
    return "" if field.default_factory is not None else _as_text(field.default)


def as_code(text: str) -> str:
    """A text as Markdown code; empty for an empty text."""
    return f"`{text}`" if text else ""


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refuse_unknown_variables() -> None:
    known = {variable(name) for name in Settings.model_fields}
    for name in (*os.environ, *dotenv_values(".env")):
        if name.startswith(PREFIX) and name.upper() not in known:
            raise SettingsError(
                f"{name} is not a setting.",
                expected="one of the variables in .env.example",
                where="the environment or .env",
                advice=f"rename {name} or unset it. {did_you_mean(name, known)}".rstrip(),
            )


def _in_plain_words(error: ValidationError, overrides: dict[str, Any]) -> SettingsError:
    fault = error.errors(include_url=False)[0]
    name = _field_of(str(fault["loc"][0]))
    override = overrides.get(name)
    found = _as_text(override) if override is not None else os.environ.get(variable(name)) or _in_dotenv(name)
    is_secret = "SecretStr" in str(Settings.model_fields[name].annotation)
    expected = _EXPECTED.get(fault["type"], fault["msg"]).format(**fault.get("ctx", {}))
    return SettingsError(
        f"{variable(name)} cannot be used.",
        expected=expected.removeprefix("Value error, expected ").removeprefix("Input should be "),
        found="a value that is not shown, because it holds a secret" if is_secret else repr(found),
        where="the command line" if override is not None else "the environment or .env",
        advice=f"change it, or unset it and use {as_code(default_text(name)) or 'the default'}",
    )


def _field_of(location: str) -> str:
    """The field that a validation error's location names: by its own name or by its variable's."""
    if location in Settings.model_fields:
        return location
    return next(name for name in Settings.model_fields if variable(name).lower() == location.lower())


def _in_dotenv(name: str) -> str | None:
    return dotenv_values(".env").get(variable(name))
