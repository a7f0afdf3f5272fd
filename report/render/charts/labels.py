"""The labels of a chart's points: beside them, or in rows above and below."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from ....runtime.text import printable_lines

# Where a label may stand, the best first: in which direction from its point, along and across the line of text.
_SIDES = ((1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1))
_ALONG, _ACROSS = {1: "left", 0: "center", -1: "right"}, {1: "bottom", 0: "center", -1: "top"}
_POINT = 6.0


class Labels:
    """Labels that cover neither one another nor a point; the axes must have their last limits and scales."""

    def __init__(self, axes: Axes) -> None:
        self._axes = axes
        self._taken: list[Bbox] = []

    def keep_clear(self, low: tuple[float, float], high: tuple[float, float]) -> None:
        """Keep labels out of the space between two corners, in the data's units; a point has twice the same."""
        self._taken.append(Bbox(self._axes.transData.transform([low, high])).padded(_POINT))

    def put(
        self,
        text: str,
        at: tuple[float, float],
        *,
        sides: Sequence[tuple[int, int]] = _SIDES,
        **style: Any,  # noqa: ANN401
    ) -> Annotation:
        """Write a label at the first side of its point that is free; at the first of all if none is.

        The point is in the data's units, a dollar sign not a formula, the style that of `matplotlib.text.Text`.
        """
        for side in sides:
            label = self._written(text, at, side, style)
            if self._is_free(label.get_window_extent()):
                break
            label.remove()
        else:
            label = self._written(text, at, sides[0], style)
        self._taken.append(label.get_window_extent())
        return label

    def _written(self, text: str, at: tuple[float, float], side: tuple[int, int], style: dict[str, Any]) -> Annotation:
        beside = (_POINT * 1.3 * side[0], _POINT * 1.3 * side[1])
        style = {"ha": _ALONG[side[0]], "va": _ACROSS[side[1]], "parse_math": False, **style}
        return self._axes.annotate(printable_lines(text), at, xytext=beside, textcoords="offset points", **style)

    def _is_free(self, box: Bbox) -> bool:
        inside = self._axes.bbox
        return inside.contains(*box.min) and inside.contains(*box.max) and box.count_overlaps(self._taken) == 0


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ascending places at least `gap` apart, to either side, within `low` and, where there is room, `high`.

    >>> spread([0, 1, 9], 2, 0, 10)
    [0.0, 2.0, 9.0]
    >>> spread([5, 5], 2, 0, 10)
    [4.0, 6.0]
    """
    count = len(places)
    right, left = list(places), list(places)
    for i in range(count):
        right[i] = max(right[i], low if i == 0 else right[i - 1] + gap)
    for i in reversed(range(count)):
        left[i] = min(left[i], high if i == count - 1 else left[i + 1] - gap)
    # Either keeps the distances, and so does the middle of both; the ends are seen to separately.
    return [(max(left[i], low + gap * i) + min(right[i], high - gap * (count - 1 - i))) / 2 for i in range(count)]
