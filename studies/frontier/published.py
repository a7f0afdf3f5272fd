"""Published results for MNIST that the frontier is compared with.

Figures were read in the named sources on 2026-11-22. Sizes are those of the weights by the source, or one byte for each
parameter where weights are floats: without the overhead of a file, so that no network looks larger than it is.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedResult:
    """A published network.

    Attributes:
        name: As in its source.
        accuracy: Of the 10,000 test images, in percent.
        weight_bytes: As the module says.
        quantized: Whether the accuracy is that of integers of 8 bits or fewer.
        fair: Whether, by its source, the test images chose neither the epoch nor the network.
        source: Where it is published.
    """

    name: str
    accuracy: float
    weight_bytes: int
    quantized: bool
    fair: bool
    source: str


PUBLISHED_RESULTS: tuple[PublishedResult, ...] = (
    PublishedResult(
        name="697 parameters",
        accuracy=99.03,
        weight_bytes=697,
        quantized=False,
        fair=False,
        source="github.com/JoshWarn/Parameter-Efficient-MNIST: the best of about 700 networks",
    ),
    PublishedResult(
        name="mnist-minimal-model",
        accuracy=99.1,
        weight_bytes=1_936,
        quantized=False,
        fair=True,
        source="github.com/ruslangrimov/mnist-minimal-model",
    ),
    PublishedResult(
        name="BitNetMCU 3.2 kB",
        accuracy=98.92,
        weight_bytes=3_200,
        quantized=True,
        fair=True,
        source="github.com/cpldcpu/BitNetMCU, documentation_cnn.md",
    ),
    PublishedResult(
        name="BitNetMCU 5.4 kB",
        accuracy=99.06,
        weight_bytes=5_400,
        quantized=True,
        fair=True,
        source="github.com/cpldcpu/BitNetMCU, documentation_cnn.md",
    ),
    PublishedResult(
        name="BitNetMCU 7.3 kB",
        accuracy=99.28,
        weight_bytes=7_300,
        quantized=True,
        fair=True,
        source="github.com/cpldcpu/BitNetMCU, documentation_cnn.md",
    ),
    PublishedResult(
        name="BitNetMCU 9.3 kB",
        accuracy=99.44,
        weight_bytes=9_300,
        quantized=True,
        fair=True,
        source="github.com/cpldcpu/BitNetMCU, documentation_cnn.md",
    ),
    PublishedResult(
        name="BitNetMCU 11 kB",
        accuracy=99.55,
        weight_bytes=11_000,
        quantized=True,
        fair=True,
        source="github.com/cpldcpu/BitNetMCU, documentation_cnn.md: one run of 90 epochs",
    ),
    PublishedResult(
        name="BitNetMCU 13 kB",
        accuracy=99.58,
        weight_bytes=13_040,
        quantized=True,
        fair=True,
        source="github.com/cpldcpu/BitNetMCU, documentation_cnn.md: one run",
    ),
    PublishedResult(
        name="ERA assignment 6",
        accuracy=99.52,
        weight_bytes=7_918,
        quantized=False,
        fair=False,
        source="github.com/snehanshu-raj/ERA: the best of 11 epochs",
    ),
    PublishedResult(
        name="MNIST-Challenge",
        accuracy=99.20,
        weight_bytes=8_640,
        quantized=False,
        fair=False,
        source="github.com/aknakshay/MNIST-Challenge",
    ),
    PublishedResult(
        name="mnist-12-int8.onnx",
        accuracy=98.9,
        weight_bytes=5_994,
        quantized=True,
        fair=True,
        source="huggingface.co/onnxmodelzoo/mnist-12; the file has 11 kB",
    ),
    PublishedResult(
        name="MNIST_99.4",
        accuracy=99.43,
        weight_bytes=15_578,
        quantized=False,
        fair=False,
        source="github.com/shishir13/Personal_Projects",
    ),
    PublishedResult(
        name="mnist_994",
        accuracy=99.54,
        weight_bytes=19_898,
        quantized=False,
        fair=False,
        source="github.com/pradeep6kumar/mnist_994: the best epoch",
    ),
    PublishedResult(
        name="TFLite tutorial",
        accuracy=99.01,
        weight_bytes=20_410,
        quantized=True,
        fair=True,
        source="quantization-aware training tutorial of the TensorFlow Model Optimization Toolkit, a saved run of a "
        "reader's; the file has 24.6 kB",
    ),
    PublishedResult(
        name="Efficient-CapsNet's CNN baseline",
        accuracy=99.60,
        weight_bytes=173_000,
        quantized=False,
        fair=False,
        source="PMC8290018, table 2, with reconstruction; how the epoch was chosen is not said",
    ),
    PublishedResult(
        name="MNIST-CNN-99.75, one of its CNNs",
        accuracy=99.641,
        weight_bytes=326_410,
        quantized=False,
        fair=True,
        source="github.com/cdeotte/MNIST-CNN-99.75: mean of 100 trials",
    ),
)
