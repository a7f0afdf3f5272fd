"""The search for a mix of int8 and float, in a made-up network whose noise is known."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from edgeproof.export import repair as module
from edgeproof.export.accuracy_budget import AccuracyBudget, Evaluation
from edgeproof.export.mixing import mix_to_budget
from edgeproof.export.options import Tried
from edgeproof.export.quantizer import choose_ranges
from edgeproof.export.ranges import METHODS
from edgeproof.export.repair import Repair, Trial
from edgeproof.inspection.graph_types import Operator
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.errors import CheckFailedError, SpecMismatchError

OPERATORS = 100


@dataclass(frozen=True)
class Numbered:
    number: int
    name: str = ""
    kind: str = "CONV_2D"


class Network:
    """A quantizer whose files are lists of the operators in float; each of the others adds its noise."""

    format = Format.TFLITE
    operators = tuple(Numbered(number) for number in range(OPERATORS))

    def __init__(self, noise: Mapping[int, float], costs: Mapping[int, int] | None = None, parts: int = 1) -> None:
        self._noise, self.costs, self._parts = noise, costs or {}, parts

    def quantize(self, method: str, float_operators: Collection[int] = ()) -> bytes:
        return np.array([list(METHODS).index(method), *sorted(float_operators)], np.int64).tobytes()

    def partitions(self, file: bytes) -> int:
        return self._parts if 0 in floats_of(file) else 1

    def noise(self, method: str) -> Mapping[int, float]:
        return self._noise


def floats_of(file: bytes) -> list[int]:
    return np.frombuffer(file, np.int64)[1:].tolist()


class Evaluator:
    """Turns noise into decibels and into broken images."""

    images = 5000

    def __init__(self, network: Network, least: float = 1e-6) -> None:
        self.count, self._network, self._least = 0, network, least

    def evaluate(self, file: bytes, model_format: Format) -> Evaluation:
        self.count += 1
        floats = set(floats_of(file))
        noise = self._least + sum(value for number, value in self._network.noise("").items() if number not in floats)
        return Evaluation(snr_db=-10 * np.log10(noise), fixed=0, broken=int(noise * 2e4), images=self.images)


@pytest.fixture(autouse=True)
def _costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say what made-up files multiply."""

    def graph(file: bytes, model_format: Format) -> Any:  # noqa: ANN401
        made = type("Graph", (), {})()
        made.operators = tuple(
            Operator(name="CONV_2D", macs=COSTS.get(number, 1), floating=True, version=1) for number in floats_of(file)
        )
        return made

    COSTS.clear()
    monkeypatch.setattr(module, "read_graph", graph)


COSTS: dict[int, int] = {}
BUDGET = AccuracyBudget(max_drop_points=0.5)


def search(network: Network, budget: AccuracyBudget = BUDGET, base: Collection[int] = ()) -> tuple[Trial, list[Trial]]:
    COSTS.update(network.costs)
    tried: list[Trial] = []
    evaluator = Evaluator(network)
    found = Repair(network, "min-max", frozenset(base), evaluator, budget, tried.append).find()  # type: ignore[arg-type]
    assert evaluator.count == len(tried)
    return found, tried


def test_nothing_is_left_in_float_within_the_budget() -> None:
    found, tried = search(Network(dict.fromkeys(range(OPERATORS), 1e-7)))
    assert (found.float_operators, len(tried)) == (frozenset(), 1)


@pytest.mark.parametrize("guilty", [{3, 4, 5}, {94, 97, 99}, {2, 50, 97}])
def test_the_guilty_are_found_wherever_they_are(guilty: set[int]) -> None:
    noise = {number: 0.01 if number in guilty else 1e-8 for number in range(OPERATORS)}
    found, tried = search(Network(noise))
    assert BUDGET.holds(found.evaluation)
    assert found.float_operators >= guilty
    assert len(found.float_operators) <= 7
    assert len(tried) <= 27


