"""What is printed and what the documents say, ready to be compared."""

NO_BREAK_SPACE = "\xa0"


def plain(text: str) -> str:
    """The text with ordinary spaces between numbers and their units."""
    return text.replace(NO_BREAK_SPACE, " ")
