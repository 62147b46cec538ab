"""What the README promises holds: its settings, its commands, its source of one's own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from typer.models import CommandInfo
from typer.testing import CliRunner

from recsys_assets.cli.commands import app
from recsys_assets.settings import settings_table
from recsys_assets.source import Source
from recsys_lineage.files import list_files, open_scan

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_settings_table_is_that_of_the_class() -> None:
    assert settings_table() in TEXT


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"\brecsys ([a-z]+)\b", TEXT))
    assert named and named <= {path[0] for path, _ in commands()}
    grouped = set(re.findall(r"\brecsys (lake) ([a-z]+)\b", TEXT))
    assert grouped and grouped <= {path for path, _ in commands()}


def commands() -> list[tuple[tuple[str, ...], str]]:
    """Every command as one types it, with its text."""
    found = [((name_of(command),), text_of(command)) for command in app.registered_commands]
    for group in app.registered_groups:
        assert group.name is not None and group.typer_instance is not None
        inner = group.typer_instance.registered_commands
        found += [((group.name, name_of(command)), text_of(command)) for command in inner]
    return found


def name_of(command: CommandInfo) -> str:
    assert command.callback is not None
    return command.name or command.callback.__name__


def text_of(command: CommandInfo) -> str:
    assert command.callback is not None
    return command.callback.__doc__ or ""


def test_every_command_has_help() -> None:
    for path, text in commands():
        shown = CliRunner().invoke(app, [*path, "--help"])
        assert shown.exit_code == 0
        assert text.strip() and text.split(".")[0].split("\n")[0][:30] in shown.output


def test_the_source_of_ones_own_reads_files(tmp_path: Path) -> None:
    folder, data = tmp_path / "my-shop", tmp_path / "files"
    folder.mkdir()
    data.mkdir()
    (folder / "raw_events.sql").write_text(blocks("sql")[0])
    (data / "orders-1.csv").write_text(
        "order_no;ordered_at;customer;sku;qty;price\n7;2024-05-01;ann;cup;2;3.5\n"
    )
    source = Source.load(folder)
    connection = duckdb.connect()
    for named in source.table_scans("raw_events"):
        open_scan(connection, data, named.scan, list_files(data, named.scan.pattern), named.relation)
    connection.execute("CREATE TABLE file_days AS SELECT 'orders-1.csv' AS _file, DATE '2024-05-01' AS day")
    from datetime import date

    rows = connection.execute(source.query("raw_events"), source.raw_parameters(date(2024, 6, 1))).fetchall()
    assert len(rows) == 1
    assert rows[0][:4] == ("2024-05-01", "ann", "cup", "7")


def test_the_session_in_a_notebook_runs_as_written_and_prints_what_it_says(tmp_path: Path) -> None:
    (block,) = (text for text in blocks("python") if "notebook" in text)
    promised = re.search(re.escape(block) + r"```\n\n```\n(.*?)```", TEXT, re.DOTALL)
    answer = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert promised is not None and answer.stdout == promised[1]


@pytest.mark.parametrize("language", ["python"])
def test_its_python_is_python(language: str) -> None:
    for text in blocks(language):
        compile(text, "README.md", "exec")
