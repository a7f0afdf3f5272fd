import io
import re
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
from edgeproof.report.model import Report
from edgeproof.report.raw_data import RawData
from edgeproof.report.render import flips
from edgeproof.report.render.page import render_page
from edgeproof.runtime.bundle.image_reading import ImageReading
from PIL import Image

PREFIX = "data:image/png;base64,"


def picture(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(b64decode(uri.removeprefix(PREFIX))))


def test_images_are_grouped_by_what_became_of_them(report: Report, raw_data: RawData) -> None:
    groups = flips.tiles(report, raw_data)
    assert {kind: [tile.position for tile in found] for kind, found in groups.items()} == {
        flips.Kind.BROKEN: [17, 23],
        flips.Kind.FIXED: [4],
    }
    [tile] = groups[flips.Kind.FIXED]
    assert (tile.truth, tile.keras, tile.keras_probability) == ("b", "a", 0.6)
    [answer] = tile.answers
    assert (answer.label, answer.variants) == ("b", (("static_wi8_ai8.onnx", 0.55),))


def test_the_picture_is_that_of_the_image(report: Report, raw_data: RawData) -> None:
    [tile] = flips.tiles(report, raw_data)[flips.Kind.FIXED]
    assert np.asarray(picture(tile.png)).tolist() == [[4] * 8] * 8
    assert tile.small


def test_an_image_in_the_order_of_opencv_has_its_own_colours(report: Report, raw_data: RawData) -> None:
    blue = np.full((100, 8, 8, 3), (0, 0, 255), np.uint8)
    bgr = ImageReading(colour_order="bgr")
    swapped = replace(raw_data, images=bgr.reorder(blue), reading=bgr)
    assert flips.tiles(report, swapped) == flips.tiles(report, replace(raw_data, images=blue))


def test_an_image_that_several_variants_flip_has_one_tile(report: Report, raw_data: RawData) -> None:
    first, second = report.rows
    flip = replace(second.comparison.flips[0], found=2)
    both = replace(first, comparison=replace(first.comparison, flips=(flip,)))
    report = replace(report, rows=(both, second))
    groups = flips.tiles(report, raw_data)
    assert flips.flipped_images(report) == 3
    [tile] = groups[flips.Kind.FIXED]
    assert [(answer.label, answer.kind, answer.variants[0][0]) for answer in tile.answers] == [
        ("c", flips.Kind.BOTH_WRONG, "float32.tflite"),
        ("b", flips.Kind.FIXED, "static_wi8_ai8.onnx"),
    ]


def test_without_labels_an_answer_only_differs(unlabelled: Report, raw_data: RawData) -> None:
    [(kind, found)] = flips.tiles(unlabelled, raw_data).items()
    assert kind is flips.Kind.DIFFERS
    assert [tile.truth for tile in found] == [None] * 3


def test_of_very_many_images_the_first_are_shown_and_it_is_said(
    report: Report, raw_data: RawData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flips, "MOST_TILES", 2)
    shown = [tile.position for found in flips.tiles(report, raw_data).values() for tile in found]
    assert sorted(shown) == [17, 23]  # which are broken; 4 is fixed
    page = render_page(report, raw_data)
    assert "Shown are 2 of 3: broken ones first, then fixed ones, by their position in the test set." in page
    assert len(re.findall(r'<article class="tile">', page)) == 2


def test_every_flipped_image_is_on_the_page(report: Report, raw_data: RawData) -> None:
    row = report.rows[1]
    many = tuple(replace(row.comparison.flips[1], position=position) for position in range(60))
    flipped = replace(row, comparison=replace(row.comparison, flips=many))
    page = render_page(replace(report, rows=(flipped,)), raw_data)
    assert re.findall(r'alt="image (\d+)"', page) == [str(position) for position in range(60)]
    assert "36 more images" in page


@pytest.mark.parametrize(
    ("shape", "mode", "size"),
    [
        ((28, 28, 1), "L", (28, 28)),
        ((32, 32, 3), "RGB", (32, 32)),
        ((8, 8, 5), "L", (8, 8)),
        ((90, 300, 1), "L", (112, 34)),
    ],
)
def test_thumbnails_are_small(shape: tuple[int, ...], mode: str, size: tuple[int, int]) -> None:
    uri = flips.thumbnail(np.random.default_rng(1).integers(0, 256, shape, np.uint8))
    assert uri.startswith(PREFIX)
    assert (picture(uri).mode, picture(uri).size) == (mode, size)


def test_a_large_photograph_costs_few_bytes() -> None:
    photograph = np.random.default_rng(1).integers(0, 256, (224, 224, 3), np.uint8)
    assert len(flips.thumbnail(photograph)) < 20_000


def test_a_tile_names_the_file_in_full_where_it_is_pointed_at(report: Report, raw_data: RawData) -> None:
    long = "cats/" + "<b>&" * 20 + "0017.png"
    page = render_page(replace(report, data=replace(report.data, image_names={17: long, 23: 'd/"x".png'})), raw_data)
    escaped = long.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f'<p class="file" title="{escaped}">cats/&lt;b&gt;' in page
    assert "0017.png</p>" in page
    assert 'title="d/&#34;x&#34;.png">d/&#34;x&#34;.png</p>' in page
    assert 'title="image 4">image 4</p>' in page  # whose name the report does not have
    assert "<b>&" not in page
