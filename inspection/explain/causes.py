"""Causes of lost accuracy and time, each with what to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf

from ...metrics.explanation import Cause, Finding, OperatorFacts
from ...runtime.bundle.recipes import Format, canonical_name
from .commands import Commands
from .layers import by_layer, is_final_softmax, layer_names

# An operator by itself loses 8 to 15 dB less than this in networks that int8 suits.
LOW_DB = 25.0
# Above it, hardly one answer in a hundred is another.
GOOD_ANSWERS_DB = 35.0
# One scale for all channels leaves the median channel 5 bits of 8.
WIDE_SPREAD = 8.0
# The rest of the range holds one number in ten thousand.
LONG_TAIL = 4.0
CLIPPED_SHARE = 1e-3
_IN_FLOATS = "take a file that computes in floats"
_BITS = {"int16": 16}
# Operators that turn an ordinary range into one that no 8 bits hold.
_EXPLODING = frozenset({"EXP", "POW"})
# Of files that could be computed by the delegate as a whole.
_INTEGERS = frozenset({"static_wi8_ai8", "mixed_wi8_ai8"})
_WHERE = {
    Format.TFLITE: "run outside of the delegate",
    Format.ONNX: "run in floats, between conversions from integers and back",
}
_NAMED = 5  # layers, in one sentence
_MIXED = "mixed_wi8_ai8"
# One bit more.
_BETTER_BY_DB = 6
# Operators outside of the delegate that take less of the time of a file that is faster than float32 are as well there.
_WORTH_MOVING = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fault:
    layer: str
    cause: Cause
    operator: OperatorFacts

    @property
    def own_db(self) -> float:
        return self.operator.own_snr_db or 0.0


def find_causes(
    name: str,
    operators: Sequence[OperatorFacts],
    snr_db: float | None,
    commands: Commands,
    times: Mapping[str, float],
) -> tuple[Finding, ...]:
    """Return what costs a file accuracy, worst first, and then what costs it time.

    Args:
        name: Of the file, ``<recipe>.<format>``.
        operators: What was found of its operators.
        snr_db: Of its answers.
        commands: The commands that do something about it.
        times: Of this and other files of the bundle, by name: their time over that of the float32 file.
    """
    if name.startswith(_MIXED) and snr_db is not None:
        # It has float layers already: a budget that it keeps to would give it again.
        commands = replace(commands, min_snr_db=ceil(snr_db) + _BETTER_BY_DB)
    faults = sorted(_faults(operators), key=lambda fault: fault.own_db)
    found = [
        _of_layers(cause, [fault for fault in faults if fault.cause is cause], commands)
        for cause in dict.fromkeys(fault.cause for fault in faults)
    ]
    if not faults:
        found += _of_depth(operators, snr_db, commands)
    return (*found, *_of_time(name, operators, commands, times))


def worst_layer(findings: Sequence[Finding]) -> Finding | None:
    """Return the finding that names the layer where most accuracy is lost; None where no layer stands out."""
    return next((one for one in findings if one.layers and one.cause is not Cause.OUTSIDE), None)


def _faults(operators: Sequence[OperatorFacts]) -> Iterator[_Fault]:
    for layer, operator in zip(layer_names(operators), operators, strict=True):
        if operator.own_snr_db is not None and operator.own_snr_db < LOW_DB:
            yield _Fault(layer=layer, cause=_cause(operator), operator=operator)


def _cause(operator: OperatorFacts) -> Cause:
    if operator.held_low is None:
        return Cause.COARSE
    if operator.kind.upper() in _EXPLODING:
        return Cause.WIDE_RANGE
    if operator.clipped is not None and operator.clipped > CLIPPED_SHARE:
        return Cause.CLIPPED
    if operator.tail is not None and operator.tail > LONG_TAIL:
        return Cause.WIDE_RANGE
    if operator.spread is not None and operator.spread > WIDE_SPREAD:
        return Cause.CHANNEL_SPREAD
    return Cause.COARSE


def _of_layers(cause: Cause, faults: Sequence[_Fault], commands: Commands) -> Finding:
    worst = faults[0]
    layers = tuple(dict.fromkeys(fault.layer for fault in faults))
    more = "" if len(layers) == 1 else f"; also in {_listed(layers[1:])}"
    action, command = _remedy(cause, worst.operator, commands)
    own = f"alone it has {worst.own_db:.1f} dB"
    return Finding(
        cause=cause,
        layers=layers,
        text=f"layer {worst.layer!r} ({worst.operator.kind}): {_reason(cause, worst.operator)}: {own}{more}",
        action=action,
        command=command,
    )


def _reason(cause: Cause, operator: OperatorFacts) -> str:
    match cause:
        case Cause.CHANNEL_SPREAD:
            return f"its largest channel is {operator.spread or 0:.0f} times the median one, and one scale serves both"
        case Cause.CLIPPED:
            return (
                f"its values go from {operator.low or 0:.3g} to {operator.high or 0:.3g}, the file holds "
                f"{operator.held_low or 0:.3g} to {operator.held_high or 0:.3g}, and "
                f"{(operator.clipped or 0) * 100:.1f} % of them are clipped"
            )
        case Cause.WIDE_RANGE:
            return (
                f"its values go from {operator.low or 0:.3g} to {operator.high or 0:.3g}, and most are small beside "
                f"one step of its integers, {_step(operator):.3g}"
            )
        case _ if operator.held_low is None:
            return "its 8-bit weights are coarse"
        case _:
            return "its output is coarse in so few bits"


def _step(operator: OperatorFacts) -> float:
    """Return the distance of two numbers that an operator's integers stand for."""
    return ((operator.held_high or 0) - (operator.held_low or 0)) / (2 ** _BITS.get(operator.stored, 8) - 1)


