"""Printed text and the text of documents, ready to be compared."""

import re


def plain(text: str) -> str:
    """The text with ordinary spaces between numbers and their units."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def texts_of_svg(drawing: str) -> list[str]:
    """The texts in an SVG drawing."""
    return [plain(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", drawing)]


def code_blocks(page: str, language: str) -> list[str]:
    """The code of a Markdown page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def links_to_files(page: str) -> list[str]:
    """The files that a Markdown page links to, images among them; no addresses of the web."""
    links = re.findall(r'(?:\]\(|src=")([^)"#]+)', page)
    return [link for link in links if "://" not in link]
