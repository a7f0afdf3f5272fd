"""Text for people."""


def file_size(number: int) -> str:
    """Write a number of bytes in kB of 1,000 bytes, from a thousand of those on in MB.

    >>> file_size(86_016), file_size(999_960), file_size(2_345_678)
    ('86.0 kB', '1.0 MB', '2.3 MB')
    """
    return f"{number / 1e3:.1f} kB" if number < 999_950 else f"{number / 1e6:.1f} MB"


def count(number: int, noun: str) -> str:
    """Write a number with its noun.

    >>> count(1, "image"), count(1200, "image")
    ('1 image', '1,200 images')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    r"""Return a text with the codes of what would not be seen, or would change how the rest is: controls, directions.

    >>> print(printable("a\tb \u202ec"))
    a\tb \u202ec
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\N{NO-BREAK SPACE}" else ascii(c)[1:-1] for c in text)


def visible(name: str) -> str:
    r"""Return the name of a file, folder or class with codes as `printable`, and of all spaces but the usual one.

    >>> print(visible("a\nb\x1b[31m \xa0\u202ec"))
    a\nb\x1b[31m \xa0\u202ec
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def shortened(text: str, most: int) -> str:
    """Cut a long text in its middle: of a file's name both the folder and the end tell it from others.

    >>> shortened("cat/IMG_20240513_181203.jpeg", 20), shortened("cat/1.jpeg", 20)
    ('cat/IMG_20…1203.jpeg', 'cat/1.jpeg')
    """
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def printable_lines(text: str) -> str:
    """Return a text whose lines are `printable`."""
    return "\n".join(map(printable, text.split("\n")))
