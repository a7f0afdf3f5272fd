"""The memory that is left on this machine, and refusal of what would not fit into it."""

from pathlib import Path

from ..errors import InvalidFileError

_ROOT = Path("/")


def memory_limit(root: Path = _ROOT) -> int | None:
    """Return the bytes that the content of one file may take: half of what the machine and its control group leave.

    Args:
        root: The root of the file system; tests have others.

    Returns:
        None where the system does not say, as on macOS and Windows.
    """
    found = [*_available(root), *_group_limits(root)]
    return min(found) // 2 if found else None


def check_memory(needed: int, called: str) -> None:
    """Refuse content of so many bytes that does not fit into the memory; errors call it `called`.

    Raises:
        InvalidFileError: It is larger than `memory_limit`.
    """
    limit = memory_limit()
    if limit is not None and needed > limit:
        raise InvalidFileError(
            f"{called} would take {needed:,} bytes of memory; at most {limit:,} are possible, half of what is free"
        )


def is_granted(needed: int) -> bool:
    """Return whether this process gets so many bytes of address space now; none of them are kept."""
    try:
        from mmap import mmap  # late: a prediction does not need it

        mmap(-1, needed).close()
    except (OSError, ImportError, MemoryError):
        return False
    return True


def _available(root: Path) -> list[int]:
    fields = [line.split() for line in _text(root / "proc/meminfo").splitlines()]
    return [int(field[1]) * 1024 for field in fields if field[0] == "MemAvailable:" and field[1].isdecimal()]


def _group_limits(root: Path) -> list[int]:
    """Return the limits of this process's control group and of those around it, of version 2 and 1."""
    limits: list[int] = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        base, name = (
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes") if controllers else ("sys/fs/cgroup", "memory.max")
        )
        group = Path(path.lstrip("/"))
        # Inside a container the path may be that of the host, which is not there: the root is the container's.
        texts = [_text(root / base / folder / name).strip() for folder in (group, *group.parents)]
        limits += [int(text) for text in texts if text.isdecimal()]
    return limits


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
