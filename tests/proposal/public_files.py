"""Made-up lines of shops' files, and a proposal for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from recsys_assets.proposal.names.named_columns import NamedColumn
from recsys_assets.proposal.proposal import Proposal, propose

START = datetime(2019, 10, 1, 9, 30, tzinfo=timezone.utc)
AT = [START + timedelta(hours=7 * n) for n in range(60)]


def proposed(root: Path, files: Mapping[str, str | bytes], columns: Sequence[str] = ()) -> Proposal:
    """A proposal for files below `root`/data, written to `root`/source."""
    for name, content in files.items():
        path = root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    proposal = propose("A shop", [root / "data"], [NamedColumn.of(text) for text in columns])
    proposal.write(root / "source")
    return proposal


def lines(template: str, rows: int = 60) -> str:
    """Lines of a user `{u}`, an item `{i}`, a rating `{r}`, a moment `{t}` and its seconds `{s}`."""
    return "".join(
        template.format(u=n % 7, i=n % 11, r=n % 5 + 1, t=at, s=int(at.timestamp())) + "\n"
        for n, at in enumerate(AT[:rows])
    )


def notes_of(proposal: Proposal) -> str:
    """All notes of a proposal, a line each."""
    return "\n".join(proposal.notes)
