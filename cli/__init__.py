"""The `edgeproof` command."""

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; see `edgeproof.cli.command.main`."""
    # Late: a process that starts here hears Ctrl-C from the first import of the command on.
    from .command import main as run_command

    return run_command(arguments)
