from edgeproof.metrics.types import Ratio

from studies.quantizers.figures import STORE, Figures, NetworkFigures, QuantizedFile
from studies.quantizers.page import quantizers_page

FLOAT = QuantizedFile(size_bytes=410_100, snr_db=None, agreement=1.0, partitions=1, time=None)
INT8 = QuantizedFile(
    size_bytes=132_400,
    snr_db=33.84,
    agreement=0.9925,
    partitions=19,
    time=Ratio(value=1.904, low=1.888, high=1.91, tie=False),
)
NETWORK = NetworkFigures(
    accuracy=0.892,
    images=2_000,
    calibration_images=500,
    files={"float32": FLOAT, "static_wi8_ai8": INT8},
    missing={"litert-quantizer": "it ended", "mixed_wi8_ai8": "not needed: one part"},
)
FIGURES = Figures(
    networks={"small_convnext": NETWORK},
    quantizers={"litert-quantizer": "litert-quantizer 1.2.3"},
    environment={"cpu": "a processor", "cores": 4},
)


def test_each_file_has_its_line() -> None:
    page = quantizers_page(FIGURES)
    assert "## ConvNeXt, small\n\nKeras is right on 89.2 % of all test images.\n" in page
    assert "| float32, not quantized | equal | 100.00 % | 410.1\N{NO-BREAK SPACE}kB | 1 | 1 |\n" in page
    assert (
        "| edgeproof `static_wi8_ai8` | 33.8 dB | 99.25 % | 132.4\N{NO-BREAK SPACE}kB | 1.90 (1.89 – 1.91) | 19 |\n"
        in page
    )


def test_files_that_are_missing_have_their_reasons() -> None:
    page = quantizers_page(FIGURES)
    assert "| litert-quantizer, static int8 | — | — | — | — | — |\n" in page
    assert "- litert-quantizer, static int8: it ended\n- edgeproof `mixed_wi8_ai8`: not needed: one part\n" in page
    assert "TensorFlow's converter, full" not in page  # neither there nor missing: figures from before it was measured


def test_the_conditions_are_those_of_the_figures() -> None:
    page = " ".join(quantizers_page(FIGURES).split())
    assert "and litert-quantizer 1.2.3, static int8" in page
    assert "on the same 500 training images" in page
    assert "on 2,000 test images that" in page
    assert "on a processor, 4 cores." in page


def test_the_committed_page_is_that_of_the_committed_figures() -> None:
    figures = STORE.read()
    assert figures is not None
    committed = STORE.path.parents[2] / "docs" / "quantizers.md"
    assert committed.read_text(encoding="utf-8") == quantizers_page(figures)
