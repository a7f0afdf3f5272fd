"""JSON as the verbs print it."""

import json
from collections.abc import Mapping


def versioned_json(version: int, document: Mapping[str, object]) -> str:
    """Return a document as JSON text, with the version of its layout as the first member."""
    return json.dumps({"schema_version": version, **document}, indent=2)
