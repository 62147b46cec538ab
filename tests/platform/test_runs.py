"""`recsys runs` and `recsys logs`: what they say is what the records say."""

from __future__ import annotations

from tests.platform.conftest import Shop


def test_a_run_is_listed_and_its_log_has_every_table_that_it_wrote(original: Shop) -> None:
    (run, *_) = original.answer("runs")["runs"][-1:]
    assert run["state"] == "success" and run["run"]["job"] == "everything"
    log = original.answer("logs", run["id"][:8])
    written = {each["asset"]: each["version"] for each in log["records"] if each.get("version") is not None}
    tables = {name: table["version"] for name, table in original.tables().items()}
    assert log["run"] == run and written == tables
    words = original.recsys("logs", run["id"]).stdout
    assert all(name in words for name in tables)
    assert run["id"][:8] in original.recsys("runs").stdout


def test_a_failed_run_says_what_went_wrong(shop: Shop) -> None:
    (shop.data / "sales-2024-01-06.csv").write_bytes(b"")
    shop.recsys("materialize", "source_files")
    assert shop.recsys("materialize", "raw_events", "--partition", "2024-01-06").exit_code == 1
    newest = shop.answer("runs", "--limit", "1")["runs"]
    assert [run["state"] for run in newest] == ["failed"]
    assert "raw_events failed: " in shop.recsys("logs", newest[0]["id"]).stdout


def test_a_run_that_is_not_known_is_told(original: Shop) -> None:
    answer = original.recsys("logs", "no-such-run")
    assert answer.exit_code == 1 and "No run has an id that begins with 'no-such-run'" in answer.output
    assert "recsys runs lists them" in answer.output
