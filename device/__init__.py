"""The machine: processor, system, engines that work on it, and whether they give the right answers."""

from typing import TYPE_CHECKING

from ..runtime.lazy import list_names

if TYPE_CHECKING:
    from .environment import describe_environment as describe_environment
    from .installed import Installed as Installed
    from .installed import find_installed as find_installed
    from .machine import Machine as Machine
    from .machine import read_machine as read_machine

list_names(
    __name__,
    {
        ".environment": "describe_environment",
        ".installed": "find_installed Installed",
        ".machine": "Machine read_machine",
    },
)
