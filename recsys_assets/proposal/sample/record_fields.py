"""Fields of nested records, by names that say what they hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from recsys_assets.proposal.names.built_names import is_a_list_of_things
from recsys_assets.proposal.names.known_names import EVENT, IDS, known_role, plain_name, role_rank

Path: TypeAlias = tuple[str, ...]
"""Path of keys to a field of a record."""
DEEPEST = 6
"""Number of keys of the longest path; what is deeper stays a text."""
ELEMENT = "item_id"
"""Name of the products in a list without records."""
_WRAPPERS = (
    "source", "payload", "data", "properties", "fields", "record", "value", "after", "body", "attributes", "detail",
    "doc", "document", "params", "node", "message", "eventdata", "eventproperties", "eventparams",
)  # fmt: skip
"""Names of objects that exports and queues wrap a record in."""
_OF_MONEY = ("amount", "value", "shopmoney")
"""Names of the keys below that of a price, beside the currency."""
_OTHER_THINGS = re.compile(
    "refund|return|cancel|remov|delet|recommend|relat|suggest|similar|wish|compar|back.?order"
)
_NUMBERS = ("quantity", "unit_price", "amount", "discount")


def named_fields(paths: Iterable[Path]) -> dict[str, Path]:
    """The fields at some paths by their names: the keys with points between them, in the order of the paths.

    What says nothing is no part of the name: an object that only wraps another one (`_source`, `payload`), a key that
    gives a type (`$oid`), and the key of a price's amount beside its currency (`price.amount`).

    >>> named_fields([("_source", "sku"), ("price", "amount"), ("price", "currency")])
    {'sku': ('_source', 'sku'), 'price': ('price', 'amount'), 'price.currency': ('price', 'currency')}
    """
    order = [*dict.fromkeys(paths)]
    names: dict[str, Path] = {}
    for path in sorted(order, key=len):
        keys = [key for key in path if not key.startswith("$")]
        inside = keys[1:] if len(keys) > 1 and plain_name(keys[0]) in _WRAPPERS else []
        ways = [
            way
            for each in (inside, keys)
            for way in (_of_units(each, path, order) or _of_money(each), each)
            if way
        ]
        name = next((text for way in ways if (text := ".".join(way)) not in names), None)
        if name is not None:
            names[name] = path
    return dict(sorted(names.items(), key=lambda each: order.index(each[1])))


def _of_units(keys: list[str], path: Path, paths: Collection[Path]) -> list[str]:
    """The keys of a price, where the last one leads to its whole units beside billionths, as in Google's money."""
    is_money = keys[-1:] == ["units"] and (*path[:-1], "nanos") in paths
    return keys[:-1] if is_money and known_role(".".join(keys[:-1])) in _NUMBERS else []


def _of_money(keys: list[str]) -> list[str]:
    """The keys up to that of a price, where the others only lead to its amount; empty if they do not."""
    above = [*keys]
    while len(above) > 1 and plain_name(above[-1]) in _OF_MONEY:
        above.pop()
    if (
        len(above) > 1 and plain_name(above[-1]) == "centamount"
    ):  # as commercetools writes 12.09: 1209, with two digits
        return _of_cents([*above[:-1]])
    if len(above) < len(keys) and above[-1].casefold().removesuffix("money") != above[-1].casefold():
        return _of_cents([*above[:-1], above[-1][: -len("money")].rstrip("_")])  # as Square writes them
    if len(above) == len(keys) or known_role(".".join(keys)) is not None:
        return []
    name = ".".join(above)
    for shorter in (name, name.removesuffix("Set").removesuffix("_set")):
        if known_role(shorter) in _NUMBERS:
            return shorter.split(".")
    return []


def _of_cents(keys: list[str]) -> list[str]:
    """The keys of a price or an amount whose number is in cents, which its name says then; empty for another number."""
    while len(keys) > 1 and plain_name(keys[-1]) in _OF_MONEY:
        keys.pop()
    return [*keys[:-1], f"{keys[-1]}_cents"] if known_role(f"{'.'.join(keys)}_cents") in _NUMBERS else []


def is_a_thing(name: str) -> bool:
    """Whether a field is named like a product's id."""
    return role_rank("item_id", name, IDS["item_id"]) is not None and name not in EVENT["behaviour"]


def is_a_person(name: str) -> bool:
    """Whether a field is named like a customer's id."""
    return role_rank("user_id", name, IDS["user_id"]) is not None


def fields_of_things(listed: str, fields: Mapping[str, Path]) -> dict[str, Path]:
    """The fields of a list's records, among them the product's id, which is only called so in a list of products."""
    if are_things(listed) and "id" in fields and not any(map(is_a_thing, fields)):
        return {ELEMENT if name == "id" else name: path for name, path in fields.items()}
    return {**fields}


def fields_of_orders(listed: str, fields: Mapping[str, Path]) -> dict[str, Path]:
    """The fields of a list's records, among them the order's id, which is only called so in a list of orders."""
    if are_orders(listed) and "id" in fields and not any(known_role(name) == "order_id" for name in fields):
        return {"order_id" if name == "id" else name: path for name, path in fields.items()}
    return {**fields}


def are_orders(listed: str) -> bool:
    """Whether a list is named like orders, as `orders` and `purchase_history` are.

    >>> are_orders("orders"), are_orders("data.past_purchases"), are_orders("actionDetails"), are_orders("shipments")
    (True, True, False, False)
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", listed.rpartition(".")[2]).casefold()
    return any(
        role_rank("order_id", each, EVENT["order_id"]) is not None or each in ("purchase", "sale", "checkout")
        for word in re.split(r"[\W_]+", words)
        for each in (word, word.removesuffix("s"), word.removesuffix("n"))
        if word
    )


def are_things(name: str) -> bool:
    """Whether a list without records is named like products, as `product_ids` and `items` are, and `tags` is not."""
    return is_a_list_of_things(plain_name(name)) or is_a_thing(name)


def is_of_other_things(listed: str) -> bool:
    """Whether a list is, by its name, one of products that this record did not sell, such as `refunded_items`."""
    return _OTHER_THINGS.search(listed.casefold()) is not None


def called_besides(
    inner: Iterable[str], others: Collection[str], listed: str, either: Iterable[str]
) -> dict[str, str]:
    """Field of a list's records → its name beside the fields of the whole record.

    Args:
        inner: fields of the list's records.
        others: fields of the whole record.
        listed: name of the list.
        either: fields that stand in the list, or in the record where that has no list.
    """
    return {key: f"{listed}.{key}" if key in others and key not in {*either} else key for key in inner}
