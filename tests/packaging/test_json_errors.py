"""Whatever goes wrong with `--json` is a JSON object on stdout, with the exit code that it has in words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

import recsys_assets.proposal.proposal  # noqa: F401  (a command imports it when it is called)
from recsys_assets.cli.commands import app
from recsys_assets.settings import variable

Path_ = tuple[str, ...]
FIELDS = {"what", "expected", "found", "where", "advice"}


def leaves(command: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every command of the application that does something, as one types it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, each in inner.items():
        yield from leaves(each, (*path, name))


def arguments(command: Any, folder: Path) -> list[str]:
    """A value for every argument that a command needs; a folder that is there for one that is a path, and numbers."""
    needed = [each for each in command.params if each.required and each.param_type_name == "argument"]
    kinds = {"pathlib": str(folder), "'float'": "0.5", "'int'": "1"}
    words = [
        next((word for kind, word in kinds.items() if kind in repr(vars(each))), "nothing_of_that_name")
        for each in needed
    ]
    options = [each for each in command.params if each.required and each.param_type_name == "option"]
    return [*words, *(word for each in options for word in (each.opts[0], "why"))]


COMMANDS = dict(leaves(typer.main.get_command(app)))
WITH_JSON = {
    path for path, command in COMMANDS.items() if any("--json" in each.opts for each in command.params)
}


def test_there_are_such_commands() -> None:
    assert (
        {("status",), ("demo",), ("nightly",), ("materialize",), ("lake", "prune")}
        <= WITH_JSON
        < set(COMMANDS)
    )


def answer(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def error_of(in_json: Result, in_words: Result) -> dict[str, Any]:
    """The error that was answered; makes sure that it is one object, and told in words too."""
    assert in_json.exit_code == in_words.exit_code != 0, (in_json.output, in_words.output)
    error = json.loads(in_json.stdout)["error"]
    assert set(error) == FIELDS and error["what"]
    assert in_words.stdout.strip() == "" or in_words.exit_code == 1
    return error


ASKS_NO_SETTING = {("init",), ("openlineage", "validate")}
"""Commands that look at files that they are given, whatever the settings say."""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("path", sorted(WITH_JSON), ids=" ".join)
class TestEveryCommandWithJson:
    def test_an_option_that_is_not_there(self, path: Path_, elsewhere: Path) -> None:
        error = error_of(answer(*path, "--no-such", "--json"), answer(*path, "--no-such"))
        assert "--no-such" in error["what"] and error["where"].endswith(" ".join(path))
        assert error["advice"].endswith("--help")

    def test_an_argument_that_is_missing_or_one_too_many(self, path: Path_, elsewhere: Path) -> None:
        words = [] if arguments(COMMANDS[path], elsewhere) else ["one-too-many", "two-too-many"]
        error_of(answer(*path, *words, "--json"), answer(*path, *words))

    def test_settings_that_cannot_be_used(
        self, path: Path_, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable("seed"), "a word")
        words = [*path, *arguments(COMMANDS[path], elsewhere)]
        error = error_of(answer(*words, "--json"), answer(*words))
        assert any(error[field] for field in FIELDS - {"what"})
        if path not in ASKS_NO_SETTING:
            assert variable("seed") in json.dumps(error)

    def test_a_home_of_which_nothing_is_known(
        self, path: Path_, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """There are no files, tables, runs and versions: a command answers, or says what is wrong."""
        monkeypatch.setenv(variable("home"), str(elsewhere / "home"))
        monkeypatch.setenv(variable("source"), "online-retail")
        monkeypatch.setenv(variable("data"), str(elsewhere / "no-files"))
        words = [*path, *arguments(COMMANDS[path], elsewhere)]
        in_json = answer(*words, "--json")
        if in_json.exit_code == 0:
            json.loads(in_json.stdout)
        elif "error" in (told := json.loads(in_json.stdout)):
            assert set(told["error"]) == FIELDS
        else:
            assert path in {("check",), ("doctor",)}, "whose answer is what is wrong"

    def test_a_fault_of_the_program(
        self, path: Path_, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError("nobody thought of this")

        for module in list(sys.modules.values()):  # wherever the command calls it by
            for name in ("load_settings", "propose"):
                if getattr(module, "__name__", "").startswith("recsys_assets") and hasattr(module, name):
                    monkeypatch.setattr(module, name, broken)
        words = [*path, *arguments(COMMANDS[path], elsewhere)]
        done = answer(*words, "--json")
        if path in ASKS_NO_SETTING and done.exit_code == 2:
            return  # the files that it was given are looked for first
        assert done.exit_code == 1
        assert "nobody thought of this" in json.loads(done.stdout)["error"]["what"]
        assert "Traceback" in done.stderr


def test_a_command_that_is_not_there() -> None:
    error = error_of(answer("statsu", "--json"), answer("statsu"))
    assert "Did you mean 'status'" in error["what"]


def test_the_program_itself_answers_so(elsewhere: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("recsys")), "show", "no_such", "--json"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
    )
    what = "There is no table 'no_such' in the lake."
    assert done.returncode == 1 and json.loads(done.stdout)["error"]["what"] == what
    assert what in done.stderr, "people who look at a log find it in words"


def test_help_is_help(elsewhere: Path) -> None:
    shown = answer("status", "--json", "--help")
    assert shown.exit_code == 0 and "Usage" in shown.output
