from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import pytest
from edgeproof.runtime.errors import InvalidFileError
from edgeproof.runtime.io.checked_json import Node
from edgeproof.runtime.io.decode import MAY_BE_ABSENT, Count, FileName, Label, OpenShare, Sha256, Share, decode


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Point:
    x: float
    y: int | None


@dataclass(frozen=True, kw_only=True)
class Drawing:
    name: Label
    file: FileName
    digest: Sha256
    visible: bool
    colour: Colour
    size: tuple[int, int]
    points: tuple[Point, ...]
    counts: Mapping[str, Count]
    opacity: Share
    margin: OpenShare | None
    centre: Point | None
    half: Annotated[float, lambda node: node.number() / 2]
    note: str = field(default="", metadata=MAY_BE_ABSENT)
    layer: int = 1


DOCUMENT: dict[str, Any] = {
    "name": "tree",
    "file": "tree.png",
    "digest": "0" * 64,
    "visible": True,
    "colour": "blue",
    "size": [3, -4],
    "points": [{"x": 1, "y": None}, {"x": 0.5, "y": 2}],
    "counts": {"leaves": 7},
    "opacity": 1,
    "margin": None,
    "centre": {"x": 0, "y": 0, "z": "not known here"},
    "half": 3,
    "layer": 2,
    "owner": "not known here",
}


def decoded(**changes: object) -> Drawing:
    return decode(Drawing, Node(DOCUMENT | changes, "it"))


def test_every_kind_of_field_is_read_and_members_that_are_not_known_are_ignored() -> None:
    assert decoded() == Drawing(
        name="tree",
        file="tree.png",
        digest="0" * 64,
        visible=True,
        colour=Colour.BLUE,
        size=(3, -4),
        points=(Point(x=1.0, y=None), Point(x=0.5, y=2)),
        counts={"leaves": 7},
        opacity=1.0,
        margin=None,
        centre=Point(x=0.0, y=0),
        half=1.5,
        layer=2,
    )
    assert decoded(margin=0.25, note="n", centre=None).note == "n"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": ""}, r"it\.name must be printable text"),
        ({"file": "../tree.png"}, r"it\.file must be a plain file name"),
        ({"digest": "0"}, r"it\.digest must be a sha256"),
        ({"visible": 1}, r"it\.visible must be true or false, got 1"),
        ({"colour": "green"}, r"it\.colour is 'green'; possible: red, blue"),
        ({"size": [1]}, r"it\.size must be a list of 2, got 1"),
        ({"points": [{"x": 1, "y": None}, {"x": 1}]}, r"it\.points\[1\] has no 'y'"),
        ({"counts": {"leaves": -1}}, r"it\.counts\.leaves must be a whole number from 0"),
        ({"opacity": 1.5}, r"it\.opacity must be from 0 to 1, got 1\.5"),
        ({"margin": 1}, r"it\.margin must be between 0 and 1, got 1"),
        ({"centre": []}, r"it\.centre must be an object"),
        ({"centre": {"x": "1", "y": 0}}, r"it\.centre\.x must be a number"),
        ({"note": None}, r"it\.note must be a text, got null"),
    ],
)
def test_a_complaint_says_what_is_wrong_and_where(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidFileError, match=complaint):
        decoded(**changes)


def test_a_default_does_not_make_a_member_optional() -> None:
    with pytest.raises(InvalidFileError, match="it has no 'layer'"):
        decode(Drawing, Node({key: value for key, value in DOCUMENT.items() if key != "layer"}, "it"))
