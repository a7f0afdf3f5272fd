"""Write docs/report.schema.json, the JSON Schema of report.json, from the classes that it is read into.

python docs/make_schema.py
"""

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec
from edgeproof.report.model import Report

SCHEMA = Path(__file__).with_name("report.schema.json")


def schema() -> dict[str, Any]:
    """Return the schema, with the classes' docstrings for descriptions."""
    found = msgspec.json.schema(Report)
    for definition in found["$defs"].values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(schema(), indent=1) + "\n", encoding="utf-8")
