"""The state of a machine at a moment, such as clock and temperature, on which speed depends."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .machine import command_output, read_text

_CPUS = "sys/devices/system/cpu"
_HOT_C = 80.0
# Bits of a Raspberry Pi's firmware: now, and 16 bits higher since the board was started.
_THROTTLED = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")


def machine_state(root: Path = Path("/")) -> dict[str, Any]:
    """Return the machine's present state, from `sys` in `root`; unknown values are None.

    Returns:
        ``governor`` of the cores, ``frequency_mhz`` of each core, ``temperature_c`` of the hottest sensor,
        ``throttled`` as a Raspberry Pi's firmware tells it, mean ``load`` over the last minute.
    """
    governors = {read_text(path).strip() for path in root.glob(f"{_CPUS}/cpu[0-9]*/cpufreq/scaling_governor")}
    frequencies = _numbers(root, f"{_CPUS}/cpu[0-9]*/cpufreq/scaling_cur_freq")
    temperatures = _numbers(root, "sys/class/thermal/thermal_zone*/temp")
    return {
        "governor": ", ".join(sorted(governors - {""})) or None,
        "frequency_mhz": [round(kilohertz / 1000) for kilohertz in frequencies] or None,
        "temperature_c": max(temperatures) / 1000 if temperatures else None,
        "throttled": _throttled(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def remarks(before: Mapping[str, Any], after: Mapping[str, Any], cores: int) -> list[str]:
    """Return why the machine's state before and after a benchmark on `cores` usable cores makes figures doubtful."""
    found: list[str] = []
    if before["load"] is not None and before["load"] > cores / 2:
        found.append(
            f"the load was {before['load']:g} on {cores} cores before the start: something else ran, or just had"
        )
    if after["throttled"] is not None and after["throttled"] != "no":
        found.append(f"the board reports: {after['throttled']}")
    if after["temperature_c"] is not None and after["temperature_c"] >= _HOT_C:
        found.append(f"the processor was at {after['temperature_c']:.0f} °C at the end")
    if before["governor"] is not None and before["governor"] not in ("performance", "schedutil"):
        found.append(f"the frequency governor is {before['governor']}: short runs may see a slow clock")
    return found


def throttled_in_words(code: int) -> str:
    """Return the bits of `vcgencmd get_throttled` in words; ``"no"`` if none is set.

    Documented at https://www.raspberrypi.com/documentation/computers/os.html#get_throttled.

    >>> throttled_in_words(0x50004)
    'throttled now, under-voltage since the start, throttled since the start'
    """
    now = [f"{name} now" for bit, name in enumerate(_THROTTLED) if code >> bit & 1]
    since = [f"{name} since the start" for bit, name in enumerate(_THROTTLED) if code >> (16 + bit) & 1]
    return ", ".join(now + since) or "no"


def _throttled() -> str | None:
    code = command_output("vcgencmd", "get_throttled").strip().removeprefix("throttled=")
    try:
        return throttled_in_words(int(code, 16))
    except ValueError:
        return None


def _numbers(root: Path, pattern: str) -> list[int]:
    """Return the numbers in the files that there are; a sensor that is off has none."""
    texts = (read_text(path).strip() for path in sorted(root.glob(pattern)))
    return [int(text) for text in texts if text.lstrip("-").isdecimal()]
