"""The search for the operators that must compute in float, so that a file keeps to a budget of accuracy."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ..inspection.reader import read_graph
from .accuracy_budget import AccuracyBudget, Evaluation
from .evaluation import Evaluator
from .quantizer import Quantizer

# A bisection ends where it would tell apart so small a share of the operators: 6 evaluations or 7.
_FINEST = 1 / 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A file that was tried.

    Attributes:
        float_operators: The operators in float.
        order: In which they were taken, in words; empty for the first file, and for all operators.
        file: Its content.
        evaluation: Of its answers.
    """

    float_operators: frozenset[int]
    order: str
    file: bytes
    evaluation: Evaluation


class Repair:
    """The search in one network.

    Args:
        quantizer: Makes the files.
        method: How it chooses ranges.
        base: Operators that are in float in every file.
        evaluator: Runs them.
        budget: What they may lose.
        on_trial: Called with every file that was tried.
    """

    def __init__(
        self,
        quantizer: Quantizer,
        method: str,
        base: frozenset[int],
        evaluator: Evaluator,
        budget: AccuracyBudget,
        on_trial: Callable[[Trial], None] = lambda _: None,
    ) -> None:
        self._quantizer, self._method, self._base = quantizer, method, base
        self._evaluator, self._budget, self._on_trial = evaluator, budget, on_trial

    def find(self) -> Trial:
        """Return the file within the budget in the fewest parts; of several that which multiplies least in float.

        Bisected are three orders of the operators: from the first on, from the last on, and from the noisiest on. A
        file's noise falls nearly steadily along each. Where not even all operators in float keep to the budget, the
        file with all of them is returned.
        """
        base = self._try(())
        if self._budget.holds(base.evaluation):
            return base
        everything = self._try([one.number for one in self._quantizer.operators])
        if not self._budget.holds(everything.evaluation):
            return everything
        found = [self._bisect(words, order, everything) for words, order in self._orders().items()]
        mixes = [trial for trial in found if trial is not everything]
        return min(mixes, key=self._cost, default=everything)

    def _cost(self, trial: Trial) -> tuple[int, int, int]:
        # A clock must not decide what is written. Of the time, multiplications in float tell more than the number of
        # operators: in a small EfficientNet, 70 of 125 operators with 43 % of them took 0.69 of float32's time, and 47
        # with 72 % took 0.80.
        operators = read_graph(trial.file, self._quantizer.format).operators
        multiplications = sum(one.macs or 0 for one in operators if one.floating)
        return self._quantizer.partitions(trial.file), multiplications, len(trial.float_operators)

    def _orders(self) -> dict[str, Sequence[int]]:
        others = [one.number for one in self._quantizer.operators if one.number not in self._base]
        noise = self._quantizer.noise(self._method)
        noisiest = sorted(others, key=lambda number: -noise.get(number, 0.0))
        return {"from the first on": others, "from the last on": others[::-1], "from the noisiest on": noisiest}

    def _bisect(self, words: str, order: Sequence[int], everything: Trial) -> Trial:
        best, too_few, enough = everything, 0, len(order)
        while enough - too_few > max(1, len(order) * _FINEST):
            middle = (too_few + enough) // 2
            trial = self._try(order[:middle], words)
            if self._budget.holds(trial.evaluation):
                best, enough = trial, middle
            else:
                too_few = middle
        return best

    def _try(self, floats: Collection[int], order: str = "") -> Trial:
        chosen = self._base.union(floats)
        file = self._quantizer.quantize(self._method, chosen)
        evaluation = self._evaluator.evaluate(file, self._quantizer.format)
        trial = Trial(float_operators=chosen, order=order, file=file, evaluation=evaluation)
        self._on_trial(trial)
        return trial
