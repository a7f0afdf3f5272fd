"""edgeproof's int8 files beside those of TensorFlow's converter and of litert-quantizer.

    python -m studies.quantizers.run [FAMILY ...] [--data FOLDER]

Networks are those of studies.families, which are trained unless they are in the folder of runs. litert-quantizer is
installed in an environment of its own. The figures are kept in studies/results/quantizers.json, and
docs/quantizers.md is written from them.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edgeproof.device.environment import describe_environment

from ..commands import one_line_errors
from ..families.arguments import family_arguments, parse
from ..families.families import FAMILIES
from ..families.images import load_images
from ..families.run import train_missing
from .figures import STORE, Figures
from .litert_quantizer import TITLE, VERSION, ensure_environment
from .measure import measure_network
from .page import quantizers_page

ENVIRONMENT = Path("runs", TITLE)
PAGE = Path(__file__).parents[2] / "docs" / "quantizers.md"
# Swish with squeeze-and-excitation, LayerNorm with GELU, and ReLU6.
NETWORKS = ("small_efficientnet", "small_convnext", "mobilenet_v2")


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the networks, keep the figures of each as soon as they are there, and write the page."""
    parser = family_arguments("quantizers.run", __doc__, NETWORKS)
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT, help=f"of {TITLE} (default: {ENVIRONMENT})")
    options = parse(parser, arguments)
    python = ensure_environment(options.environment)
    known = STORE.read()
    found = {} if known is None else dict(known.networks)
    for name in options.family:
        train_missing(name, options.runs, options.data)
        start = time.perf_counter()
        data = load_images(options.data, colour=FAMILIES[name].colour)
        found[name] = measure_network(options.runs / name, data, python)
        figures = Figures(
            networks={name: found[name] for name in FAMILIES if name in found},
            quantizers={TITLE: f"{TITLE} {VERSION}"},
            environment=describe_environment(),
        )
        STORE.write(figures, {})
        PAGE.write_text(quantizers_page(figures), encoding="utf-8")
        sys.stdout.write(f"{name}: measured in {time.perf_counter() - start:.0f} s\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
