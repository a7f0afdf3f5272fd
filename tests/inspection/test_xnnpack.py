"""XNNPACK's share of files, on the golden ones."""

from pathlib import Path

import pytest
from edgeproof.inspection.xnnpack import delegation_of, find_delegation
from edgeproof.runtime.errors import InvalidFileError

pytestmark = pytest.mark.needs("litert")


def test_a_float_file_is_computed_in_one_part(golden: Path) -> None:
    found = find_delegation((golden / "float32.tflite").read_bytes())
    assert (found.partitions, found.outside) == (1, frozenset())
    assert {"CONV_2D", "SOFTMAX"} <= set(found.operators)


def test_int16_activations_are_not_for_xnnpack(golden: Path) -> None:
    found = find_delegation((golden / "static_wi8_ai16.tflite").read_bytes())
    assert found.outside >= {number for number, kind in enumerate(found.operators) if kind == "CONV_2D"}


def test_the_softmax_of_an_int8_file_is_outside(golden: Path) -> None:
    found = find_delegation((golden / "static_wi8_ai8.tflite").read_bytes())
    assert found.partitions == 1
    assert "SOFTMAX" in {found.operators[number] for number in found.outside}
    assert "CONV_2D" not in {found.operators[number] for number in found.outside}


def test_a_file_that_litert_does_not_accept_is_refused() -> None:
    with pytest.raises(InvalidFileError, match="LiteRT does not accept this file"):
        find_delegation(b"\x1c\0\0\0TFL3" + bytes(100))


def node(name: str, inputs: list[int], outputs: list[int]) -> dict[str, object]:
    return {"op_name": name, "inputs": inputs, "outputs": outputs}


def test_what_lies_between_two_delegates_is_outside() -> None:
    chain = [
        node("CONV_2D", [0, 9], [1]),
        node("HARD_SWISH", [1], [2]),
        node("ADD", [2, 0], [3]),
        node("SOFTMAX", [3], [4]),
    ]
    found = delegation_of([*chain, node("DELEGATE", [0, 9], [1]), node("DELEGATE", [2, 0], [3])])
    assert (found.partitions, found.outside) == (2, {1, 3})
    assert found.operators == ("CONV_2D", "HARD_SWISH", "ADD", "SOFTMAX")


def test_without_a_delegate_all_is_outside() -> None:
    assert delegation_of([node("CONV_2D", [0], [1]), node("ADD", [1, 0], [2])]).outside == {0, 1}


def test_a_delegate_that_computes_all_leaves_nothing_outside() -> None:
    chain = [node("CONV_2D", [0], [1]), node("ADD", [1, 0], [2])]
    assert delegation_of([*chain, node("DELEGATE", [0], [2])]).outside == set()
