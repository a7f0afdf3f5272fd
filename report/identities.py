"""Identities of test images by pixels and label, which tell the images that two reports have in common."""

import hashlib
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Mapping, Sequence

# Among a million images, two different ones share an identity with a probability of 3e-8.
_BYTES = 8


def identify_images(digests: Sequence[bytes], labels: Sequence[str]) -> str:
    """Return the identities of images with their labels, in their order, in Base64.

    Args:
        digests: SHA-256 of each image's pixels.
        labels: The names of their classes; an image that has another label is another one. Empty without labels.
    """
    texts = labels or [""] * len(digests)
    identities = (
        hashlib.sha256(digest + label.encode("utf-8", "surrogatepass")).digest()[:_BYTES]
        for digest, label in zip(digests, texts, strict=True)
    )
    return b64encode(b"".join(identities)).decode()


def image_identities(text: str) -> list[bytes]:
    """Read back what `identify_images` wrote.

    Raises:
        ValueError: It is something else.
    """
    content = b64decode(text, validate=True)
    if len(content) % _BYTES:
        raise ValueError(f"identities have {_BYTES} bytes each, got {len(content)} in all")
    return [content[start : start + _BYTES] for start in range(0, len(content), _BYTES)]


def common_positions(old: Sequence[bytes], new: Sequence[bytes]) -> Mapping[int, int]:
    """Return the positions of the images that are in both, by those in `old`; copies of an image pair up in order."""
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    for position in reversed(range(len(new))):
        places[new[position]].append(position)
    return {position: places[one].pop() for position, one in enumerate(old) if places[one]}
