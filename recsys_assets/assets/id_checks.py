"""Checks of ids that several tables have: ids that a spreadsheet cut, and ids that are written in several ways."""

from __future__ import annotations

from recsys_assets.shop.alike_ids import alike_sql
from recsys_assets.shop.shop_rules import SCIENTIFIC
from recsys_lineage.assets.checks import OUTPUT, TableCheck


def no_scientific_ids(*columns: str) -> TableCheck:
    """Warning for ids that lost their last digits in a spreadsheet."""
    broken = " OR ".join(f"regexp_full_match({column}, '{SCIENTIFIC}')" for column in columns)
    return TableCheck(
        "no_id_in_scientific_notation",
        "no id is a number like 4.00638E+12, whose last digits a spreadsheet dropped: several ids may have become one",
        f"SELECT * FROM {OUTPUT} WHERE {broken}",
    )


def no_alike_ids(column: str) -> TableCheck:
    """Warning for ids that are probably one, written in several ways."""
    return TableCheck(
        "ids_are_written_in_one_way",
        "no two ids differ only in case, in zeros before them or in letters that look alike; else each is a customer "
        "or a product of its own: lower(…) or ltrim(…, '0') in the source's SQL makes them one",
        f"""SELECT min({column}) AS {column}, count(*) AS ways FROM {OUTPUT}
        GROUP BY {alike_sql(column)} HAVING count(*) > 1""",
    )
