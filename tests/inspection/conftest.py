import pytest

from tests.helpers.tflite_files import TfliteBuilder


@pytest.fixture
def tflite() -> TfliteBuilder:
    return TfliteBuilder(pytest.importorskip("ai_edge_litert.schema_py_generated"))
