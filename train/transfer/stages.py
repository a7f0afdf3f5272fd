"""Stages of a training: epochs in which only the head of a model learns, then epochs in which all of it does."""

from dataclasses import dataclass

from ..options import FitOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Consecutive epochs with a learning rate schedule of their own.

    Attributes:
        begin: The first epoch, from 0.
        end: The epoch after the last one.
        learning_rate: The highest of the schedule.
        is_frozen: Whether the backbone stays as it is.
    """

    begin: int
    end: int
    learning_rate: float
    is_frozen: bool

    def __str__(self) -> str:
        """Say in a line of progress what learns."""
        layers = "the head only" if self.is_frozen else "all layers"
        return f"epochs {self.begin + 1} to {self.end}: {layers}, learning rate {self.learning_rate:g}"


def stages_of(options: FitOptions) -> tuple[Stage, ...]:
    """Return the stages of a training, one or two.

    >>> [(stage.begin, stage.end, stage.is_frozen) for stage in stages_of(FitOptions(frozen_epochs=2, epochs=3))]
    [(0, 2, True), (2, 5, False)]
    """
    frozen = Stage(begin=0, end=options.frozen_epochs, learning_rate=options.learning_rate, is_frozen=True)
    rest = Stage(begin=frozen.end, end=options.all_epochs, learning_rate=options.unfrozen_rate, is_frozen=False)
    return (frozen, rest) if options.frozen_epochs else (rest,)
