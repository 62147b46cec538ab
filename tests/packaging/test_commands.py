"""Every habit is one command that `make` lists, and the lock that it installs is complete and exact."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PYTHONS = ("3.10", "3.11", "3.12")


def requirements(root: Path, lock: str = "requirements.lock") -> list[Requirement]:
    lines = (root / lock).read_text().splitlines()
    return [
        Requirement(line.rstrip("\\")) for line in lines if line and not line.lstrip().startswith(("#", "--"))
    ]


def applies(marker: Marker | None, python: str) -> bool:
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "extra": "",
    }
    return marker is None or marker.evaluate(environment)


def test_make_alone_lists_every_target_with_what_it_does(root: Path) -> None:
    listed = subprocess.run(["make"], cwd=root, capture_output=True, text=True, check=True).stdout
    phony = re.findall(r"^\.PHONY: (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    targets = set(re.findall(r"^([a-z-]+):(?!=)", (root / "Makefile").read_text(), re.MULTILINE))
    assert targets == set(" ".join(phony).split())
    described = dict(re.findall(r"^  make ([a-z-]+) +(\S.*)$", listed, re.MULTILINE))
    assert set(described) == targets


def test_make_names_what_is_missing_where_there_is_no_python(root: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "uname", "sed", "awk"):
        (tools / tool).symlink_to(subprocess.check_output(["which", tool], text=True).strip())
    make = subprocess.check_output(["which", "make"], text=True).strip()
    answer = subprocess.run(
        [make, "venv", f"VENV={tmp_path / 'venv'}"],
        cwd=root,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
    )
    assert answer.returncode != 0
    assert "Expected Python 3.10, 3.11 or 3.12" in answer.stdout
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("order", [("slow", "fast", "unfit"), ("unfit", "fast", "slow")])
def test_make_takes_the_fastest_of_several_interpreters(
    root: Path, tmp_path: Path, order: tuple[str, ...]
) -> None:
    says = {"slow": "echo 0.020 $0", "fast": "echo 0.003 $0", "unfit": "exit 1"}
    for name, answer in says.items():
        (tmp_path / name).mkdir()
        python = tmp_path / name / "python3.11"
        python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && {answer} || echo "called: $0 $*"\n[ "$1" != -m ]\n')
        python.chmod(0o755)
    path = ":".join([*(str(tmp_path / name) for name in order), os.environ["PATH"]])
    answer = subprocess.run(
        ["make", "venv", f"VENV={tmp_path / 'venv'}"],
        cwd=root,
        env={**os.environ, "PATH": path, "PYTHON": ""},
        capture_output=True,
        text=True,
    )
    assert answer.returncode != 0, "no environment is made: the interpreter fails at it"
    assert f"called: {tmp_path / 'fast' / 'python3.11'} -m venv" in answer.stdout


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_pins_every_dependency_to_a_version_that_is_allowed(root: Path, python: str) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {
        canonicalize_name(each.name): each for each in requirements(root) if applies(each.marker, python)
    }
    for requirement in map(Requirement, wanted):
        if applies(requirement.marker, python):
            (pin,) = pinned[canonicalize_name(requirement.name)].specifier
            assert pin.operator == "==", requirement.name
            assert requirement.specifier.contains(pin.version), requirement.name


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_names_each_package_once(root: Path, python: str) -> None:
    names = [canonicalize_name(each.name) for each in requirements(root) if applies(each.marker, python)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-runtime.lock"])
def test_every_package_of_a_lock_has_the_hashes_of_its_files(root: Path, lock: str) -> None:
    text = (root / lock).read_text()
    assert len(requirements(root, lock)) == len(
        re.findall(r"^\S+==\S+[^\n]* \\\n    --hash=sha256:[0-9a-f]{64}", text, re.M)
    )


def test_what_runs_in_production_is_locked_as_what_is_tested(root: Path) -> None:
    runtime = {(each.name, str(each.specifier)) for each in requirements(root, "requirements-runtime.lock")}
    assert runtime < {(each.name, str(each.specifier)) for each in requirements(root)}
    names = {canonicalize_name(name) for name, _ in runtime}
    assert not names & {"pytest", "ruff", "uv", "playwright"}
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert {canonicalize_name(Requirement(each).name) for each in project["dependencies"]} <= names


def test_the_lock_forces_no_cuda_package_on_anybody(root: Path) -> None:
    names = {canonicalize_name(each.name) for each in requirements(root)}
    assert not {name for name in names if name.startswith(("nvidia-", "cuda-", "triton"))}
    assert "torch" in names
