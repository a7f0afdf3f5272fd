from pathlib import Path

import pytest
from edgeproof.runtime.errors import InvalidFileError
from edgeproof.runtime.io.memory import check_memory, memory_limit

MEMINFO = "MemTotal: 8000 kB\nMemAvailable:    4000 kB\n"
HALF = 4000 * 1024 // 2


def machine(root: Path, **files: str) -> Path:
    """Write files by names in which ``__`` stands for a slash and ``_DOT_`` for a dot."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_half_of_what_is_free_may_be_taken(tmp_path: Path) -> None:
    assert memory_limit(machine(tmp_path, proc__meminfo=MEMINFO)) == HALF


@pytest.mark.parametrize(
    "files",
    [
        {"proc__self__cgroup": "0::/a/b", "sys__fs__cgroup__a__b__memory_DOT_max": "1000\n"},
        {"proc__self__cgroup": "0::/a/b", "sys__fs__cgroup__a__memory_DOT_max": "1000\n"},
        {"proc__self__cgroup": "0::/../host", "sys__fs__cgroup__memory_DOT_max": "1000\n"},
        {"proc__self__cgroup": "4:memory:/d/1", "sys__fs__cgroup__memory__memory_DOT_limit_in_bytes": "1000\n"},
    ],
)
def test_a_control_group_has_less(tmp_path: Path, files: dict[str, str]) -> None:
    assert memory_limit(machine(tmp_path, proc__meminfo=MEMINFO, **files)) == 500


def test_a_group_without_a_limit_leaves_the_machines(tmp_path: Path) -> None:
    files = {"proc__self__cgroup": "1:name=systemd:/\n0::/", "sys__fs__cgroup__memory_DOT_max": "max\n"}
    assert memory_limit(machine(tmp_path, proc__meminfo=MEMINFO, **files)) == HALF


@pytest.mark.parametrize("files", [{}, {"proc__meminfo": "MemAvailable: much"}, {"proc__self__cgroup": "0::/"}])
def test_a_system_that_does_not_say_has_no_limit(tmp_path: Path, files: dict[str, str]) -> None:
    assert memory_limit(machine(tmp_path, **files)) is None


def test_what_does_not_fit_is_refused_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.runtime.io.memory.memory_limit", lambda: 1000)
    check_memory(1000, "it")
    with pytest.raises(InvalidFileError, match="it would take 1,001 bytes of memory; at most 1,000 are possible"):
        check_memory(1001, "it")
    monkeypatch.setattr("edgeproof.runtime.io.memory.memory_limit", lambda: None)
    check_memory(2**60, "it")
