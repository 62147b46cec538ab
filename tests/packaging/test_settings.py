"""Settings come from the environment and `.env`, and a wrong one is explained to the person who wrote it."""

import re
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dotenv import dotenv_values
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from recsys_assets.setting_values import bytes_of
from recsys_assets.settings import (
    Settings,
    SettingsError,
    default_text,
    load_settings,
    variable,
)
from recsys_assets.settings_text import env_example, settings_table
from tests.examples import examples

pytestmark = pytest.mark.usefixtures("elsewhere")


def test_the_environment_wins_over_the_file_and_an_argument_over_both(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / ".env").write_text("RECSYS_TOP_K=5\nRECSYS_SEED=11\nRECSYS_PORT=3001\n")
    monkeypatch.setenv("RECSYS_TOP_K", "6")
    monkeypatch.setenv("RECSYS_PORT", "3002")
    settings = load_settings(port=3003)
    assert (settings.seed, settings.top_k, settings.port) == (11, 6, 3003)


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_DATA", "")
    monkeypatch.setenv("RECSYS_TOP_K", "")
    settings = load_settings()
    assert settings.data is None
    assert settings.top_k == 20


def test_paths_are_absolute_so_that_another_working_folder_finds_them(elsewhere: Path) -> None:
    settings = load_settings(home=".recsys", data="files", source="./my-shop", lake="~/lake")
    assert settings.home == elsewhere / ".recsys"
    assert settings.data == elsewhere / "files"
    assert settings.source == str(elsewhere / "my-shop")
    assert settings.lake_url == str(Path.home() / "lake")


def test_a_name_and_a_url_stay_what_they_are() -> None:
    settings = load_settings(source="online-retail", lake="s3://bucket/prefix")
    assert settings.source == "online-retail"
    assert settings.lake_url == "s3://bucket/prefix"


def test_the_lake_is_in_the_home_by_default(elsewhere: Path) -> None:
    assert load_settings(home=elsewhere).lake_url == str(elsewhere / "lake")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RECSYS_HOLDOUT_WEEKS", "four", "a whole number"),
        ("RECSYS_HOLDOUT_WEEKS", "0", "a whole number of at least 1"),
        ("RECSYS_PORT", "99999", "a whole number of at most 65535"),
        ("RECSYS_DEVICE", "tpu", "'auto', 'cpu' or 'cuda'"),
        ("RECSYS_NIGHTLY", "perhaps", "true or false"),
        ("RECSYS_TIMEZONE", "Mars/Olympus", "the name of a timezone"),
        ("RECSYS_TIMEZONE", "../../etc/passwd", "the name of a timezone"),
        ("RECSYS_NIGHTLY_CRON", "at night", "five cron fields"),
        ("RECSYS_NIGHTLY_CRON", "0 25 * * *", "five cron fields"),
        ("RECSYS_NIGHTLY_CRON", "60 2 * * *", "five cron fields"),
        ("RECSYS_MEMORY_LIMIT", "much", "a size with its unit"),
        ("RECSYS_MEMORY_LIMIT", "2", "a size with its unit"),
        ("RECSYS_MEMORY_LIMIT", "80%", "a size with its unit"),
        ("RECSYS_MEMORY_LIMIT", "2 gigs", "a size with its unit"),
        ("RECSYS_NIGHTLY_CRON", "@daily", "five cron fields"),
        ("RECSYS_NIGHTLY_CRON", "0 0 31 2 *", "five cron fields"),
        ("RECSYS_NIGHTLY_CRON", "* * * * * *", "five cron fields"),
        ("OPENLINEAGE_NAMESPACE", "my shop", "letters, digits and :/_.@+- alone"),
    ],
)
def test_a_wrong_value_says_what_was_expected_and_what_was_found(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert name in message
    assert f"Expected: {expected}" in message
    assert f"Found: {value!r}" in message


@pytest.mark.parametrize(
    "cron", ["59 23 * * *", "*/5 * * * *", "0 2 * * mon-fri", "30 1,13 1-7 JAN *", "0 0 * * 7"]
)
def test_usual_cron_expressions_are_taken(cron: str) -> None:
    assert load_settings(nightly_cron=cron).nightly_cron == cron


@pytest.mark.parametrize("cron", ["0 2 * * mon#2", "0 2 L * *", "15 */6 * * 1-5"])
def test_what_is_taken_for_a_cron_expression_dagster_runs(cron: str) -> None:
    schedule = dg.ScheduleDefinition(
        job_name="x", cron_schedule=load_settings(nightly_cron=cron).nightly_cron
    )
    assert schedule.cron_schedule == cron


@settings(deadline=None, max_examples=examples(40))
@for_all(
    number=st.integers(1, 9_999),
    unit=st.sampled_from(["MB", "GB", "TB", "PB", "MiB", "GiB", "TiB", "mb", "gib", "M", "G"]),
    space=st.sampled_from(["", " "]),
)
def test_duckdb_takes_every_size_that_is_taken(number: int, unit: str, space: str) -> None:
    given = Settings(memory_limit=f"{number}{space}{unit}")
    assert given.memory_limit == f"{number}{space}{unit}", "what was written is shown"
    with duckdb.connect(config={"memory_limit": given.memory_bytes}):
        pass
    told, limit = int(given.memory_bytes[:-1]), bytes_of(given.memory_limit)
    assert max(limit * 2 // 3, limit - 192_000_000) <= told < limit, "it takes more than it counts"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://shop:open-sesame@db/shop",
        "postgres://shop:open-sesame@db/shop",
        "postgresql+psycopg2://shop:open-sesame@db/shop",
        "postgresql://shop:open-sesame@db",
        "postgresql://shop:open-sesame@db/",
        "postgresql://shop:open-sesame@db:99999/shop",
        "shop:open-sesame",
    ],
)
def test_a_url_that_is_no_postgres_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(
        SettingsError, match="Expected: postgresql://user:password@host:5432/database"
    ) as caught:
        load_settings(postgres_url=url)
    assert "open-sesame" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_url_stays_as_it_was_written() -> None:
    url = "postgresql://shop:p%40ss@one,two:5433/shop?sslmode=require"
    settings = load_settings(postgres_url=url)
    assert settings.postgres_url is not None
    assert settings.postgres_url.get_secret_value() == url


