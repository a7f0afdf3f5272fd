"""The figures of folders of several sizes, as a table and as a chart."""

# Matplotlib gives most keyword arguments no type.
# pyright: reportUnknownMemberType=false

import io

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from .figures import Decoding, Scale

_GIB = 2**30
_COLOURS = {"train": "#1f5fbf", "export": "#0b8f6a", "benchmark": "#b3541e"}


def scale_table(scale: Scale) -> str:
    """Return the figures in Markdown."""
    first, last = scale.sizes[0], scale.sizes[-1]
    columns = [f"{size.images:,} images" for size in scale.sizes]
    lines = [
        f"| | {' | '.join(columns)} | growth |",
        f"| --- | {'---: | ' * len(columns)}---: |",
        f"| pixels | {' | '.join(_gib(size.pixel_bytes) for size in scale.sizes)} | "
        f"{last.pixel_bytes / first.pixel_bytes:.1f}× |",
    ]
    for command in first.costs:
        costs = [size.costs[command] for size in scale.sizes]
        peaks, seconds = [cost.peak_bytes for cost in costs], [cost.seconds for cost in costs]
        lines += [
            f"| {command}: memory | {' | '.join(map(_gib, peaks))} | {(peaks[-1] / peaks[0] - 1) * 100:+.1f} % |",
            f"| {command}: time | {' | '.join(f'{one:,.0f} s' for one in seconds)} | {seconds[-1] / seconds[0]:.1f}× |",
        ]
    height, width, channels = scale.shape
    machine = scale.environment
    return "\n".join(
        [
            *lines,
            "",
            f"JPEG files of {height} x {width} x {channels} in {scale.classes} classes, one after the other: train for "
            "one epoch with an empty cache, export of all recipes, benchmark of all exported files. Memory: the most "
            "anonymous memory of all processes together. "
            f"{machine['cpu']}, {machine['cores']} cores; `python -m studies.scale.run`.\n",
            _decoding_text(scale.decoding),
        ]
    )


def _decoding_text(found: Decoding) -> str:
    low, high = min(found.speedups), max(found.speedups)
    return (
        f"{found.images} JPEG files of {found.width * found.height / 1e6:.0f} megapixels are decoded in "
        f"{found.seconds_one_core:.2f} s on one core and in {found.seconds_two_cores:.2f} s on two: {low:.2f} to "
        f"{high:.2f} times as fast in {len(found.speedups)} rounds in turns.\n"
    )


def draw_scale(scale: Scale) -> bytes:
    """Draw memory and time over the number of images, as a PNG file."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    memory, time = figure.subplots(1, 2)
    images = [size.images for size in scale.sizes]
    for command in scale.sizes[0].costs:
        costs = [size.costs[command] for size in scale.sizes]
        style = {"marker": "o", "color": _COLOURS[command], "label": command}
        memory.plot(images, [cost.peak_bytes / _GIB for cost in costs], **style)
        time.plot(images, [cost.seconds for cost in costs], **style)
    memory.set_ylim(0, None)
    memory.set_title("anonymous memory at the peak, GiB", loc="left", fontweight="bold", fontsize=11)
    time.set_title("seconds", loc="left", fontweight="bold", fontsize=11)
    time.set_yscale("log")
    time.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    time.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for axes in (memory, time):
        axes.set_xscale("log")
        axes.set_xticks(images, [f"{count:,}" for count in images])
        axes.minorticks_off()
        axes.set_xlabel("images")
        axes.grid(color="#e3e6ec")
        axes.spines[["top", "right"]].set_visible(False)
    memory.legend(frameon=False)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()


def _gib(number: int) -> str:
    return f"{number / _GIB:.2f} GiB"
