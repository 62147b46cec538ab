"""BuiltNames: column names composed of words, such as `CUST_CODE` or `order_purchase_timestamp`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_KEYS = "id|code|key|no|nr|num|number|sku|uuid|guid|hash|sha1|uniqueid|identifier|pseudoid|idx|index"
_PEOPLE = (
    "user|customer|cust|client|visitor|member|household|buyer|shopper|account|cookie|reviewer|profile|person|"
    "subscriber|guest|reader|listener|player|viewer"
)
_CARDS = "loyalty|member|customer|client|club|bonus|kunden|stamm|treue|payback|fidelity|fidelite"
_THINGS = (
    "item|product|prod|article|sku|goods|variant|track|song|video|movie|film|book|game|app|anime|manga|recipe|news|"
    "course|venue|poi|place|business|restaurant|hotel|listing|offer|content|artist|album|adgroup|ad"
)
_NAMED_ALONE = "product|article|sku|movie|film|song|track|book|game|video"
_OF_THINGS = f"(?:raw|main|parent|lineitems?|items?)?(?:{_THINGS})"
_HAPPENED = (
    "event|completed|placed|create|ordered|order|purchased|purchase|transaction|trans|invoice|sales|sale|sold|shopping|shop|visit|created|"
    "creation|clicked|click|viewed|view|server|utc|gmt|local|unix|epoch|reviewed|review|rating|rated|checkin|bought|"
    "buy|paid|payment|posted|added|add|logged|log|request|receipt|basket|action|activity|interaction|session"
)
_MOMENT = "datetime|timestamp|tstamp|date|time|day|dt|ts|at|on|ms"
_TAX = "(?:incl?(?:uding)?|excl?(?:uding)?|with|without)(?:tax|vat|gst)|(?:tax|vat|gst)(?:incl?|excl?)"
_OF_LINE = "orderlines?|orderitems?|invoicelines?|saleslines?|lineitems?|items?|line|row|product"
_SOLD = "sold|shipped|delivered|purchased|invoiced|ordered"
_BUILT: Mapping[str, tuple[str, ...]] = {
    "user_id": (
        f"(?:order(?:customer)?|billing|loyalty|web|sellto|soldto|billto)?(?:{_PEOPLE})(?:{_KEYS})",
        f"(?:kunden?|kd|debitoren?)(?:{_KEYS}|nummer)",
        f"(?:{_CARDS})(?:card|karten?|kort)(?:id|no|nr|num|number|nummer)?",
        "(?:cart[ae]|tarjeta|cartao|tessera)(?:de)?(?:fedelta|fidelidad|fidelidade|fidelite|cliente)",
        "(?:device|browser|amplitude|installation)id",
        "(?:session|visit)(?:id|key|no|number)?",
    ),
    "item_id": (
        f"{_OF_THINGS}(?:{_KEYS}|asin|isbn)", f"(?:artikel|art|produkt|material|teile?)(?:{_KEYS}|nummer)",
        f"(?:lineitem|item)?(?:{_NAMED_ALONE})", f"(?:parent)?skureference(?:{_KEYS})?",
        f"(?:seller|merchant|vendor|shop|offer|custom|internal|own|lazada)sku(?:{_KEYS})?",
        f"(?:orderlines?|orderitems?|invoicelines?|saleslines?|positions?)(?:{_NAMED_ALONE}|variant)(?:{_KEYS})?",
    ),
    "event_time": (f"(?:{_HAPPENED}|{_MOMENT})*(?:{_MOMENT})(?:{_HAPPENED}|{_MOMENT})*",),
    "order_id": (f"(?:sales)?(?:order|basket|invoice|transaction|trans|receipt|ticket|sale|purchase)(?:{_KEYS})",),
    "behaviour": ("(?:user|event|action|interaction|activity|feedback)(?:type|name|action|event|behaviou?r)", "btag"),
    "quantity": (f"(?:{_OF_LINE}|order|ordered)?(?:quantity|qty)(?:ordered|sold|purchased)?",
        f"(?:quantity|qty)(?:shipped|delivered)|(?:{_SOLD})(?:quantity|qty|units)"),
    "unit_price": (
        f"(?:{_OF_LINE}|unit|net|gross)?(?:unit)?price(?:each|perunit|unit|peritem|eur|usd|gbp|net|gross|amount|value|{_TAX})?",
    ),
    "amount": (
        f"(?:{_OF_LINE})(?:(?:sub)?total(?:price)?|amount|sum|revenue)(?:{_TAX})?",
        f"(?:linetotal|rowtotal|totalprice)(?:{_TAX})",
        "spend|spent",
    ),
    "discount": (f"(?:{_OF_LINE})discount(?:amount)?",),
    "store_id": (f"(?:store|branch|filiale)(?:{_KEYS})",),
    "title": (f"{_OF_THINGS}(?:id)?(?:title|name|description|desc)", "lineitems?(?:label|name|title)"),
    "department": ("department(?:id|code|name|desc)",),
    "category": (
        f"(?:{_OF_THINGS})?(?:main|primary)?(?:category|categories|genres?|cat|cate|aisle)(?:id|name|code|desc)?",
    ),
    "subcategory": (f"(?:{_OF_THINGS})?sub(?:category|cat|commodity)(?:id|name|code|desc)?",),
    "brand": (f"(?:{_OF_THINGS})?brand(?:id|name|code)?",),
    "age_group": ("(?:customer|user)?age(?:group|range|level|band|desc)?",),
    "country": ("(?:customer|user)country(?:code|name)?",),
}  # fmt: skip
"""Patterns for whole names without case, accents, spaces and punctuation, the most specific first."""
_OF_ANY_TABLE = (
    "dataset",
    "data",
    "export",
    "table",
    "tbl",
    "list",
    "all",
    "dump",
    "csv",
    "parquet",
    "json",
    "dim",
    "entity",
    "master",
)
_COMPILED = {role: tuple(re.compile(each) for each in patterns) for role, patterns in _BUILT.items()}
_OF_SOMETHING_ELSE = re.compile(
    "ship|deliver|dispatch|birth|due|expir|updat|modif|estimat|cancel|approv|regist|valid|release|upload|until|end"
)


def built_rank(role: str, plain: str) -> int | None:
    """Rank of a name for a column of a raw table, 0 the best; None if it does not name it.

    Args:
        role: the column of the raw table.
        plain: the name in lower case, without accents, spaces and punctuation.
    """
    patterns = _COMPILED.get(role, ())
    return next((rank for rank, each in enumerate(patterns) if each.fullmatch(plain)), None)


def is_called_after(stem: str) -> tuple[str, str] | None:
    """The id column that a table's last word names, `user_id` or `item_id`, with the word in the singular; None if
    neither, as for `user_orders`.
    """
    words = [word for word in re.split(r"[\W\d_]+", stem.casefold()) if word and word not in _OF_ANY_TABLE]
    last = words[-1] if words else ""
    for role, known in (("user_id", _PEOPLE), ("item_id", _THINGS)):
        if match := re.fullmatch(f"({known})s?", last):
            return role, match[1]
    return None


def is_a_list_of_things(plain: str) -> bool:
    """Whether a column's name means several products, as `items` and `product_ids` do."""
    return (
        re.fullmatch(f"(?:{_THINGS})(?:s|list|ids|idlist)|(?:basket|cart)(?:items|products)?", plain)
        is not None
    )


def is_of_a_thing(name: str) -> bool:
    """Whether a name says that it belongs to a product, as `product_title` does and `title` does not."""
    return re.match(_OF_THINGS, re.sub(r"[\W_]+", "", name.casefold())) is not None


def is_of_something_else(plain: str) -> bool:
    """Whether a column of times is, by its name, that of a delivery, a birth or a change, and not of an event."""
    return _OF_SOMETHING_ELSE.search(plain) is not None
