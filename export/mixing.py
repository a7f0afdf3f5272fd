"""The mix of int8 and float that keeps to a budget, in words as well."""

from collections.abc import Callable, Mapping

from ..runtime.errors import CheckFailedError
from .accuracy_budget import AccuracyBudget, Evaluation
from .evaluation import Evaluator
from .options import Tried
from .quantizer import Quantizer
from .repair import Repair, Trial


def mix_to_budget(
    quantizer: Quantizer,
    method: str,
    base: frozenset[int],
    evaluator: Evaluator,
    budget: AccuracyBudget,
    alternatives: Mapping[str, bytes],
    on_trial: Callable[[Tried], None],
) -> tuple[Trial, tuple[str, ...]]:
    """Return the file that keeps to a budget, and remarks for the user.

    Args:
        quantizer: Makes the files.
        method: How it chooses ranges.
        base: Operators that are in float in every file.
        evaluator: Runs them.
        budget: What they may lose.
        alternatives: Files of other recipes by name, which the remarks compare it with.
        on_trial: Called with every file that was tried.

    Raises:
        CheckFailedError: No mix keeps to the budget; the message has the figures, and what does.
    """
    variant, operators = f"mixed_wi8_ai8.{quantizer.format}", len(quantizer.operators)

    def report(trial: Trial) -> None:
        floats, holds = len(trial.float_operators), budget.holds(trial.evaluation)
        on_trial(
            Tried(
                name=variant,
                floats=floats,
                operators=operators,
                order=trial.order,
                evaluation=trial.evaluation,
                holds=holds,
            )
        )

    trial = Repair(quantizer, method, base, evaluator, budget, report).find()
    found = {name: evaluator.evaluate(file, quantizer.format) for name, file in alternatives.items()}
    others = [f"{name}: {one}" for name, one in found.items() if budget.holds(one)]
    floats = len(trial.float_operators)
    size = f"{floats} of {operators} operators in float"
    if budget.holds(trial.evaluation) and floats < operators:
        notes = [f"{size}: {trial.evaluation} on {evaluator.images:,} images"]
        return trial, (*notes, *(f"within the budget as well, {other}" for other in others))
    rest = f"; within it are {', '.join(others)}" if others else f"; {_remedy(trial.evaluation, budget)}"
    raise CheckFailedError(
        f"no mix of int8 and float keeps to {_limits(budget)} on {evaluator.images:,} images: with {size}, "
        f"{trial.evaluation}{rest}"
    )


def _limits(budget: AccuracyBudget) -> str:
    snr = "" if budget.min_snr_db is None else f" and {budget.min_snr_db:g} dB"
    return f"{budget.max_drop_points:g} points{snr}"


def _remedy(evaluation: Evaluation, budget: AccuracyBudget) -> str:
    if budget.min_snr_db is not None and evaluation.snr_db < budget.min_snr_db:
        return (
            f"that is all that weights of 8 bits allow: give a --min-snr below {evaluation.snr_db:.0f}, or take "
            "float32, or float16, which has 57 to 73 dB in the networks of docs/families.md"
        )
    needed = evaluation.images_needed(budget.max_drop_points)
    if needed is not None and needed > evaluation.images:
        return f"to show so small a drop, about {needed:,} images would be needed"
    return "choose float16 or float32, or a larger budget"
