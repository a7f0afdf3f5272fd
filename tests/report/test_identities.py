import hashlib
from base64 import b64encode

import pytest
from edgeproof.report.identities import common_positions, identify_images, image_identities

DIGESTS = [hashlib.sha256(bytes([i])).digest() for i in range(4)]


def test_an_identity_is_that_of_pixels_and_label() -> None:
    one = image_identities(identify_images(DIGESTS, ["a", "b", "a", "b"]))
    other = image_identities(identify_images(DIGESTS, ["a", "a", "a", "b"]))
    assert [a == b for a, b in zip(one, other, strict=True)] == [True, False, True, True]
    assert len({*one, *image_identities(identify_images(DIGESTS, []))}) == 8


def test_images_in_common_are_found_wherever_they_stand() -> None:
    assert common_positions([b"a", b"b", b"c"], [b"d", b"c", b"a"]) == {0: 2, 2: 1}


def test_copies_pair_up_as_often_as_both_have_them() -> None:
    assert common_positions([b"a", b"a", b"a"], [b"x", b"a", b"a"]) == {0: 1, 1: 2}
    assert common_positions([b"a"], [b"a", b"a"]) == {0: 0}


def test_a_cut_text_is_refused() -> None:
    with pytest.raises(ValueError, match="8 bytes each, got 9"):
        image_identities(b64encode(b"123456789").decode())
