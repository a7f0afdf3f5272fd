from edgeproof.inspection.explain.matching import Counterpart, match_operators
from edgeproof.inspection.explain.network import NetworkOperator


def network(*kinds: str, activations: dict[int, int] | None = None) -> list[NetworkOperator]:
    return [
        NetworkOperator(
            kind=kind,
            position=i,
            layers=(),
            shape=(1, 2),
            weight_bytes=0,
            stored="int8",
            activation=(activations or {}).get(i),
        )
        for i, kind in enumerate(kinds)
    ]


def test_operators_match_in_their_order() -> None:
    found = match_operators(network("Conv", "Add", "Conv"), network("Conv", "Add", "Conv"))
    assert found == {i: Counterpart(first=i, last=i) for i in range(3)}


def test_what_only_one_file_has_is_left_out() -> None:
    found = match_operators(network("Conv", "Clip", "Add"), network("Conv", "Add", "Mul"))
    assert found == {0: Counterpart(first=0, last=0), 2: Counterpart(first=1, last=1)}


def test_an_activation_that_became_a_limit_of_the_range_belongs_to_the_operator_before_it() -> None:
    original = network("Conv", "Relu", "Add", activations={0: 1})
    assert match_operators(network("Conv", "Add"), original)[0] == Counterpart(first=0, last=1)
    assert match_operators(network("Conv", "Relu", "Add"), original)[0] == Counterpart(first=0, last=0)
