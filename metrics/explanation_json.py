"""explain.json: written from an explanation, and read back without trust."""

import json
from pathlib import Path
from typing import Any

from ..runtime.errors import EdgeproofError, InvalidFileError
from ..runtime.io.checked_json import MAX_JSON_BYTES, parse
from ..runtime.io.decode import decode, encode
from ..runtime.io.files import read_file
from .explanation import SCHEMA_VERSION, Explanation

EXPLANATION_NAME = "explain.json"


def document(explanation: Explanation) -> dict[str, Any]:
    """Return the object in `explain.json`."""
    return {"schema_version": SCHEMA_VERSION, **encode(explanation)}


def to_json(explanation: Explanation) -> str:
    """Return the text of `explain.json`."""
    return json.dumps(document(explanation), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_explanation(path: Path) -> Explanation:
    """Read an explanation from its file.

    Raises:
        InvalidFileError: It is missing, of another schema version, or not an explanation.
    """
    content = read_file(path, "explanation", max_bytes=MAX_JSON_BYTES)
    try:
        node = parse(content, "the explanation")
        version = node.get("schema_version").integer(minimum=0)
        if version != SCHEMA_VERSION:
            raise InvalidFileError(
                f"it has schema version {version}; this edgeproof reads {SCHEMA_VERSION}: run `edgeproof explain` again"
            )
        return decode(Explanation, node)
    except EdgeproofError as error:
        raise InvalidFileError(f"{path}: {error}") from None
