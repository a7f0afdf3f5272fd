"""Other processes, looked at from outside."""

import time
from pathlib import Path


def is_gone(pid: int) -> bool:
    """Whether it ends within ten seconds; a zombie that nobody has waited for counts."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False
