"""Roles: which column of a shop's files is the customer, the product, the time, guessed by names and values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from recsys_assets.proposal.sampled_column import SampledColumn
from recsys_assets.proposal.sampled_files import SampledFiles

RawTable = Literal["raw_events", "raw_items", "raw_users", "raw_promotions"]

# Ways in which shops write the canonical columns, most telling first. Compared without case, spaces and punctuation.
_IDS: Mapping[str, tuple[str, ...]] = {
    "user_id": (
        "userid", "customerid", "customer", "custid", "customernumber", "customerno", "visitorid", "visitor",
        "clientid", "memberid", "householdid", "household",
        "buyerid", "shopperid", "accountid", "user", "client", "buyer", "uid",
        "kundennummer", "kundennr", "kundenid", "kunde", "clienteid", "idclient",
    ),
    "item_id": (
        "itemid", "productid", "product", "sku", "stockcode", "articleid", "articlenumber", "productcode", "variantid",
        "lineitemsku", "item", "article", "asin", "parentasin", "goodsid", "movieid", "trackid", "bookid", "isbn",
        "artikelnummer", "artikelnr", "artikelid", "artikel", "idproduct", "idproduit", "iid",
    ),
}  # fmt: skip
_EVENT: Mapping[str, tuple[str, ...]] = {
    **_IDS,
    "event_time": (
        "eventtime", "timestamp", "datetime", "transactiontimestamp", "invoicedate", "orderdate", "purchasedate",
        "purchasetime", "createdat", "created", "transdate", "tdat", "orderedat", "date", "time", "ts", "bestelldatum",
        "datum", "zeitpunkt", "unixreviewtime", "fecha",
    ),
    "order_id": (
        "orderid", "ordernumber", "orderno", "invoiceno", "invoiceid", "invoice", "basketid", "transactionid",
        "receiptid", "order", "basket", "transaction", "bestellnummer", "bestellnr", "auftrag", "orderkey",
    ),
    "behaviour": (
        "event", "eventtype", "behaviour", "behavior", "behaviortype", "action", "actiontype", "activity",
    ),
    "quantity": (
        "quantity", "qty", "orderedquantity", "lineitemquantity", "units", "pieces", "menge", "anzahl", "count",
    ),
    "unit_price": ("unitprice", "itemprice", "price", "lineitemprice", "einzelpreis", "preis", "prix"),
    "amount": (
        "amount", "linetotal", "totalprice", "salesvalue", "revenue", "total", "betrag", "summe", "umsatz", "montant",
    ),
    "discount": ("discount", "discountamount", "retaildisc", "rabatt", "remise"),
    "store_id": ("storeid", "store", "shopid", "branchid", "branch", "filiale", "saleschannelid"),
}  # fmt: skip
_ITEM: Mapping[str, tuple[str, ...]] = {
    "item_id": _IDS["item_id"],
    "title": (
        "title", "productname", "itemname", "prodname", "name", "producttitle", "bezeichnung", "titel", "description",
    ),
    "department": ("department", "departmentname", "maincategory", "abteilung", "section", "sectionname"),
    "category": (
        "category", "productcategory", "categorycode", "categoryname", "categoryid", "producttype", "producttypename",
        "productgroup", "genre", "genres", "kategorie", "warengruppe", "aisle",
    ),
    "subcategory": ("subcategory", "subcategoryname", "unterkategorie"),
    "brand": ("brand", "brandname", "marke"),
    "manufacturer": ("manufacturer", "manufacturerid", "vendor", "supplier", "hersteller"),
    "package_size": ("packagesize", "size", "groesse"),
}  # fmt: skip
_USER: Mapping[str, tuple[str, ...]] = {
    "user_id": _IDS["user_id"],
    "age_group": ("agegroup", "age", "ageband", "alter"),
    "income_group": ("incomegroup", "income", "einkommen"),
    "household_size": ("householdsize", "familysize"),
    "household_type": ("householdtype", "householdcomp"),
    "home_ownership": ("homeownership",),
    "marital_status": ("maritalstatus", "familienstand"),
    "children": ("children", "kids", "kidscount", "kinder"),
    "country": ("country", "countrycode", "countryname", "shippingcountry", "billingcountry", "land", "pays"),
}  # fmt: skip
_PROMOTION: Mapping[str, tuple[str, ...]] = {
    "item_id": _IDS["item_id"],
    "store_id": _EVENT["store_id"],
    "kind": ("kind", "promotiontype", "campaigntype"),
    "display": ("display", "displaylocation"),
    "mailer": ("mailer", "mailerlocation"),
    "coupon_id": ("couponid", "couponupc", "coupon", "gutschein"),
    "campaign_id": ("campaignid", "campaign", "kampagne"),
    "start_day": ("startday", "startdate", "validfrom", "start", "von"),
    "end_day": ("endday", "enddate", "validto", "end", "bis"),
}  # fmt: skip
_NAMES: Mapping[RawTable, Mapping[str, tuple[str, ...]]] = {
    "raw_events": _EVENT,
    "raw_items": _ITEM,
    "raw_users": _USER,
    "raw_promotions": _PROMOTION,
}
_NUMBERS = ("quantity", "unit_price", "amount", "discount")
_MOST_BEHAVIOURS = 30


@dataclass(frozen=True)
class Roles:
    """What a group of files is to a table: the column of the files for each column of the raw table."""

    files: SampledFiles
    table: RawTable
    columns: Mapping[str, SampledColumn]


def roles_of(files: SampledFiles) -> list[Roles]:
    """The raw tables that a group of files can fill, each with its columns; none where nothing is recognised.

    Files with a customer and a product hold events, and may name the products and say things of the customers besides.
    Files with a product alone describe products or, with a first and a last day, promotions; those with a customer
    alone describe customers.
    """
    events = matched(files, "raw_events")
    has_user, has_item = "user_id" in events, "item_id" in events
    if has_user and has_item:
        found = [Roles(files, "raw_events", events)]
        taken = {column.name for role, column in events.items() if role not in _IDS}
        for table, least in (("raw_items", "title"), ("raw_users", "country")):
            others = {r: c for r, c in matched(files, table).items() if c.name not in taken}  # pyright: ignore[reportArgumentType]
            if least in others:
                found.append(Roles(files, table, others))  # pyright: ignore[reportArgumentType]
        return found
    if has_item:
        promotions = matched(files, "raw_promotions")
        if "start_day" in promotions and "end_day" in promotions:
            return [Roles(files, "raw_promotions", promotions)]
        return [Roles(files, "raw_items", matched(files, "raw_items"))]
    if has_user:
        return [Roles(files, "raw_users", matched(files, "raw_users"))]
    return []


def matched(files: SampledFiles, table: RawTable) -> dict[str, SampledColumn]:
    """For each column of a raw table, the column of the files that is it by its name and values."""
    found: dict[str, SampledColumn] = {}
    taken: set[str] = set()
    for role, names in _NAMES[table].items():
        candidates = [
            (rank, place)
            for place, column in enumerate(files.columns)
            if column.name not in taken
            and (rank := _rank(column.name, names)) is not None
            and _can_be(role, column)
        ]
        if candidates:
            column = files.columns[min(candidates)[1]]
            found[role] = column
            taken.add(column.name)
    if table == "raw_events" and "event_time" not in found:
        times = [c for c in files.columns if c.kind in ("time", "epoch") and c.name not in taken]
        if len(times) == 1:
            found["event_time"] = times[0]
    return found


def _rank(name: str, known: tuple[str, ...]) -> int | None:
    plain = re.sub(r"[\W_]+", "", name.casefold())
    return known.index(plain) if plain in known else None


def _can_be(role: str, column: SampledColumn) -> bool:
    if column.kind == "nothing":
        return False
    if role == "event_time":
        return column.kind in ("time", "day", "epoch")
    if role in ("start_day", "end_day"):
        return column.kind in ("time", "day", "epoch", "text")
    if role in _NUMBERS:
        return column.kind == "number"
    if role == "behaviour":
        return column.kind == "text" and column.distinct <= _MOST_BEHAVIOURS
    return True
