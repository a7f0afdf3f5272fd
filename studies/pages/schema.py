"""The JSON Schema of report.json, docs/report.schema.json, from the classes that a report is read into.

python -m studies.pages.schema
"""

import argparse
import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from edgeproof.report.model import Report

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"


def schema() -> dict[str, Any]:
    """Return the schema, with the classes' docstrings as descriptions."""
    found = msgspec.json.schema(Report)
    for definition in found["$defs"].values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the schema."""
    argparse.ArgumentParser(prog="python -m studies.pages.schema", description=__doc__).parse_args(arguments)
    SCHEMA.write_text(json.dumps(schema(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