def test_operators_of_the_base_are_in_every_file() -> None:
    found, tried = search(Network({number: 0.01 if number == 5 else 0.0 for number in range(OPERATORS)}), base={98, 99})
    assert all(trial.float_operators >= {98, 99} for trial in tried)
    assert len(found.float_operators) == 3


def test_of_several_that_which_multiplies_least_in_float_is_chosen() -> None:
    """In the middle: from either end as many operators lead there, which cost differently."""
    noise = {number: 0.01 if number in (49, 50) else 1e-8 * (number % 2) for number in range(OPERATORS)}
    noise |= dict.fromkeys((), 0.02)
    for cheap in (range(49), range(51, 100)):
        costs = {number: 1 if number in cheap else 1000 for number in range(OPERATORS)} | {49: 1, 50: 1}
        found, _ = search(Network(noise, costs))
        assert sum(costs[number] for number in found.float_operators) <= 100


def test_fewer_partitions_go_before_fewer_multiplications() -> None:
    """The first operator in float splits the file, so that the cheap way from the front is not taken."""
    noise = {number: 0.01 if number in (49, 50) else 0.0 for number in range(OPERATORS)}
    costs = {number: 1 if number <= 50 else 1000 for number in range(OPERATORS)}
    whole, _ = search(Network(noise, costs, parts=1))
    assert 0 in whole.float_operators or max(whole.float_operators) <= 50
    split, _ = search(Network(noise, costs, parts=3))
    assert 0 not in split.float_operators


def test_where_nothing_helps_everything_in_float_is_returned() -> None:
    network = Network(dict.fromkeys(range(OPERATORS), 1e-3))
    evaluator = Evaluator(network, least=0.05)
    found = Repair(network, "min-max", frozenset(), evaluator, BUDGET).find()  # type: ignore[arg-type]
    assert (len(found.float_operators), evaluator.count) == (OPERATORS, 2)
    assert not BUDGET.holds(found.evaluation)


def test_a_mix_goes_before_all_in_float_in_fewer_parts() -> None:
    """In ONNX, a file without integers has no float parts between them, and would always win."""
    noise = {number: 0.01 if number == 99 else 0.0 for number in range(OPERATORS)}
    network = Network(noise)
    network.partitions = lambda file: 0 if len(floats_of(file)) == OPERATORS else 1  # type: ignore[method-assign]
    found, _ = search(network)
    assert found.float_operators == {99}


def test_a_decibel_limit_asks_for_more() -> None:
    network = Network(dict.fromkeys(range(OPERATORS), 2e-6))
    few, _ = search(network)
    many, _ = search(network, AccuracyBudget(max_drop_points=0.5, min_snr_db=45))
    assert few.evaluation.snr_db < 45 <= many.evaluation.snr_db
    assert len(few.float_operators) < len(many.float_operators) < OPERATORS


def mixed(
    network: Network, least: float, alternatives: Mapping[str, bytes], budget: AccuracyBudget = BUDGET
) -> tuple[tuple[str, ...], list[Tried]]:
    told: list[Tried] = []
    _, notes = mix_to_budget(
        network,
        "min-max",
        frozenset(),
        Evaluator(network, least),  # type: ignore[arg-type]
        budget,
        alternatives,
        told.append,
    )
    return notes, told


def test_figures_stand_beside_those_of_other_files() -> None:
    network = Network({number: 0.01 if number < 3 else 1e-8 for number in range(OPERATORS)})
    float_file = network.quantize("min-max", range(OPERATORS))
    notes, told = mixed(network, 1e-6, {"dynamic": float_file, "static": network.quantize("min-max")})
    assert notes == (
        "3 of 100 operators in float: 57.1 dB, a drop of up to 0.08 points on 5,000 images",
        "within the budget as well, dynamic: 60.0 dB, a drop of up to 0.08 points",
    )
    assert (told[0].name, told[0].floats, told[0].operators, told[0].holds) == ("mixed_wi8_ai8.tflite", 0, 100, False)


