"""Text for people."""


def file_size(number: int) -> str:
    """Write a number of bytes in kB of 1,000 bytes, from a thousand of those on in MB.

    >>> file_size(86_016), file_size(999_960), file_size(2_345_678)
    ('86.0 kB', '1.0 MB', '2.3 MB')
    """
    return f"{number / 1e3:.1f} kB" if number < 999_950 else f"{number / 1e6:.1f} MB"
