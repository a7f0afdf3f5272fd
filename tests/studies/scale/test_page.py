import io

import numpy as np
from PIL import Image

from studies.scale.figures import STORE, Decoding, Scale, Size
from studies.scale.memory import Cost
from studies.scale.page import draw_scale, scale_table

_GIB = 2**30
_DECODING = Decoding(
    images=24, width=4000, height=3000, seconds_one_core=2.0, seconds_two_cores=1.0, speedups=(1.9, 2.1)
)


def _size(images: int, seconds: float, peak_gib: float) -> Size:
    cost = Cost(seconds=seconds, peak_bytes=int(peak_gib * _GIB))
    return Size(images=images, pixel_bytes=images * 224 * 224 * 3, costs={"train": cost, "export": cost})


SCALE = Scale(
    sizes=(_size(10_000, 20.0, 1.0), _size(100_000, 150.0, 1.05)),
    decoding=_DECODING,
    shape=(224, 224, 3),
    classes=20,
    environment={"cpu": "some", "cores": 2},
)


def test_the_table_has_the_growth_from_the_first_size_to_the_last() -> None:
    lines = scale_table(SCALE).splitlines()
    assert "| train: memory | 1.00 GiB | 1.05 GiB | +5.0 % |" in lines
    assert "| export: time | 20 s | 150 s | 7.5× |" in lines
    assert "| pixels | 1.40 GiB | 14.02 GiB | 10.0× |" in lines
    assert "1.90 to 2.10 times as fast in 2 rounds" in lines[-1]


def test_the_chart_has_a_colour_for_each_command() -> None:
    drawn = np.asarray(Image.open(io.BytesIO(draw_scale(SCALE))).convert("RGB")).reshape(-1, 3)
    assert all((drawn == colour).all(axis=1).any() for colour in ((31, 95, 191), (11, 143, 106)))


def test_the_committed_figures_keep_the_promise() -> None:
    """At most 3 GiB, less than a tenth more memory and at most 11 times the time for ten times the images."""
    found = STORE.read()
    assert found is not None
    first, last = found.sizes[0], found.sizes[-1]
    assert (first.images, last.images) == (10_000, 100_000)
    for command, cost in last.costs.items():
        before = first.costs[command]
        assert cost.peak_bytes <= 3 * _GIB
        assert cost.peak_bytes < 1.1 * before.peak_bytes
        assert cost.seconds <= 11 * before.seconds
    assert min(found.decoding.speedups) >= 1.6
