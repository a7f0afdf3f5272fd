"""Text that may be anything, as it stands in GitHub's Markdown."""

import re

from ...runtime.text import printable

# An underscore inside of a word, as in the names of variants, means nothing in GitHub's Markdown.
_MARKS = re.compile(r"[\\`*\[\]|~#$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def escape(text: str) -> str:
    r"""Return a text that Markdown shows as it is, in one line and in a table's cell, too.

    >>> escape("a|b <i> *c* d_e_f _g_")
    'a\\|b &lt;i&gt; \\*c\\* d_e_f \\_g\\_'
    """
    line = "".join(" " if c in "\t\r\n" else printable(c) for c in text)
    return _MARKS.sub(r"\\\g<0>", line).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
