"""A parser for arguments whose errors are one line that suggests what was meant, without the usage block."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import NoReturn

from ..runtime.errors import nearest, similar
from ..runtime.text import printable

BAD_INPUT = 2

_SIZE = "--image-size"  # takes a height and a width
_LONG_WORD = re.compile(r"\S{1000,}")


class OneLineParser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` that names an unknown option before anything else, and refuses empty arguments."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse arguments; refuse others here, where the verb is known whose help lists the possible ones."""
        typed = list(sys.argv[1:] if args is None else args)
        own = [*takewhile(self._is_own, typed)]
        spelled = _with_widths([*map(self._spelled_out, own)]) + typed[len(own) :]
        unknown = [argument for argument in own if self._is_option(argument) and not self._matches(argument)]
        if unknown and not {"-h", "--help"} & {*own}:
            self._refuse(unknown)
        known, others = super().parse_known_args(spelled, argparse.Namespace() if namespace is None else namespace)
        if others:
            self._refuse(others)
        return known, others

    def _is_own(self, argument: str) -> bool:
        """Tell whether an argument may be an option of this parser: neither behind --, nor an option of the verb."""
        return argument != "--" and (self._subparsers is None or argument.startswith("-"))

    def _is_option(self, argument: str) -> bool:
        name = argument.partition("=")[0]
        return (
            name.startswith("-") and name != "-" and " " not in name and not self._negative_number_matcher.match(name)
        )

    def _matches(self, argument: str) -> list[str]:
        """Return the options that an argument may stand for: one by its whole name, or all that begin so."""
        name = argument.partition("=")[0]
        if name in self._option_string_actions:
            return [name]
        if not name.startswith("--"):
            return [flag for flag in self._option_string_actions if flag == name[:2]]  # -h, and its value
        return [flag for flag in self._option_string_actions if flag.startswith(name)]

    def _spelled_out(self, argument: str) -> str:
        _, equals, value = argument.partition("=")
        matches = self._matches(argument) if argument.startswith("--") else []
        return f"{matches[0]}{equals}{value}" if len(matches) == 1 else argument

    def _refuse(self, others: Sequence[str]) -> NoReturn:
        wrong = next((other for other in others if other.startswith("-")), others[0])
        meant = ""
        if wrong.startswith("--"):
            # Compared without the dashes, which make all of them alike.
            flags = {flag[2:]: flag for flag in self._option_string_actions if flag.startswith("--")}
            found = nearest(wrong[2:].partition("=")[0], flags)
            meant = "" if found is None else f"; did you mean {flags[found]}?"
        elif os.path.lexists(wrong):
            meant = f"; did you mean ./{wrong}?"
        self.error(f"unrecognized arguments: {' '.join(others)}{meant}")

    def _get_value(self, action: argparse.Action, arg_string: str) -> object:
        # An empty path would be the current folder, and an empty name often the default one. A verb has a parser for
        # its own arguments, and among many images an empty name costs no answer of the others.
        if not arg_string and action.nargs not in (argparse.PARSER, argparse.ONE_OR_MORE):
            raise argparse.ArgumentError(action, "a value is needed, got ''; is a variable of the shell empty?")
        return super()._get_value(action, arg_string)  # type: ignore[misc]

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}; {similar(str(value), choices)}")

    def error(self, message: str) -> NoReturn:
        """Print the message and exit."""
        self.exit(BAD_INPUT, f"{self.prog}: error: {error_text(message)} (see {self.prog} --help)\n")


def error_text(message: str) -> str:
    """Return an error's message as one line; of a word that is far too long, such as a name, the middle is left out.

    >>> len(error_text("x" * 5000))
    401
    """
    return _LONG_WORD.sub(lambda found: f"{found[0][:200]}…{found[0][-200:]}", printable(message))


def _with_widths(arguments: Sequence[str]) -> list[str]:
    """Repeat what follows --image-size where no width does: 96 means 96 96.

    With an optional second number, argparse would take a MODEL that follows the first for it.

    >>> _with_widths(["--image-size=96", "m.keras"])
    ['--image-size', '96', '96', 'm.keras']
    """
    typed: list[str] = []
    for argument in arguments:
        typed += argument.split("=", 1) if argument.startswith(f"{_SIZE}=") else [argument]
    flags = [place for place, argument in enumerate(typed) if argument == _SIZE]
    for place in reversed(flags):  # from the end, since those behind an insertion move
        height, width = (*typed[place + 1 : place + 3], "-", "-")[:2]
        if not height.startswith("-") and (width.startswith("-") or (height.isdecimal() and not width.isdecimal())):
            typed.insert(place + 2, height)
    return typed
