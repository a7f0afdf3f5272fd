from pathlib import Path

import pytest
from edgeproof.device.state import machine_state, remarks, throttled_in_words

COOL = {"governor": "performance", "frequency_mhz": [1800], "temperature_c": 45.0, "throttled": "no", "load": 0.1}


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """Two cores and two sensors, one of them off."""
    for core, kilohertz in ((0, "1800000\n"), (1, "600000\n")):
        folder = tmp_path / f"sys/devices/system/cpu/cpu{core}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text("ondemand\n")
        (folder / "scaling_cur_freq").write_text(kilohertz)
    for zone, text in ((0, "47774\n"), (1, "61250\n"), (2, "off\n")):
        folder = tmp_path / f"sys/class/thermal/thermal_zone{zone}"
        folder.mkdir(parents=True)
        (folder / "temp").write_text(text)
    (tmp_path / "sys/class/thermal/thermal_zone1/temp").chmod(0o400)
    return tmp_path


def test_frequency_temperature_and_governor_are_read(board: Path) -> None:
    found = machine_state(board)
    assert (found["governor"], found["frequency_mhz"], found["temperature_c"]) == ("ondemand", [1800, 600], 61.25)


def test_what_a_machine_does_not_tell_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = machine_state(tmp_path)
    assert [found[key] for key in ("governor", "frequency_mhz", "temperature_c", "throttled")] == [None] * 4


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("throttled=0x0", "no"),
        (
            "throttled=0x50005",
            "under-voltage now, throttled now, under-voltage since the start, throttled since the start",
        ),
        ("VCHI initialization failed", None),
    ],
)
def test_a_raspberry_pi_is_asked_whether_it_throttles(
    printed: str, text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "vcgencmd"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = get_throttled ] && echo '{printed}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert machine_state(tmp_path)["throttled"] == text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0x1, "under-voltage now"),
        (0x2, "frequency capped now"),
        (0x8, "soft temperature limit now"),
        (0x80000, "soft temperature limit since the start"),
    ],
)
def test_each_bit_has_its_meaning(code: int, text: str) -> None:
    assert throttled_in_words(code) == text


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {}, []),
        ({"load": 1.6}, {}, ["the load was 1.6 on 2 cores before the start: something else ran, or just had"]),
        ({}, {"throttled": "throttled now"}, ["the board reports: throttled now"]),
        ({}, {"temperature_c": 84.6}, ["the processor was at 85 °C at the end"]),
        ({"governor": "powersave"}, {}, ["the frequency governor is powersave: short runs may see a slow clock"]),
    ],
)
def test_what_makes_figures_doubtful_is_said(
    before: dict[str, object], after: dict[str, object], words: list[str]
) -> None:
    assert remarks(COOL | before, COOL | after, 2) == words


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert remarks(dict.fromkeys(COOL), dict.fromkeys(COOL), 2) == []
