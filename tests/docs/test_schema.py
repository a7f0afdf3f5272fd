"""The documented schema is that of the classes, and of what is written."""

import json

from edgeproof.report.model import Report
from edgeproof.report.serialization import to_json

from studies.pages.schema import SCHEMA, schema


def test_the_schema_is_that_of_the_classes() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json.loads(json.dumps(schema()))


def test_every_part_is_described() -> None:
    definitions = schema()["$defs"]
    assert {"Report", "VariantRow", "Timing", "LabelledComparison"} <= set(definitions)
    for name, definition in definitions.items():
        for attribute in definition.get("properties", {}):
            if attribute not in ("schema_version", "kind", "words"):
                assert f"{attribute}:" in definition["description"], f"{name}.{attribute}"


def test_a_report_has_the_parts_of_the_schema(report: Report) -> None:
    definitions = schema()["$defs"]
    document = json.loads(to_json(report))
    assert set(document) == set(definitions["Report"]["properties"])
    assert set(document["rows"][0]) == set(definitions["VariantRow"]["properties"])
    assert set(document["rows"][0]["timings"][0]) == set(definitions["Timing"]["properties"])
