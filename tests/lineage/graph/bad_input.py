"""Bad input: words, lakes and files that no question can be answered for, for each command that takes such."""

from __future__ import annotations

TARGETS = [
    "nothing_of_that_name", "shop", "orders@77", "orders@x", "orders.shp", "orders@0.shp", "orders[fri]", "daily[fri]",
    "elsewhere::orders", "file:", "file:order.csv", "file:orders.csv@ffff", "run:", "run:ffff", "record:",
    "record:ffff", "dataset:x::y", "", " ", "ordérs", "'orders'", "orders;", "a.b.c", "SELECT 1",
]  # fmt: skip
"""Nothing of the shop is called so."""
MOMENTS = ["2026-13-01", "yesterday", "orders@77", "run:ffff", ""]
ROWS = [
    ["shops", "shop=zzz"], ["shops", "shop"], ["shops", "shop='a'"], ["shops", "shop=ä"], ["shops", "shop=\"a"],
    ["orders", "shop=a"], ["orders", "id=abc"], ["orders", "id==1"], ["orders", "idd=1"], ["orders", "=1"],
    ["orders", "id=1", "id=2"], ["orders", "id=99999999999999999999999"], ["orders@77", "id=1"], ["orders@x", "id=1"],
    ["shops.shop", "shop=a"], ["shops[a]", "shop=a"], ["shops"], ["shps", "shop=a"], ["", "id=1"],
    ["file:", ], ["file:nothing.csv"], ["file:nothing.csv:3"], ["file:orders.csv:3-2"], ["file:orders.csv:0"],
    ["file:orders.csv", "id=1"], ["orders@0", "id=1", "--forward"], ["shops", "shop=zzz", "--forward"],
]  # fmt: skip


def questions() -> list[list[str]]:
    """Each command with words that it cannot know; those that find what is meant in the same way share most of them."""
    found = [["upstream", target] for target in TARGETS]
    some = [*TARGETS[:3], "orders.shp", ""]
    found += [[command, target] for command in ("downstream", "columns", "impact") for target in some]
    found += [["paths", target, "orders"] for target in some] + [
        ["paths", "orders", target] for target in some
    ]
    found += [["diff", target] for target in [*some, "report", "orders.shop", "daily[mon]", "run:ffff"]]
    found += [["diff", "orders", target] for target in ("shops", "orders@77", "file:orders.csv", "")]
    found += [["asof", moment] for moment in MOMENTS]
    found += [["upstream", "orders", "--at", moment] for moment in MOMENTS[:2]]
    found += [["rows", *words] for words in ROWS]
    found += [
        ["runs", target]
        for target in ("nothing_of_that_name", "orders@77", "orders.shop", "run:ffff", "run:")
    ]
    found += [["tags", target] for target in ("nothing_of_that_name", "orders.shp", "")]
    found += [["verify", target, "--no-reads"] for target in ("nothing_of_that_name", "orders@x", "")]
    return found
