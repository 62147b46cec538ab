"""The commands validate, compare, import and imports: words, JSON and exit codes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recsys_lineage.cli import app
from recsys_lineage.openlineage.translation.stream import Stream
from tests.lineage.graph.shop import Shop
from tests.lineage.openlineage.conftest import SPEC
from tests.lineage.openlineage.marquez import RunningMarquez, running_marquez
from tests.lineage.openlineage.written import lines, night

needs_spec = pytest.mark.skipif(not SPEC.is_dir(), reason="needs the schemas of OpenLineage")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(tmp_path_factory.mktemp("shop"))
    made.make("raw_orders", "orders")
    return made


@pytest.fixture
def marquez() -> Iterator[RunningMarquez]:
    with running_marquez() as running:
        yield running


def _say(shop: Shop, *words: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["--lake", shop.lake.uri, "openlineage", *words], input=given)


@needs_spec
def test_validate_says_what_is_wrong_and_where(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(lines(night()))
    good = _say(shop, "validate", str(file), "--spec", str(SPEC))
    assert (good.exit_code, "8 events of 4 runs, valid" in good.stdout) == (0, True)
    file.write_bytes(lines(night()[1:]))
    bad = _say(shop, "validate", str(file), "--spec", str(SPEC), "--most", "1")
    assert bad.exit_code == 1
    assert "line 1: START recsys.raw_orders" in bad.stdout and "parent-first" in bad.stdout
    part = _say(shop, "validate", "-", "--spec", str(SPEC), "--part", "--json", given=file.read_bytes())
    assert part.exit_code == 0
    assert json.loads(part.stdout)["rules"] == {}
    ignored = _say(
        shop,
        "validate",
        str(file),
        "--spec",
        str(SPEC),
        "--ignore",
        "parent-first",
        "--ignore",
        "start-first",
    )
    assert ignored.exit_code == 0


@needs_spec
def test_what_is_asked_wrongly_exits_with_2(shop: Shop, tmp_path: Path) -> None:
    assert _say(shop, "validate", str(tmp_path / "no"), "--spec", str(SPEC)).exit_code == 2
    assert _say(shop, "validate", "-", "--spec", str(SPEC), "--ignore", "no", given=b"").exit_code == 2
    assert _say(shop, "compare", "localhost:5000").exit_code == 2
    assert _say(shop, "serve", "--host", "0.0.0.0").exit_code == 2
    assert _say(shop, "validate", "-", "--spec", str(tmp_path), given=b"").exit_code == 1


@needs_spec
def test_our_own_stream_is_valid_by_the_command(shop: Shop) -> None:
    body = b"".join(message.body + b"\n" for message in Stream(shop.lake).after(None))
    said = json.loads(_say(shop, "validate", "-", "--spec", str(SPEC), "--part", "--json", given=body).stdout)
    assert (said["rules"], said["events"]) == ({}, body.count(b"\n"))


def test_compare_names_what_is_missing_and_how_to_mend_it(shop: Shop, marquez: RunningMarquez) -> None:
    import requests

    missing = _say(shop, "compare", marquez.url)
    assert missing.exit_code == 1
    assert "missing" in missing.stdout and "openlineage replay --since" in missing.stdout
    for message in Stream(shop.lake).after(None):
        requests.post(f"{marquez.url}/api/v1/lineage", message.body, timeout=300)
    good = _say(shop, "compare", marquez.url)
    assert (good.exit_code, "understood" in good.stdout) == (0, True)
    assert json.loads(_say(shop, "compare", marquez.url, "--json").stdout)["differences"] == []


def test_a_catalog_that_is_not_there_is_an_error_in_words(shop: Shop) -> None:
    said = _say(shop, "compare", "http://127.0.0.1:9")
    assert said.exit_code == 1
    assert "The catalog does not answer." in said.stderr


@needs_spec
def test_import_and_imports(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.make("raw_orders")
    given = lines(night())
    first = _say(shop, "import", "-", "--spec", str(SPEC), given=given)
    assert (first.exit_code, "8 new events, 0 known already" in first.stdout) == (0, True)
    again = json.loads(_say(shop, "import", "-", "--spec", str(SPEC), "--json", given=given).stdout)
    assert (again["new"], again["known"]) == (0, 8)
    refused = _say(shop, "import", "-", "--spec", str(SPEC), given=b'{"eventType": \n')
    assert refused.exit_code == 1 and "line 1" in refused.stdout
    assert _say(shop, "imports").stdout_bytes == given
    asked = CliRunner().invoke(app, ["--lake", shop.lake.uri, "upstream", "dataset:/lake/orders"])
    assert asked.exit_code == 0 and "/srv/2026-11-01.csv" in asked.stdout


def test_without_schemas_events_are_taken_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recsys_lineage.openlineage.validation import spec

    monkeypatch.setattr(spec, "OFFICIAL", "http://127.0.0.1:9/spec")
    monkeypatch.setattr(spec, "EVENT", "http://127.0.0.1:9/spec/2-0-2/OpenLineage.json")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shop = Shop(tmp_path)
    shop.make("raw_orders")
    said = _say(shop, "import", "-", given=lines(night()))
    assert said.exit_code == 0
    assert "not validated against the official schemas" in said.stdout and "8 new events" in said.stdout
