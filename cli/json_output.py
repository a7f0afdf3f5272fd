"""JSON as the verbs print it."""

import json
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, redirect_stdout


def versioned_json(version: int, document: Mapping[str, object]) -> str:
    """Return a document as JSON text, with the version of its layout as the first member."""
    return json.dumps({"schema_version": version, **document}, indent=2)


def lines_aside(*, as_json: bool) -> AbstractContextManager[object]:
    """Send what the block prints to standard error, if standard output is for JSON alone."""
    return redirect_stdout(sys.stderr) if as_json else nullcontext()
