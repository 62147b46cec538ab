"""`recsys doctor`: checks what is installed and set up, what is wrong with it, and how to fix it."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psutil
from packaging.requirements import Requirement
from pydantic import PostgresDsn, SecretStr

from recsys_assets.settings import Settings, default_text, variable

DISTRIBUTION = "recsys-platform"
LEAST_FREE_DISK = 5 * 2**30
LEAST_FREE_MEMORY = 4 * 2**30
_NAMED_PACKAGES = ("dagster", "duckdb", "polars", "deltalake", "torch", "dgl")
_IMPORT_MODELS = """
import json
from recsys_models.kernels.dgl_import import import_dgl
dgl = import_dgl()
import torch
cuda = torch.cuda.is_available()
print(json.dumps({"torch": torch.__version__, "dgl": dgl.__version__,
                  "cuda": torch.cuda.get_device_name(0) if cuda else None}))
"""


@dataclass(frozen=True)
class Check:
    """One check of the doctor: whether it passed, its finding, and advice if it failed."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def diagnose(settings: Settings) -> list[Check]:
    """Check everything that a run depends on. Changes nothing and raises nothing; a failure becomes a Check."""
    models = _import_models()
    looks: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("models", lambda: _models(models)),
        ("device", lambda: _device(settings, models)),
        ("settings", lambda: _settings(settings)),
        ("home", lambda: _home(settings)),
        ("disk", lambda: _disk(settings)),
        ("memory", _memory),
        ("source", lambda: _source(settings)),
        ("lake", lambda: _lake(settings)),
        ("database", lambda: _database(settings)),
        ("browser", _browser),
    )
    return [_guarded(name, look) for name, look in looks]


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except Exception as error:  # a look that fails is a finding, never the end of the diagnosis
        return Check(name, False, f"{type(error).__name__}: {error}", "fix what the message names")


def _python() -> Check:
    found = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    return Check(
        "python",
        (3, 10) <= sys.version_info < (3, 13),
        found,
        "use Python 3.10, 3.11 or 3.12: DGL has no others",
    )


def _packages() -> Check:
    wrong: list[str] = []
    needed = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or []]
    needed = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    for requirement in needed:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, expected {requirement.specifier}")
    named = ", ".join(f"{name} {metadata.version(name)}" for name in _NAMED_PACKAGES if _is_installed(name))
    return Check(
        "packages",
        not wrong,
        "; ".join(wrong) or f"all {len({each.name for each in needed})} as required: {named}",
        "pip install -r requirements.lock",
    )


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _import_models() -> dict[str, Any]:
    """Import torch and DGL in a separate process, because a broken binary may kill it."""
    answer = subprocess.run(
        [sys.executable, "-c", _IMPORT_MODELS], capture_output=True, text=True, timeout=120, check=False
    )
    if answer.returncode == 0:
        return json.loads(answer.stdout.splitlines()[-1])
    return {"error": (answer.stderr.strip().splitlines() or [f"ended with code {answer.returncode}"])[-1]}


def _models(models: dict[str, Any]) -> Check:
    if "error" in models:
        return Check("models", False, models["error"], "make clean venv, or pip install -r requirements.lock")
    return Check("models", True, f"torch {models['torch']} and dgl {models['dgl']} import together")


def _device(settings: Settings, models: dict[str, Any]) -> Check:
    card = models.get("cuda")
    if settings.device == "cuda" and not card:
        return Check("device", False, "no CUDA device", "set RECSYS_DEVICE=auto, which takes the CPU then")
    cores = psutil.cpu_count() or 1
    uses_card = card and settings.device != "cpu"
    return Check("device", True, f"{card} (CUDA)" if uses_card else f"CPU with {cores} cores")


def _settings(settings: Settings) -> Check:
    changed = []
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        text = "set, not shown" if isinstance(value, SecretStr) else str(value)
        is_default = value in (None, "") or text.lower() == default_text(name)
        is_default = is_default or value == type(settings).model_fields[name].default
        if name != "git_commit" and not is_default:
            changed.append(f"{variable(name)}={text}")
    return Check("settings", True, ", ".join(changed) or "all defaults")


def _home(settings: Settings) -> Check:
    place = _nearest_folder(settings.home)
    advice = "set RECSYS_HOME to a folder that you may write to"
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return Check("home", False, f"{place} cannot be written to: {error.strerror}", advice)
    return Check("home", True, str(settings.home) + ("" if settings.home.exists() else ", to be made"))


def _disk(settings: Settings) -> Check:
    free = shutil.disk_usage(_nearest_folder(settings.home)).free
    return Check(
        "disk", free >= LEAST_FREE_DISK, f"{_gigabytes(free)} free", "free 5 GB, or move RECSYS_HOME"
    )


def _memory() -> Check:
    memory = psutil.virtual_memory()
    found = f"{_gigabytes(memory.available)} free of {_gigabytes(memory.total)}"
    advice = "close other programs, or lower RECSYS_MEMORY_LIMIT"
    return Check("memory", memory.available >= LEAST_FREE_MEMORY, found, advice)


def _source(settings: Settings) -> Check:
    from recsys_assets.shop.loaded_source import load_source
    from recsys_assets.shop.shop_rules import SourceError

    try:
        source = load_source(settings.source)
        folder = settings.data or source.data_folder()
    except SourceError as error:
        found = f"{error.message} Expected {error.expected}; found {error.found}, in {error.where}"
        return Check("source", False, found, error.advice or "correct the file that is named")
    if folder is None:
        return Check(
            "source", False, f"{source.name} brings no files", "set RECSYS_DATA to the folder of its files"
        )
    if not folder.is_dir():
        return Check(
            "source",
            False,
            f"{source.name}: no folder {folder}",
            "set RECSYS_DATA to the folder of its files",
        )
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    found = f"{source.name}: {len(files)} files, {size / 1e6:.1f} MB in {folder}"
    return Check(
        "source", bool(files), found, "put the source's files there, or set RECSYS_DATA to where they are"
    )


def _lake(settings: Settings) -> Check:
    from recsys_lineage.lake.lake import Lake

    try:
        tables = Lake(settings.lake_url).tables()
    except Exception as error:  # each object store and each of its clients raises its own kind
        advice = "check RECSYS_LAKE, AWS_ENDPOINT_URL, AWS_REGION and the credentials in AWS_*"
        return Check("lake", False, f"{settings.lake_url}: {error}", advice)
    return Check("lake", True, f"{settings.lake_url}: {len(tables)} tables")


def _database(settings: Settings) -> Check:
    if settings.postgres_url is None:
        return Check("database", True, f"SQLite in {settings.home / 'dagster'}")
    import psycopg2

    try:
        connection = psycopg2.connect(settings.postgres_url.get_secret_value(), connect_timeout=5)
    except psycopg2.Error as error:
        reason = _without_password(str(error).strip(), settings.postgres_url)
        return Check(
            "database", False, f"Postgres: {reason}", "start Postgres, or correct RECSYS_POSTGRES_URL"
        )
    version, host = connection.server_version // 10000, connection.info.host
    connection.close()
    return Check("database", True, f"Postgres {version} at {host}")


def _browser() -> Check:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return Check("browser", True, found or "no chromium, which only the browser tests need")


def _without_password(text: str, url: SecretStr) -> str:
    for host in PostgresDsn(url.get_secret_value()).hosts():
        if password := host["password"]:
            text = text.replace(password, "***").replace(unquote(password), "***")
    return text


def _nearest_folder(path: Path) -> Path:
    """The path itself, or its nearest parent that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.1f} GB"
