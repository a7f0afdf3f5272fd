"""The ablations as a page in Markdown."""

from collections.abc import Sequence

from .results import Difference, Gain, TrainedVariation, gains


def table(found: Sequence[Gain]) -> str:
    """Return the gains as Markdown; the cross-entropy in thousandths of a nat."""
    lines = [
        "| variation | n | accuracy | difference, points (95 %) | cross-entropy, mnat | difference, mnat (95 %) |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for gain in found:
        points = "" if gain is found[0] else _interval(gain.points, 1, 3)
        nats = "" if gain is found[0] else _interval(gain.nats, 1000, 2)
        lines.append(
            f"| {gain.variation} | {gain.n} | {gain.accuracy:.3f} % | {points} | {1000 * gain.loss:.2f} | {nats} |"
        )
    return "\n".join(lines) + "\n"


def page(networks: Sequence[TrainedVariation]) -> str:
    """Return the table of the gains with the commands and the environment behind it, as Markdown."""
    images = ", ".join(f"{count:,}" for count in dict.fromkeys(one.images for one in networks))
    commands = dict.fromkeys((one.variation, one.command) for one in networks)
    return (
        f"{table(gains(networks))}\n"
        f"Of the int8 files, on {images} images that were held out, over n seeds; the test images "
        "are not used. Means, and mean differences to the first line on the same seeds with their 95 % interval "
        "(Student's t), each for itself. A mnat is a thousandth of a nat; less is better. The cross-entropy is that "
        f"after the temperature that an export fits, to at most 5,000 of these images.{_teachers(networks)}\n\n"
        + "".join(f"- {variation}: `edgeproof {command}`\n" for variation, command in commands)
        + f"\n{'; '.join(dict.fromkeys(one.environment for one in networks))}.\n"
    )


def _teachers(networks: Sequence[TrainedVariation]) -> str:
    has_teacher = any("--teacher " in one.command for one in networks)
    return (
        " A `teacher-E-S` is preset accurate after E epochs with seed S, trained on the same images."
        if has_teacher
        else ""
    )


def _interval(difference: Difference, factor: float, digits: int) -> str:
    text = f"{factor * difference.mean:+.{digits}f}"
    return text if difference.half_width is None else f"{text} ± {factor * difference.half_width:.{digits}f}"
