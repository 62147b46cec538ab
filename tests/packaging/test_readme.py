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
from recsys_assets.settings_text import settings_table
from recsys_assets.shop.loaded_source import load_source
from recsys_lineage import Lake, SqlText, materialize, sql_code
from recsys_lineage.files import list_files, open_scan

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")


DOCS = {path.name: path.read_text(encoding="utf-8") for path in README.parent.glob("docs/*.md")}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_settings_table_is_that_of_the_class() -> None:
    assert settings_table() in DOCS["settings.md"]


def test_every_page_of_the_documentation_is_linked() -> None:
    assert DOCS and all(f"(docs/{name})" in TEXT for name in DOCS)


def test_every_command_it_names_exists() -> None:
    whole = "\n".join([TEXT, *DOCS.values()])
    named = set(re.findall(r"\brecsys ([a-z]+)\b", whole))
    assert named and named <= {path[0] for path, _ in commands()}
    grouped = set(re.findall(r"\brecsys (lake) ([a-z]+)\b", whole))
    assert grouped and grouped <= {path for path, _ in commands()}


def commands() -> list[tuple[tuple[str, ...], str]]:
    """Every command as one types it, with its text."""
    found = [((name_of(command),), text_of(command)) for command in app.registered_commands]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        before = (group.name,) if group.name else ()
        inner = group.typer_instance.registered_commands
        found += [((*before, name_of(command)), text_of(command)) for command in inner]
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
    source = load_source(folder)
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


def run_as_written(block: str, folder: Path) -> str:
    """What a block prints in a fresh process, from a file in this folder."""
    (folder / "as_written.py").write_text(block)
    command = [sys.executable, "-W", "ignore", "as_written.py"]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_assets_of_another_project_run_as_written(tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "orders.sql").write_text("SELECT i AS order_id, i % 2 AS day FROM range(4) AS t(i)")
    (block,) = (text for text in blocks("python") if "dg.Definitions" in text)
    ending = "assert defs.resolve_implicit_global_asset_job_def().execute_in_process().success\n"
    run_as_written(block + ending, tmp_path)
    assert Lake(str(tmp_path / "lake")).version("daily").rows == 2


def test_the_records_are_read_as_written(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / ".recsys" / "lake"))
    materialize(sql_code(SqlText("SELECT 1 AS user_id"), name="raw_events"), lake)
    materialize(sql_code(SqlText("SELECT * FROM raw_events"), name="events"), lake)
    (block,) = (text for text in blocks("python") if "upstream_versions" in text)
    made_of = "print(records.upstream_versions(record))\n"
    assert run_as_written(block + made_of, tmp_path) == "{'raw_events': 0}\n"


@pytest.mark.slow
def test_the_recommenders_on_their_own_run_as_written(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    lists = tmp_path / "shared" / "data" / "gowalla"
    lists.mkdir(parents=True)
    for part, first in (("train", 0), ("valid", 3), ("test", 4)):
        items = {
            user: [(user * 7 + 3 * n) % 40 for n in range(first, first + (3 if part == "train" else 1))]
            for user in range(60)
        }
        (lists / f"{part}.txt").write_text(
            "".join(f"{u} {' '.join(map(str, i))}\n" for u, i in items.items())
        )
    (block,) = (text for text in blocks("python") if "LightGCN()" in text)
    assert "ndcg" in run_as_written(block, tmp_path / "project").casefold()


def test_every_block_of_python_is_run() -> None:
    kinds = ("notebook", "dg.Definitions", "upstream_versions", "LightGCN()")
    for text in blocks("python"):
        assert sum(kind in text for kind in kinds) == 1, text
