"""Tables formatted as text."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def table_text(heads: Sequence[str], rows: Sequence[Sequence[object]], sums: Collection[str] = ()) -> str:
    """Rows below their headings, numbers right-aligned; a last line has the sums of some columns if there are several
    rows.

    Args:
        heads: the headings.
        rows: a value for each heading.
        sums: headings of the columns to sum.
    """
    listed = [list(row) for row in rows]
    if sums and len(listed) > 1:
        total: list[object] = [
            sum(int(str(row[place])) for row in listed) if head in sums else ""
            for place, head in enumerate(heads)
        ]
        total[0] = f"{len(listed)} in all"
        listed.append(total)
    texts = [list(heads), *([str(value) for value in row] for row in listed)]
    widths = [max(len(text[place]) for text in texts) for place in range(len(heads))]
    lines = [
        "  ".join(
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in texts
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
