"""Image files of every kind that Keras's loaders read, made without other programs."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageFile

HEIGHT, WIDTH = 37, 53

_RGB, _RGBA, _LA = 2, 6, 4  # PNG's colour types


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return the content of a file."""
    content = io.BytesIO()
    # Without a file behind it, Pillow's JPEG encoder has no room for noise.
    room, ImageFile.MAXBLOCK = ImageFile.MAXBLOCK, 2**22
    try:
        image.save(content, kind, **options)
    finally:
        ImageFile.MAXBLOCK = room
    return content.getvalue()


def noise(height: int = HEIGHT, width: int = WIDTH, *, smooth: int = 3, seed: int = 0) -> Image.Image:
    """Return colours that change from one patch of `smooth` pixels to the next."""
    patches = np.random.default_rng(seed).integers(0, 256, (height // smooth + 1, width // smooth + 1, 3), np.uint8)
    return Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)


def deep_png(colour_type: int, channels: int) -> bytes:
    """Return a PNG file of 16 bits with several channels, which Pillow does not write."""
    values = np.random.default_rng(1).integers(0, 2**16, (HEIGHT, WIDTH, channels)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, colour_type, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data)) for tag, data in parts
    )


def resampled_jpeg(content: bytes, factors: int, height: int, width: int) -> bytes:
    """Return a baseline JPEG file with other factors of luma (0x41: four across, one down) for as many blocks."""
    frame = content.index(b"\xff\xc0")
    patched = bytearray(content)
    patched[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    patched[frame + 11] = factors
    return bytes(patched)


def _with_orientation(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def lossless() -> dict[str, bytes]:
    """Return PNG, BMP and GIF files by their names."""
    colour = noise(smooth=1)
    alpha = Image.fromarray(np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH), np.uint8))
    gray, palette = colour.convert("L"), colour.quantize(64)
    transparent, transparent_gray = colour.copy(), gray.copy()
    transparent.putalpha(alpha)
    transparent_gray.putalpha(alpha)
    deep = Image.fromarray(np.random.default_rng(3).integers(0, 2**16, (HEIGHT, WIDTH)).astype(np.uint16))
    return {
        "gray.png": encoded(gray, "PNG"),
        "gray_keyed.png": encoded(gray, "PNG", transparency=7),
        "gray_alpha.png": encoded(transparent_gray, "PNG"),
        "rgb.png": encoded(colour, "PNG"),
        "rgb_keyed.png": encoded(colour, "PNG", transparency=colour.getpixel((3, 3))),
        "rgba.png": encoded(transparent, "PNG"),
        "palette.png": encoded(palette, "PNG"),
        "palette_index.png": encoded(palette, "PNG", transparency=3),
        "palette_alphas.png": encoded(palette, "PNG", transparency=bytes(range(0, 128, 2))),
        "palette_13.png": encoded(colour.quantize(13), "PNG"),
        "palette_2.png": encoded(colour.quantize(2), "PNG"),
        "one_bit.png": encoded(colour.convert("1"), "PNG"),
        "gray_deep.png": encoded(deep, "PNG"),
        "rgb_deep.png": deep_png(_RGB, 3),
        "rgba_deep.png": deep_png(_RGBA, 4),
        "gray_alpha_deep.png": deep_png(_LA, 2),
        "rgb.bmp": encoded(colour, "BMP"),
        "gray.bmp": encoded(gray, "BMP"),
        "palette.bmp": encoded(palette, "BMP"),
        "rgba.bmp": encoded(transparent, "BMP"),
        "colour.gif": encoded(colour, "GIF"),
        "transparent.gif": encoded(palette, "GIF", transparency=3),
        "moving.gif": encoded(
            colour, "GIF", save_all=True, append_images=[colour.transpose(Image.Transpose.ROTATE_180)]
        ),
    }


def jpegs() -> dict[str, bytes]:
    """Return JPEG files by their names."""
    found = {"gray.jpg": encoded(noise().convert("L"), "JPEG"), "cut.jpg": encoded(noise(9, 3), "JPEG")}
    for quality in (30, 75, 95, 100):
        for sampling in range(3):
            found[f"q{quality}_{sampling}.jpg"] = encoded(
                noise(100, 75, smooth=quality // 12, seed=quality + sampling),
                "JPEG",
                quality=quality,
                subsampling=sampling,
                progressive=quality == 75,
            )
    for orientation in (2, 6):
        found[f"exif_{orientation}.jpg"] = encoded(noise(), "JPEG", exif=_with_orientation(orientation))
    return found
