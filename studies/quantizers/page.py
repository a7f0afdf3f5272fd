"""The page docs/quantizers.md: a table for each network."""

from collections.abc import Iterator

from edgeproof.report.formatting import file_size
from edgeproof.runtime.bundle.recipes import RECIPES

from ..families.families import FAMILIES
from . import litert_quantizer, plain_converter
from .figures import Figures, NetworkFigures, QuantizedFile

_NAMES = {
    "float32": "float32, not quantized",
    plain_converter.TITLE: "TensorFlow's converter, full integers",
    litert_quantizer.TITLE: "litert-quantizer, static int8",
    **{name: f"edgeproof `{name}`" for name in RECIPES if name != "float32"},
}
_INTRODUCTION = """# Quantizers

edgeproof's int8 files beside those of the tools that it could be replaced by: TensorFlow's own converter, as its guide
shows it (full integers, bytes in and out), and {litert_quantizer}, static int8 with its own calibration, made of the
same float32 file. All were calibrated on the same {calibration} training images. The networks are those of
[families](families.md), trained on Fashion-MNIST.

- *SNR*: the signal-to-noise ratio of the probabilities against Keras, and *agreement*, the share of the same answers,
  on {images} test images that neither calibrated nor chose anything
- *time*: that of one image over the float32 file's, the median of the ratios of interleaved rounds, one thread, with
  its 95 % interval
- *parts*: into how many XNNPACK computes a file; between two of them are LiteRT's own, slower kernels

Written by `python -m studies.quantizers.run` from [quantizers.json](../studies/results/quantizers.json), on {machine}.

"""


def quantizers_page(figures: Figures) -> str:
    """Return the page in Markdown."""
    networks, machine = figures.networks.values(), figures.environment
    introduction = _INTRODUCTION.format(
        litert_quantizer=figures.quantizers[litert_quantizer.TITLE],
        calibration=_numbers({one.calibration_images for one in networks}),
        images=_numbers({one.images for one in networks}),
        machine=f"{machine['cpu']}, {machine['cores']} cores",
    )
    return introduction + "\n".join(_section(name, network) for name, network in figures.networks.items())


def _section(name: str, network: NetworkFigures) -> str:
    heading = f"## {FAMILIES[name].title}\n\nKeras is right on {network.accuracy * 100:.1f} % of all test images.\n\n"
    return heading + "".join(f"| {' | '.join(row)} |\n" for row in _rows(network)) + _remarks(network)


def _rows(network: NetworkFigures) -> Iterator[list[str]]:
    yield ["file", "SNR", "agreement", "size", "time / float32", "parts"]
    yield ["---", *["---:"] * 5]
    for title, name in _NAMES.items():
        if title in network.files:
            yield [name, *_cells(network.files[title])]
        elif title in network.missing:
            yield [name, *["—"] * 5]


def _cells(file: QuantizedFile) -> list[str]:
    return [
        "equal" if file.snr_db is None else f"{file.snr_db:.1f} dB",
        f"{file.agreement * 100:.2f} %",
        file_size(file.size_bytes),
        "1" if file.time is None else f"{file.time.value:.2f} ({file.time.low:.2f} – {file.time.high:.2f})",
        str(file.partitions),
    ]


def _remarks(network: NetworkFigures) -> str:
    remarks = "".join(f"- {_NAMES.get(title, title)}: {reason}\n" for title, reason in network.missing.items())
    return f"\n{remarks}" if remarks else ""


def _numbers(found: set[int]) -> str:
    return " or ".join(f"{number:,}" for number in sorted(found))
