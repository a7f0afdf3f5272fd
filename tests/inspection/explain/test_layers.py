from dataclasses import replace

from edgeproof.inspection.explain.layers import by_layer, is_final_softmax

from tests.helpers.explained import made_up_explanation

FACTS = made_up_explanation().variants[0].operators[0]


def test_a_layer_has_the_output_of_its_last_operator_and_the_worst_of_all() -> None:
    first = replace(FACTS, layers=("a",), own_snr_db=12.0, snr_db=30.0, spread=9.0, clipped=None, outside=True)
    last = replace(FACTS, layers=("a", "b"), own_snr_db=None, snr_db=20.0, spread=1.0, clipped=0.5, outside=False)
    [row] = by_layer([first, last])
    assert (row.layer, row.with_layers, row.operators) == ("a", ("b",), (0, 1))
    assert (row.snr_db, row.own_snr_db, row.spread, row.clipped) == (20.0, 12.0, 9.0, 0.5)
    assert (row.outside, row.floating, row.weight_bytes, row.time_share) == (True, False, 2400, 0.5)


def test_an_operator_that_a_converter_put_in_counts_to_the_layer_before_it() -> None:
    rows = by_layer([replace(FACTS, layers=layers) for layers in ((), ("a",), (), ("b",))])
    assert [(row.layer, row.operators) for row in rows] == [("(no layer)", (0,)), ("a", (1, 2)), ("b", (3,))]


def test_without_names_every_operator_has_a_row() -> None:
    rows = by_layer([replace(FACTS, layers=(), position=position) for position in (3, 5)])
    assert [row.layer for row in rows] == ["CONV_2D 3", "CONV_2D 5"]


def test_the_softmax_at_the_end_is_not_held_against_a_layer() -> None:
    softmax = replace(FACTS, kind="SOFTMAX", outside=True, layers=("answer",))
    assert is_final_softmax([FACTS, softmax], 1)
    assert not is_final_softmax([softmax, FACTS], 0)
    rows = by_layer([replace(FACTS, layers=("answer",), outside=False), softmax])
    assert rows[0].outside is False
