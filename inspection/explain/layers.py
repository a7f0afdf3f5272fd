"""Rows of Keras layers, out of the facts of their operators."""

from collections.abc import Callable, Iterable, Sequence

from ...metrics.explanation import LayerFacts, OperatorFacts

NO_LAYER = "(no layer)"


def by_layer(operators: Sequence[OperatorFacts]) -> tuple[LayerFacts, ...]:
    """Return a row for each layer, in the order of their first operators.

    An operator of no layer, which a converter has put in, counts to the layer of the operator before it. In files that
    name no layers, as those of older bundles, every operator has a row.
    """
    groups: dict[str, list[int]] = {}
    for index, layer in enumerate(layer_names(operators)):
        groups.setdefault(layer, []).append(index)
    return tuple(_row(layer, indices, operators) for layer, indices in groups.items())


def layer_names(operators: Sequence[OperatorFacts]) -> list[str]:
    """Return the name of the row that each operator belongs to."""
    if not any(operator.layers for operator in operators):
        return [f"{operator.kind} {operator.position}" for operator in operators]
    names: list[str] = []
    for operator in operators:
        names.append(operator.layers[0] if operator.layers else names[-1] if names else NO_LAYER)
    return names


def is_final_softmax(operators: Sequence[OperatorFacts], index: int) -> bool:
    """Tell whether an operator is the softmax at the end: no delegate takes it in integers, and it costs little."""
    return index == len(operators) - 1 and operators[index].kind.upper() == "SOFTMAX"


def _row(layer: str, indices: Sequence[int], operators: Sequence[OperatorFacts]) -> LayerFacts:
    own = [operators[index] for index in indices]
    counted = [operators[index].outside for index in indices if not is_final_softmax(operators, index)]
    with_layers = dict.fromkeys(other for one in own for other in one.layers if other != layer)
    shares = [one.time_share for one in own if one.time_share is not None]
    return LayerFacts(
        layer=layer,
        with_layers=tuple(with_layers),
        operators=tuple(indices),
        snr_db=own[-1].snr_db,
        own_snr_db=_known(min, (one.own_snr_db for one in own)),
        spread=_known(max, (one.spread for one in own)),
        low=own[-1].low,
        high=own[-1].high,
        clipped=_known(max, (one.clipped for one in own)),
        outside=None if None in counted else any(counted),
        floating=all(one.held_low is None for one in own),
        weight_bytes=sum(one.weight_bytes for one in own),
        time_share=min(1.0, sum(shares)) if shares else None,
    )


def _known(choose: Callable[[Iterable[float]], float], numbers: Iterable[float | None]) -> float | None:
    found = [number for number in numbers if number is not None]
    return choose(found) if found else None
