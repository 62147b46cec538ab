"""Behaviours: words of shops for the actions of customers, mapped to the platform's words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from recsys_assets.proposal.sample.sampled_column import SampledColumn

_BEHAVIOURS: Mapping[str, tuple[str, ...]] = {
    "view": (
        "view", "view_item", "product viewed", "product_viewed", "viewed product", "page view", "pageview",
        "page_view", "productview", "click", "clk", "pv", "detail", "viewed", "clicked",
    ),
    "impression": ("impression", "product impression", "exposure", "shown", "imp", "view_item_list"),
    "cart": (
        "cart", "product added", "product_added", "added to cart", "add to cart", "addtocart", "add_to_cart",
        "basket", "add", "addtobasket", "add_to_basket", "abandoned cart", "abandoned basket", "cart abandoned",
        "checkout started", "begin checkout",
    ),
    "purchase": (
        "purchase", "purchased", "order completed", "order_completed", "completed order", "placed order",
        "ordered product", "order placed", "checkout completed", "transaction", "buy", "order", "bought", "sale",
        "checkout", "conversion", "payment", "sale line", "sale item", "sales line", "order line", "order item",
        "line item",
    ),
    "wishlist": (
        "wishlist", "add_to_wishlist", "product added to wishlist", "fav", "favorite", "favourite", "like", "save",
    ),
    "return": ("return", "order refunded", "order_refunded", "refund", "returned", "refunded"),
}  # fmt: skip
_OF_ANYTHING = ("product", "products", "item", "items", "ecommerce", "to", "the", "a", "an")
"""Words that do not identify a behaviour."""


def _bare(text: str) -> str:
    """One or several words in lower case, separated by one blank.

    >>> _bare("Product_Added"), _bare("addToCart")
    ('product added', 'add to cart')
    """
    return " ".join(
        re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.strip()).replace("_", " ").replace("-", " ").split()
    ).casefold()


def _essence(text: str) -> str:
    return " ".join(word for word in _bare(text).split() if word not in _OF_ANYTHING)


_WORD_OF = {spelled: word for word, ways in _BEHAVIOURS.items() for spelled in ways}
_WORD_OF |= {_essence(spelled): word for spelled, word in _WORD_OF.items() if _essence(spelled)}
_IN_NAMES: Mapping[str, str] = {
    "view": "views?|clicks?|pageviews?",
    "impression": "impressions?|exposures?",
    "cart": "carts?|baskets?",
    "purchase": "purchases?|buys?|orders?|sales|transactions?",
    "wishlist": "wishlists?|favou?rites?",
    "return": "returns?|refunds?",
}
"""Words of file names, in this order, because `cart_orders` and `view_purchases` are unlikely."""


def mapped_behaviours(column: SampledColumn, values: Sequence[str]) -> dict[str, str]:
    """The platform's words for the known values of a column that differ from them."""
    found = {value: known_behaviour(value) for value in values}
    return {value: word for value, word in found.items() if word and word != value}


def known_behaviour(value: str) -> str:
    """The platform's word for a shop's word, singular or plural; empty if unknown."""
    plain = value.strip().casefold()
    for way in (plain, plain.removesuffix("s"), _bare(value), _essence(value)):
        if word := _WORD_OF.get(way):
            return word
    return ""


def named_behaviour(pattern: str) -> str:
    """The behaviour in file names, as a whole word; empty if there is none or several.

    >>> named_behaviour("train-item-views.csv"), named_behaviour("reviews.csv")
    ('view', '')
    """
    folders, _, name = pattern.casefold().rpartition("/")
    for part in (re.sub(r"\.\w+$", "", name), folders):
        words = re.findall("[a-z]+", part)
        meant = {behaviour for behaviour, known in _IN_NAMES.items() for w in words if re.fullmatch(known, w)}
        if meant:
            return meant.pop() if len(meant) == 1 else ""
    return ""