def test_a_budget_that_no_mix_keeps_is_told_with_what_does() -> None:
    network = Network(dict.fromkeys(range(OPERATORS), 1e-3))
    with pytest.raises(CheckFailedError) as caught:
        mixed(network, 0.05, {})
    assert str(caught.value) == (
        "no mix of int8 and float keeps to 0.5 points on 5,000 images: with 100 of 100 operators in float, 13.0 dB, a "
        "drop of up to 21.13 points; choose float16 or float32, or a larger budget"
    )


def test_decibels_that_weights_of_8_bits_do_not_have_are_no_question_of_images() -> None:
    network = Network(dict.fromkeys(range(OPERATORS), 1e-3))
    budget = AccuracyBudget(max_drop_points=0.5, min_snr_db=500)
    with pytest.raises(CheckFailedError, match=r"give a --min-snr below 60, or take float32, or float16"):
        mixed(network, 1e-6, {}, budget)


def test_every_trial_tells_which_operators_were_taken() -> None:
    told = mixed(Network({3: 0.01, **dict.fromkeys(range(4, OPERATORS), 1e-8)}), 1e-6, {})[1]
    assert [trial.order for trial in told[:2]] == ["", ""]
    assert list(dict.fromkeys(trial.order for trial in told[2:])) == [
        "from the first on",
        "from the last on",
        "from the noisiest on",
    ]


def test_a_network_all_in_float_is_no_mix() -> None:
    network = Network(dict.fromkeys(range(OPERATORS), 1e-3))
    float_file = network.quantize("min-max", range(OPERATORS))
    with pytest.raises(CheckFailedError) as caught:
        mixed(network, 1e-4, {"dynamic": float_file})
    assert str(caught.value).endswith(
        "with 100 of 100 operators in float, 40.0 dB, a drop of up to 0.15 points; within it are dynamic: 40.0 dB, a "
        "drop of up to 0.15 points"
    )


def test_images_that_are_too_few_are_counted() -> None:
    seen = Evaluation(snr_db=40, fixed=1, broken=2, images=500)
    needed = seen.images_needed(0.5)
    assert needed is not None
    assert needed > 500
    scaled = Evaluation(snr_db=40, fixed=round(needed / 500), broken=round(needed / 250), images=needed)
    assert scaled.difference.largest_drop <= 0.5
    assert Evaluation(snr_db=40, fixed=0, broken=5, images=500).images_needed(0.5) is None
    assert Evaluation(snr_db=40, fixed=0, broken=0, images=5000).images_needed(0.5) == 5000


@pytest.mark.parametrize("drop", [0.0, -1.0, 101.0, float("nan"), float("inf")])
def test_a_drop_that_can_be_no_budget_is_refused(drop: float) -> None:
    with pytest.raises(SpecMismatchError, match="a drop is more than 0 and at most 100 points"):
        AccuracyBudget(max_drop_points=drop)


def test_decibels_that_are_no_number_are_refused() -> None:
    with pytest.raises(SpecMismatchError, match="a number of decibels, got nan"):
        AccuracyBudget(max_drop_points=1, min_snr_db=float("nan"))


@pytest.mark.parametrize(
    ("decibels", "best"),
    [([30, 33, 35], 2), ([30, 33, 33.05], 1), ([30, 30.05, 30.05], 0), ([float("nan"), 20, 19], 1), ([9, 8, 7], 0)],
)
def test_the_best_ranges_win_and_of_equal_ones_the_simplest(decibels: list[float], best: int) -> None:
    class Judge:
        images = 10

        def evaluate(self, file: bytes, model_format: Format) -> Evaluation:
            method = int(np.frombuffer(file, np.int64)[0])
            return Evaluation(snr_db=decibels[method], fixed=0, broken=0, images=10)

    assert choose_ranges(Network({}), Judge()).method == list(METHODS)[best]  # type: ignore[arg-type]


def test_without_images_to_choose_on_the_ranges_are_whole() -> None:
    class Nothing:
        images = 0

    assert choose_ranges(Network({}), Nothing()).method == "min-max"  # type: ignore[arg-type]
