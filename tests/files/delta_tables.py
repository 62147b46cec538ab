"""Delta tables as other programs write them."""

from __future__ import annotations

import json
import string
import struct
from pathlib import Path


def delete_rows_0_and_2(table: Path, version: int = 0) -> None:
    """Marks rows of the file that a version of a Delta table added as deleted, in the form of Delta's protocol."""
    bitmap = struct.pack(
        "<IIHHIHH", 12346, 1, 0, 1, 16, 0, 2
    )  # 12346: Roaring without runs; one container of two
    vector = struct.pack("<Iqi", 1681511377, 1, 0) + bitmap
    log = table / "_delta_log" / f"{version:020d}.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, **features}
    lines = [{"protocol": protocol}, *(line for line in lines if "protocol" not in line)]
    for line in lines:
        if "add" in line:
            line["add"]["deletionVector"] = {
                "storageType": "i",
                "pathOrInlineDv": z85(vector),
                "sizeInBytes": len(vector),
                "cardinality": 2,
            }
    log.write_text("\n".join(map(json.dumps, lines)) + "\n")


def z85(content: bytes) -> str:
    """Bytes in ZeroMQ's Base85, four in five characters."""
    digits = f"0123456789{string.ascii_lowercase}{string.ascii_uppercase}.-:+=^!/*?&<>()[]{{}}@%$#"
    words = struct.unpack(f">{len(content) // 4}I", content)
    return "".join(digits[word // 85**place % 85] for word in words for place in (4, 3, 2, 1, 0))
