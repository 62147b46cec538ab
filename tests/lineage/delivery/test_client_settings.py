"""The client's settings are found and joined as the client does it, and their mistakes are told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from openlineage.client import OpenLineageClient
from openlineage.client.transport import HttpTransport
from openlineage.client.transport.noop import NoopConfig, NoopTransport

from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.client_settings import BadClientSettings, ClientSettings, client_settings
from recsys_lineage.openlineage.destinations.opening import opened
from recsys_lineage.openlineage.emission import Emission
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.naming import why_no_namespace
from tests.examples import examples

HTTP = {"type": "http", "url": "http://catalog:5000"}
SECRET = "sk-geheim"


def written(folder: Path, config: Any) -> dict[str, str]:
    """Write `openlineage.yml`; returns an environment without other settings."""
    (folder / "openlineage.yml").write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    return {"HOME": str(folder / "home")}


def read(folder: Path, environment: dict[str, str]) -> ClientSettings:
    return client_settings(environment, folder)


_keys = st.sampled_from(
    ["TYPE", "URL", "ENDPOINT", "TIMEOUT", "TRANSPORTS__A__TYPE", "TRANSPORTS__A__URL", "TRANSPORTS__B"]
)
_values = st.sampled_from(
    ["http", "composite", "http://a:1", "7", '{"type": "http", "url": "http://b:2"}', "api/v2"]
)
_transports = st.fixed_dictionaries(
    {"type": st.sampled_from(["http", "composite"])},
    optional={
        "url": st.just("http://file:9"),
        "timeout": st.integers(1, 9),
        "transports": st.fixed_dictionaries({"c": st.just({"type": "http", "url": "http://c:3"})}),
    },
)


@settings(max_examples=examples(60), deadline=None)
@given(
    variables=st.dictionaries(_keys, _values, max_size=4),
    url=st.none() | st.just("http://single:4"),
    transport=st.none() | _transports,
)
def test_law_the_joined_settings_are_those_of_the_client(
    tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str], url: str | None, transport: Any
) -> None:
    folder = tmp_path_factory.mktemp("settings")
    environment = {"HOME": str(folder)} | {
        f"OPENLINEAGE__TRANSPORT__{key}": value for key, value in variables.items()
    }
    environment |= {} if url is None else {"OPENLINEAGE_URL": url}
    if transport is not None:
        written(folder, {"transport": transport})
    before = Path.cwd()
    os.chdir(folder)
    try:
        with mock.patch.dict(os.environ, environment, clear=True):
            client = OpenLineageClient(transport=NoopTransport(NoopConfig()))
            theirs = client.config.transport or {}
    finally:
        os.chdir(before)
    expected: list[tuple[str, str]] | None = None
    if not theirs.get("type"):
        expected = [] if url is None else [("http", url)]
    elif theirs["type"] == "composite":
        parts = theirs.get("transports")
        if (
            isinstance(parts, dict)
            and parts
            and all(isinstance(p, dict) and p.get("type") == "http" for p in parts.values())
        ):
            expected = [(name, part.get("url", "")) for name, part in parts.items()]
    elif theirs["type"] == "http":
        expected = [("http", theirs.get("url", ""))]
    try:
        found = [(each.name, each.options.get("url", "")) for each in read(folder, environment).transports]
    except BadClientSettings:
        assert expected is None or (expected == [] and theirs)
        return
    assert expected is None or found == expected


def test_the_file_is_found_where_the_client_finds_it(tmp_path: Path) -> None:
    folder, home, named = tmp_path / "work", tmp_path / "home", tmp_path / "named.yml"
    (home / ".openlineage").mkdir(parents=True)
    folder.mkdir()
    environment = {"HOME": str(home)}

    def url() -> str:
        (found,) = client_settings(environment, folder).transports
        return found.options["url"]

    (home / ".openlineage/openlineage.yml").write_text(
        yaml.safe_dump({"transport": HTTP | {"url": "http://home"}})
    )
    assert url() == "http://home"
    (folder / "openlineage.yml").write_text(yaml.safe_dump({"transport": HTTP | {"url": "http://folder"}}))
    assert url() == "http://folder"
    named.write_text(yaml.safe_dump({"transport": HTTP | {"url": "http://named"}}))
    environment["OPENLINEAGE_CONFIG"] = str(named)
    assert url() == "http://named"
    named.unlink()
    with pytest.raises(BadClientSettings, match="cannot be read"):
        url()


def test_without_settings_there_is_a_file_and_disabled_there_is_nothing(tmp_path: Path) -> None:
    (file,) = opened(read(tmp_path, {"HOME": str(tmp_path)}), tmp_path / "openlineage")
    assert file.target == str(tmp_path / "openlineage/events.jsonl")
    assert opened(read(tmp_path, {"OPENLINEAGE_DISABLED": "True"}), tmp_path) == []


def test_each_part_of_a_composite_is_a_destination_of_its_own(tmp_path: Path) -> None:
    parts = {
        "marquez": HTTP | {"auth": {"type": "api_key", "apiKey": SECRET}},
        "lines": {"type": "file", "log_file_path": str(tmp_path / "lines.jsonl"), "append": True},
        "nothing": {"type": "noop"},
        "printed": {"type": "console"},
        "inner": {"type": "composite", "transports": [{"type": "async_http", "url": "http://other"}]},
    }
    settings = read(tmp_path, written(tmp_path, {"transport": {"type": "composite", "transports": parts}}))
    found = {each.name: each.target for each in opened(settings, tmp_path)}
    assert found == {
        "marquez": "http://catalog:5000/api/v1/lineage",
        "lines": str(tmp_path / "lines.jsonl"),
        "printed": "console",
        "async_http": "http://other/api/v1/lineage",
    }
    assert SECRET not in repr(settings)


def test_parts_of_one_name_are_told_apart(tmp_path: Path) -> None:
    parts = [HTTP, HTTP | {"url": "http://other"}]
    settings = read(tmp_path, written(tmp_path, {"transport": {"type": "composite", "transports": parts}}))
    assert [each.name for each in settings.transports] == ["http-1", "http-2"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("transport: {type: http\n url: 'x", ["is no YAML", "openlineage.yml:2"]),
        ("- a list", ["holds no keys", "list"]),
        ({"transprt": HTTP}, ["no section 'transprt'", "Did you mean 'transport'?"]),
        ({"transport": "http"}, ["holds no keys"]),
        ({"transport": {"url": "http://x"}}, ["has no type"]),
        ({"transport": {"type": "htpp"}}, ["no OpenLineage transport 'htpp'", "'http'"]),
        ({"transport": {"type": "os.path"}}, ["no OpenLineage transport 'os.path'"]),
        ({"transport": {"type": "http"}}, ["URL", "cannot be used"]),
        ({"transport": HTTP | {"url": "htp://x"}}, ["Did you mean 'http'", "openlineage.yml"]),
        ({"transport": HTTP | {"url": f"http://:{SECRET}@"}}, ["cannot be used", "no host"]),
        ({"transport": HTTP | {"url": "http://127.0.0.1:0"}}, ["cannot be used", "the port 0"]),
        ({"transport": HTTP | {"url": "http://127.0.0.1:99999"}}, ["cannot be used", "cannot be read"]),
        ({"transport": HTTP | {"url": f"http://user:{SECRET}@host:port"}}, ["cannot be used"]),
        ({"transport": HTTP | {"timout": 3}}, ["no setting 'timout'", "Did you mean 'timeout'?"]),
        ({"transport": HTTP | {"timeout": "soon"}}, ["timeout", "seconds above 0"]),
        ({"transport": HTTP | {"auth": {"type": "api_key", "key": SECRET}}}, ["apiKey is required"]),
        ({"transport": HTTP | {"auth": {"type": "no.such.Class", "token": SECRET}}}, ["cannot be created"]),
        ({"transport": HTTP | {"compression": "zip"}}, ["cannot be created"]),
        ({"transport": {"type": "kafka", "topic": "t"}}, ["lacks its broker"]),
        ({"transport": {"type": "file", "append": True}}, ["log_file_path"]),
        ({"transport": {"type": "composite"}}, ["has no transports"]),
        ({"transport": {"type": "composite", "transports": [{"url": "x"}]}}, ["Part 1", "no type"]),
        (
            {"transport": {"type": "composite", "transports": [HTTP], "continue_on_success": False}},
            ["continue_on_success"],
        ),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_without_secrets(
    tmp_path: Path, config: Any, words: list[str]
) -> None:
    environment = written(tmp_path, config)
    with pytest.raises(BadClientSettings) as told:
        opened(read(tmp_path, environment), tmp_path)
    text = str(told.value)
    assert all(word in text for word in words) and SECRET not in text
    assert told.value.where is not None and str(tmp_path) in told.value.where


def test_a_single_url_has_its_token_and_endpoint(tmp_path: Path) -> None:
    environment = {
        "HOME": str(tmp_path), "OPENLINEAGE_URL": "http://user:pass@catalog:5000", "OPENLINEAGE_ENDPOINT": "lineage",
        "OPENLINEAGE_API_KEY": SECRET,
    }  # fmt: skip
    settings = read(tmp_path, environment)
    (found,) = opened(settings, tmp_path)
    assert found.target == "http://catalog:5000/lineage"
    assert settings.transports[0].options["auth"]["apiKey"] == SECRET


def test_the_client_reads_the_same_url(tmp_path: Path) -> None:
    environment = {"OPENLINEAGE_URL": "http://catalog:5000", "HOME": str(tmp_path)}
    with mock.patch.dict(os.environ, environment, clear=True):
        transport = OpenLineageClient().transport
    assert isinstance(transport, HttpTransport)
    assert transport.url == read(tmp_path, environment).transports[0].options["url"]


@pytest.mark.parametrize("namespace", ["my shop", "shop\n", "käse", "a=b", "a" * 1025])
def test_a_namespace_that_catalogs_would_change_is_refused_before_anything_is_begun(
    tmp_path: Path, namespace: str
) -> None:
    emission = Emission(tmp_path / "openlineage", {"HOME": str(tmp_path), "OPENLINEAGE_NAMESPACE": namespace})
    lake = Lake(str(tmp_path / "lake"))
    asked: list[Callable[[], object]] = [
        lambda: emission.options, lambda: emission.stream(lake), lambda: emission.delivery(lake),
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(BadClientSettings, match=r"letters, digits|1,024") as told:
            ask()
        assert told.value.where == "OPENLINEAGE_NAMESPACE"


@given(location=st.text(min_size=1, max_size=2000))
def test_law_the_namespace_that_a_code_location_gives_is_one_that_catalogs_take(location: str) -> None:
    namespace = EventOptions(location).jobs
    assert why_no_namespace(namespace) is None
    assert namespace == location or why_no_namespace(location) is not None


def test_sections_without_effect_are_named(tmp_path: Path) -> None:
    config = {"transport": HTTP, "filters": [{"type": "exact", "match": "x"}]}
    assert read(tmp_path, written(tmp_path, config)).unused == ("filters",)
    assert json.dumps(read(tmp_path, written(tmp_path, {})).unused) == "[]"
