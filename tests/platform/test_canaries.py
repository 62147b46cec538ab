"""Planted values of people, and planted secrets, searched in everything that the whole small shop writes."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsys_lineage.records.records import Records
from tests.platform.conftest import Shop
from tests.platform.shop import HEADER, SOURCE, day_file, day_rows, write_day, write_shop

CUSTOMER = "zqxkunde7@example.org"
AGE, TITLE, BRAND = "Qzage 1931", 'Wvtitel "Zqbrien"', "Xqbrand"
BEHAVIOUR, MALFORMED, PRICE, LATE = "Zvbehave", "Qxmalformed", "Zqprice", "Wxlate"
CELLS = ("zqxkunde", "Qzage", "Wvtitel", "Zqbrien", "Xqbrand", "zvbehave", "Qxmalformed", "Zqprice", "Wxlate")
SECRET = "Xzqsecret91"
RECORD_TABLES = ("lineage_records", "lineage_texts")


def planted(folder: Path) -> Shop:
    """The small shop with a customer, a product, a behaviour and lines that are planted."""
    source = folder / "source"
    shutil.copytree(SOURCE, source)
    events = (source / "raw_events.sql").read_text()
    named = "CASE WHEN invoice LIKE 'Zv%' THEN invoice WHEN invoice LIKE 'C%'"
    (source / "raw_events.sql").write_text(events.replace("CASE WHEN invoice LIKE 'C%'", named))
    shop = Shop(folder / "home", write_shop(folder / "data"), source)
    for day in range(24):
        rows = [(*row[:5], CUSTOMER) if number % 9 == 0 else row for number, row in enumerate(day_rows(day))]
        rows.append((BEHAVIOUR, "i1", "1", "1.00", rows[0][4], CUSTOMER))
        rows.append((*rows[1][:3], PRICE, *rows[1][4:]))
        path = write_day(shop.data / day_file(day), rows)
        with path.open("a") as stream:
            stream.write(f"{MALFORMED}\n")
    with (shop.data / "customers.csv").open("a", newline="") as stream:
        csv.writer(stream).writerow([CUSTOMER, AGE])
    path = shop.data / "products.parquet"
    products = pq.read_table(path).to_pylist()
    products[1] |= {"name": TITLE, "brand": BRAND}
    pq.write_table(pa.Table.from_pylist(products), path)
    return shop


def written(shop: Shop) -> Iterator[tuple[str, bytes]]:
    """Everything in the home but the cells of the shop's tables: (where, bytes), databases and records unpacked."""
    for record in Records(shop.lake).read()[0]:
        yield f"record of {record.asset}", json.dumps(record.to_json(), ensure_ascii=False).encode()
    for path in sorted(each for each in shop.home.rglob("*") if each.is_file()):
        where = path.relative_to(shop.home)
        if path.suffix == ".parquet":
            if "_delta_log" in where.parts or where.parts[1] in RECORD_TABLES:
                yield str(where), json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
            continue
        yield str(where), path.read_bytes()
        if path.suffix == ".db":
            with sqlite3.connect(path) as database:
                tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                for (table,) in tables:
                    for row in database.execute(f'SELECT * FROM "{table}"'):
                        for cell in row:
                            yield f"{where}:{table}", _unpacked(cell)


def _unpacked(cell: object) -> bytes:
    if not isinstance(cell, bytes):
        return str(cell).encode()
    try:
        return zlib.decompress(cell)
    except zlib.error:
        return cell


@pytest.mark.slow
def test_nothing_planted_is_written_but_into_tables(tmp_path: Path) -> None:
    shop = planted(tmp_path)
    secrets = {"AWS_SECRET_ACCESS_KEY": SECRET, "SOME_TOKEN": SECRET}
    said = []

    def run(*arguments: str, succeeds: bool, **variables: str) -> None:
        done = shop.recsys(*arguments, **(secrets | variables))
        said.append(done.output)
        assert (done.exit_code == 0) == succeeds, done.output

    run("demo", succeeds=True)
    assert shop.rows(f"SELECT count(*) FROM {{recommendations}} WHERE user_id = '{CUSTOMER}'")[0][0] > 0
    assert (
        shop.rows(f"SELECT count(*) FROM {{interactions}} WHERE behaviour = '{BEHAVIOUR.lower()}'")[0][0] > 0
    )
    assert shop.rows(f"SELECT count(*) FROM {{rejected_rows}} WHERE raw_row LIKE '%{MALFORMED}%'")[0][0] > 0

    # a cast at which the SQL stops, a file that cannot be read, and a check that keeps a table from being written
    sql = (shop.source / "raw_events.sql").read_text()
    (shop.source / "raw_events.sql").write_text(sql.replace("    price AS", "    CAST(price AS DOUBLE) AS"))
    (shop.data / "sales-2024-01-26.csv").write_bytes(b"\x00\xff" + MALFORMED.encode() * 9)
    run("materialize", "group:raw", succeeds=False)
    write_day(shop.data / "customers.csv", [(CUSTOMER, AGE), (LATE, AGE)] * 2, (*HEADER[5:], "age"))
    (shop.source / "raw_users.sql").write_text(
        "SELECT error('no ' || customer) AS user_id, age AS age_group, _file, _line FROM read_csv('customers.csv')"
    )
    run("materialize", "raw_users", succeeds=False)
    run("materialize", "nothing", succeeds=False)
    run("status", succeeds=False, RECSYS_POSTGRES_URL=f"postgresql://shop:{SECRET}@127.0.0.1:1/none")
    failed = {record.asset for record in Records(shop.lake).read()[0] if record.status == "failed"}
    assert "raw_users" in failed

    found = {
        (canary, where)
        for where, content in written(shop)
        for canary in (*CELLS, SECRET)
        if canary.lower().encode() in content.lower()
        # what leaves for analysts is about customers; no secret may stand in it
        and not (where.startswith("reports") and canary != SECRET)
    }
    assert not found
    assert not [output for output in said if SECRET in output]
