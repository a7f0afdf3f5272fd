"""Commands that bring something from elsewhere, and may therefore fail without anybody's fault."""

import shutil
import subprocess
from pathlib import Path


class UnavailableError(Exception):
    """Something cannot be had on this machine; the message says what."""


def fetch(*command: str | Path) -> None:
    """Run a command without showing what it says.

    Raises:
        UnavailableError: The command does not exist, or fails; the message has its first complaint.
    """
    if shutil.which(command[0]) is None:
        raise UnavailableError(f"there is no {command[0]} on this machine")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        # As apt-get and pip begin what they complain of.
        complaints = (
            [line for line in lines if line.startswith(("E: ", "ERROR: "))] or lines[-1:] or ["no reason given"]
        )
        raise UnavailableError(f"{Path(command[0]).name}: {complaints[0]}")