def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_HOEM", "/data")
    with pytest.raises(SettingsError, match=r"RECSYS_HOEM is not a setting[\s\S]*Did you mean 'RECSYS_HOME'"):
        load_settings()
    monkeypatch.delenv("RECSYS_HOEM")
    (elsewhere / ".env").write_text("RECSYS_TOPK=3\n")
    with pytest.raises(SettingsError, match="Did you mean 'RECSYS_TOP_K'"):
        load_settings()


def test_secrets_show_in_no_message_and_no_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_POSTGRES_URL", "mysql://shop:open-sesame@db/shop")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "open-sesame" not in str(caught.value)
    monkeypatch.setenv("RECSYS_POSTGRES_URL", "postgresql://shop:open-sesame@db/shop")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "open-sesame")
    settings = load_settings()
    assert "open-sesame" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_child_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> None:
    given = load_settings(
        home="h", data="d", nightly=True, port=0, aws_access_key_id="key", postgres_url="postgresql://u:p@h/d"
    )
    for name, value in given.as_environment().items():
        monkeypatch.setenv(name, value)
    (elsewhere / "deeper").mkdir()
    monkeypatch.chdir(elsewhere / "deeper")
    assert load_settings() == given


def test_settings_do_not_change_after_they_are_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().top_k = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_env_example_is_what_the_class_says(root: Path) -> None:
    assert (root / ".env.example").read_text() == env_example(), "write it again: see CONTRIBUTING.md"


def test_env_example_with_every_line_switched_on_is_the_defaults(elsewhere: Path) -> None:
    (elsewhere / ".env").write_text("\n".join(re.findall(r"^# ([A-Z_]+=.*)$", env_example(), re.MULTILINE)))
    assert set(dotenv_values(".env")) == {variable(name) for name in Settings.model_fields}
    assert load_settings() == Settings()


def test_the_table_has_every_setting_with_its_default_and_a_meaning() -> None:
    rows = settings_table().splitlines()[2:]
    assert len(rows) == len(Settings.model_fields)
    for name, row in zip(Settings.model_fields, rows, strict=True):
        _, shown, default, meaning, _ = (cell.strip() for cell in row.split("|"))
        assert shown.strip("`") == variable(name)
        assert default.strip("`") == default_text(name)
        assert len(meaning) > 10
