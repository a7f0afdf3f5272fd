"""The documented schema is that of the classes, and of what is written."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from edgeproof.report.model import Report
from edgeproof.report.serialization import to_json


@pytest.fixture(scope="module")
def make_schema(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_schema", root / "docs" / "make_schema.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_schema_is_that_of_the_classes(make_schema: ModuleType) -> None:
    assert json.loads(make_schema.SCHEMA.read_text(encoding="utf-8")) == make_schema.schema()


def test_every_part_is_described(make_schema: ModuleType) -> None:
    definitions = make_schema.schema()["$defs"]
    assert {"Report", "VariantRow", "Timing", "LabelledComparison"} <= set(definitions)
    for name, definition in definitions.items():
        for attribute in definition.get("properties", {}):
            if attribute not in ("schema_version", "kind", "words"):
                assert f"{attribute}:" in definition["description"], f"{name}.{attribute}"


def test_a_report_has_the_parts_of_the_schema(make_schema: ModuleType, report: Report) -> None:
    definitions = make_schema.schema()["$defs"]
    document = json.loads(to_json(report))
    assert set(document) == set(definitions["Report"]["properties"])
    assert set(document["rows"][0]) == set(definitions["VariantRow"]["properties"])
    assert set(document["rows"][0]["timings"][0]) == set(definitions["Timing"]["properties"])
