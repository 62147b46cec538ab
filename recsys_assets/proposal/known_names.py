"""KnownNames: the ways in which shops write the canonical columns, and the columns of files that they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from unicodedata import combining, normalize

from recsys_assets.proposal.built_names import built_rank

RawTable = Literal["raw_events", "raw_items", "raw_users", "raw_promotions"]

# Ways in which shops write the canonical columns, most telling first. Compared without case, accents, spaces and
# punctuation.
IDS: Mapping[str, tuple[str, ...]] = {
    "user_id": (
        "userid", "customerid", "customer", "custid", "customernumber", "customerno", "visitorid", "visitor",
        "clientid", "memberid", "householdid", "household",
        "buyerid", "shopperid", "accountid", "user", "client", "buyer", "uid",
        "kundennummer", "kundennr", "kundenid", "kunde", "clienteid", "idclient", "klantid", "klantnummer",
        "customeruserid", "userpseudoid", "anonymousid", "domainuserid", "fullvisitorid", "profileid", "contactid",
        "codeclient", "idcliente", "cliente", "codicecliente", "email", "emailaddress", "customeremail", "useremail",
        "buyeremail", "billingemail", "kaufernr", "kaufernummer", "kauferid", "kaufer", "loyaltyid",
        "loyaltynumber", "membershipnumber",
    ),
    "item_id": (
        "itemid", "productid", "product", "sku", "stockcode", "articleid", "articlenumber", "productcode", "variantid",
        "lineitemsku", "item", "article", "asin", "parentasin", "goodsid", "movieid", "trackid", "bookid", "isbn",
        "artikelnummer", "artikelnr", "artikelid", "artikel", "idproduct", "idproduit", "iid", "ean", "gtin", "upc",
        "barcode", "produit", "codeproduit", "codearticle", "producto", "idproducto", "prodotto", "articulo",
        "itemsitemid", "plu", "plucode", "plunumber", "aid", "lineitemproductid", "productreference",
        "referenceproduit", "reference",
    ),
}  # fmt: skip
EVENT: Mapping[str, tuple[str, ...]] = {
    **IDS,
    "event_time": (
        "eventtime", "eventtimestamp", "timestamp", "datetime", "transactiontimestamp", "invoicedate", "orderdate",
        "purchasedate", "purchasetime", "createdat", "created", "transdate", "tdat", "orderedat", "date", "time",
        "ts", "bestelldatum", "datum", "zeitpunkt", "unixreviewtime", "fecha", "collectortstamp", "derivedtstamp",
        "originaltimestamp", "servertime", "occurredat", "placedat", "processedat", "kaufdatum", "rechnungsdatum",
        "belegdatum", "orderdatum", "besteldatum", "datecommande", "datedecommande", "datecreation",
        "datedecreation", "fechapedido", "dataordine",
    ),
    "order_id": (
        "orderid", "ordernumber", "orderno", "invoiceno", "invoiceid", "invoice", "basketid", "transactionid",
        "receiptid", "order", "basket", "transaction", "bestellnummer", "bestellnr", "auftrag", "orderkey",
        "amazonorderid", "commande", "ndecommande", "numerodecommande", "pedido", "idpedido", "numeropedido", "ordine",
        "ecommercetransactionid", "receiptno", "receiptnumber", "billno", "billnumber", "belegnr", "belegnummer",
        "bonnr", "bonnummer", "rechnungsnr", "rechnungsnummer", "auftragsnr", "auftragsnummer", "ordernr",
        "factuurnummer", "numerofacture", "numerofactura",
    ),
    "behaviour": (
        "event", "eventtype", "eventname", "behaviour", "behavior", "behaviortype", "action", "actiontype", "activity",
    ),
    "quantity": (
        "quantity", "qty", "orderedquantity", "lineitemquantity", "units", "pieces", "menge", "anzahl", "count",
        "quantite", "cantidad", "quantita", "aantal",
    ),
    "unit_price": ("unitprice", "itemprice", "price", "lineitemprice", "einzelpreis", "preis", "prix", "itemcost",
        "prixunitaire", "precio", "preciounitario", "prezzo", "prijs"),
    "amount": (
        "amount", "linetotal", "totalprice", "salesvalue", "revenue", "total", "betrag", "summe", "umsatz", "montant",
    ),
    "discount": ("discount", "discountamount", "retaildisc", "rabatt", "remise"),
    "store_id": ("storeid", "store", "shopid", "branchid", "branch", "filiale", "saleschannelid"),
}  # fmt: skip
_ITEM: Mapping[str, tuple[str, ...]] = {
    "item_id": IDS["item_id"],
    "title": (
        "title", "productname", "itemname", "prodname", "lineitemname", "name", "producttitle", "bezeichnung",
        "titel", "description",
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
    "user_id": IDS["user_id"],
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
    "item_id": IDS["item_id"],
    "store_id": EVENT["store_id"],
    "kind": ("kind", "promotiontype", "campaigntype"),
    "display": ("display", "displaylocation"),
    "mailer": ("mailer", "mailerlocation"),
    "coupon_id": ("couponid", "couponupc", "coupon", "gutschein"),
    "campaign_id": ("campaignid", "campaign", "kampagne"),
    "start_day": ("startday", "startdate", "validfrom", "start", "von"),
    "end_day": ("endday", "enddate", "validto", "end", "bis"),
}  # fmt: skip
NAMES: Mapping[RawTable, Mapping[str, tuple[str, ...]]] = {
    "raw_events": EVENT,
    "raw_items": _ITEM,
    "raw_users": _USER,
    "raw_promotions": _PROMOTION,
}


RATINGS = (
    "rating", "ratings", "stars", "score", "overall", "bookrating", "reviewscore", "reviewrating", "userrating",
    "movierating", "ratingvalue", "bewertung", "note",
)  # fmt: skip
"""Columns that say how much something was liked."""


def rank_of(name: str, known: tuple[str, ...]) -> int | None:
    """How telling a name is, 0 the most, among those of a canonical column; None where it is none of them."""
    plain = plain_name(name)
    return known.index(plain) if plain in known else None


def role_rank(role: str, name: str, known: tuple[str, ...]) -> int | None:
    """How telling a name is for a canonical column, 0 the most; None where it does not name it.

    Known names come before those that are put together from words.
    """
    rank = rank_of(name, known)
    if rank is not None:
        return rank
    built = built_rank(role, plain_name(name))
    return None if built is None else len(known) + built


def plain_name(name: str) -> str:
    """A name in small letters, without accents, signs, a unit in brackets, and a type such as `:token`."""
    without_unit = re.sub(r"\(.*?\)|\[.*?\]|:\w+$", "", name.casefold())
    bare = "".join(letter for letter in normalize("NFKD", without_unit) if not combining(letter))
    return re.sub(r"[\W_]+", "", bare)


def known_role(name: str) -> str | None:
    """A canonical column that a name may stand for; None where none is known."""
    for columns in NAMES.values():
        for role, known in columns.items():
            if role_rank(role, name, known) is not None:
                return role
    return None
