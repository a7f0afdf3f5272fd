"""Learning curves: accuracy and loss over the epochs."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from ..runtime.io.disk_full import writing

_TRAIN, _VALIDATION = "#8a94a6", "#0b6e99"


def draw_curves(history: dict[str, list[float]], path: Path, *, frozen_epochs: int = 0) -> None:
    """Draw the history of Keras's fit into a PNG file, with a line where the frozen epochs end, if there are any."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    errors, losses = figure.subplots(1, 2)
    epochs = range(1, len(history["loss"]) + 1)
    settled = [value for name in ("accuracy", "val_accuracy") for value in history[name][1:] or history[name]]
    for axes, name, title in ((errors, "accuracy", "Accuracy"), (losses, "loss", "Loss")):
        axes.plot(epochs, history[name], color=_TRAIN, marker=".", label="training")
        axes.plot(epochs, history[f"val_{name}"], color=_VALIDATION, marker=".", label="validation")
        if frozen_epochs:
            axes.axvline(frozen_epochs + 0.5, color=_TRAIN, linestyle="--", linewidth=1, label="unfrozen")
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlim(0.5, len(epochs) + 0.5)
        axes.grid(visible=True, color="#e6e9ef")
        axes.spines[["top", "right"]].set_visible(False)
    errors.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    # With the first epoch, all others would lie at the upper edge.
    errors.set_ylim(min(settled) - 0.002, max(settled) + 0.002)
    losses.set_yscale("log")
    losses.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    losses.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    losses.yaxis.set_minor_formatter(NullFormatter())
    losses.legend(frameon=False, loc="upper right")
    with writing(path):
        figure.savefig(path, dpi=150, format="png")
