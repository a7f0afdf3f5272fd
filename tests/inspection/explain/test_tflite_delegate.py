from edgeproof.inspection.explain.tflite_delegate import outside_delegate


def node(name: str, inputs: list[int], outputs: list[int]) -> dict[str, object]:
    return {"op_name": name, "inputs": inputs, "outputs": outputs}


def test_what_lies_between_two_delegates_is_outside() -> None:
    chain = [
        node("CONV_2D", [0, 9], [1]),
        node("HARD_SWISH", [1], [2]),
        node("ADD", [2, 0], [3]),
        node("SOFTMAX", [3], [4]),
    ]
    delegates = [node("DELEGATE", [0, 9], [1]), node("DELEGATE", [2, 0], [3])]
    assert outside_delegate([*chain, *delegates]) == {1, 3}


def test_without_a_delegate_all_is_outside() -> None:
    assert outside_delegate([node("CONV_2D", [0], [1]), node("ADD", [1, 0], [2])]) == {0, 1}


def test_a_delegate_that_computes_all_leaves_nothing_outside() -> None:
    chain = [node("CONV_2D", [0], [1]), node("ADD", [1, 0], [2])]
    assert outside_delegate([*chain, node("DELEGATE", [0], [2])]) == set()