def _remedy(cause: Cause, operator: OperatorFacts, commands: Commands) -> tuple[str, str]:
    if operator.stored == "int16":
        return _take("dynamic", _IN_FLOATS, commands)
    if operator.held_low is None:
        return _take("float16", "store the weights in 16 bits", commands)
    match cause:
        case Cause.CHANNEL_SPREAD:
            return "equalize the channels, and keep in float what is still too coarse", commands.within_budget()
        case Cause.CLIPPED:
            bring = "bring more training images, and " if commands.has_few_images else ""
            action = f"{bring}calibrate on more images, of all kinds that the model will see"
            return action, commands.more_calibration()
        case Cause.WIDE_RANGE if operator.kind.upper() in _EXPLODING:
            return (
                "use an activation that Keras has, such as softplus or mish, which is exported without a large "
                "exponential, or keep the layer in float",
                commands.within_budget(),
            )
        case _:
            return "keep the layer in float", commands.within_budget()


def _of_depth(operators: Sequence[OperatorFacts], snr_db: float | None, commands: Commands) -> Iterator[Finding]:
    known = [layer.snr_db for layer in by_layer(operators) if layer.snr_db is not None]
    if not known or snr_db is None or snr_db >= GOOD_ANSWERS_DB:
        return
    action, command = _less_noise(operators, commands)
    yield Finding(
        cause=Cause.DEPTH,
        layers=(),
        text=f"the answers have {snr_db:.1f} dB, and no single layer is at fault: the signal-to-noise ratio falls "
        f"along the depth, to {min(known):.1f} dB",
        action=action,
        command=command,
    )


def _less_noise(operators: Sequence[OperatorFacts], commands: Commands) -> tuple[str, str]:
    """Return what rounds less where no single layer is at fault."""
    stored = {one.stored for one in operators if one.held_low is not None}
    if not stored:
        return _take("float16", "store the weights in 16 bits", commands)
    if "int16" in stored:
        return _take("dynamic", _IN_FLOATS, commands)
    return "keep layers in float until the accuracy holds", commands.within_budget()


def _take(recipe: str, action: str, commands: Commands, model_format: Format | None = None) -> tuple[str, str]:
    """Return what to do and the command, which is empty where the bundle has the file."""
    asked = recipe if model_format is None else f"{recipe}.{model_format}"
    names = [f"{canonical_name(recipe)}.{one}" for one in Format if model_format in (None, one)]
    there = [name for name in names if name in commands.present]
    if there:
        return f"{action}: this bundle has {there[0]}", ""
    return action, commands.only(asked)


def _of_time(
    name: str, operators: Sequence[OperatorFacts], commands: Commands, times: Mapping[str, float]
) -> Iterator[Finding]:
    recipe, _, suffix = name.partition(".")
    outside = [i for i, one in enumerate(operators) if one.outside and not is_final_softmax(operators, i)]
    own = times.get(name)
    if own is not None and own > 1 and any(operators[i].stored == "int16" for i in outside):
        yield _slow_integers(own, commands)
    if not outside or recipe not in _INTEGERS:
        return
    # ONNX Runtime computes some operators in floats in every file: that matters where the whole is slow.
    if suffix == Format.ONNX and (own is None or own < 1):
        return
    share = sum(operators[i].time_share or 0 for i in outside)
    if own is not None and own < 1 and share < _WORTH_MOVING:
        return
    names = layer_names(operators)
    kinds = list(dict.fromkeys(operators[i].kind for i in outside))
    layers = tuple(dict.fromkeys(names[i] for i in outside))
    measured = "" if own is None else f"; the file takes {own:.2f} of float32's time"
    action, command = _faster(name, commands, times)
    yield Finding(
        cause=Cause.OUTSIDE,
        layers=layers,
        text=f"{_listed(kinds)} in {_listed(layers)} {_WHERE[Format(suffix)]}, and take {share * 100:.0f} % of the "
        f"time of all operators{measured}",
        action=action,
        command=command,
    )


def _slow_integers(time: float, commands: Commands) -> Finding:
    action = "keep it for microcontrollers, and take a file that computes in floats elsewhere"
    action, command = _take("weight-only", action, commands)
    return Finding(
        cause=Cause.OUTSIDE,
        layers=(),
        text=f"the delegate computes nothing with 16-bit activations: the file takes {time:.2f} of float32's time",
        action=action,
        command=command,
    )


def _faster(name: str, commands: Commands, times: Mapping[str, float]) -> tuple[str, str]:
    """Return what makes a file faster that is computed in parts, and the command."""
    model_format = Format(name.partition(".")[2])
    mixed = f"{_MIXED}.{model_format}"
    # A bundle of all recipes lacks the mixed file where it would be computed in no fewer parts.
    possible = mixed in commands.present or f"dynamic_wi8_afp32.{model_format}" not in commands.present
    if model_format is Format.TFLITE and name != mixed and possible:
        found = times.get(mixed)
        if found is None:
            return "keep them in float", commands.only("mixed")
        if found < times.get(name, inf):
            return f"keep them in float: {mixed} of this bundle takes {found:.2f}", ""
    return _take("weight-only", "store the weights alone in 8 bits, and compute in floats", commands, model_format)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
