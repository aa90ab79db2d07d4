"""Time; needs no grant. While a run goes on, `time` shows the same. `datetime.now` does not: its clock is a stub."""

from __future__ import annotations

import math
import time

from wit_world.imports import clock as _host


def now() -> int:
    """Milliseconds since 1970."""
    return _host.now_unix_ms()


def monotonic() -> int:
    """Milliseconds since some moment before this run, never going back."""
    return _host.monotonic_ms()


def sleep(milliseconds: float) -> None:
    """Waits. It counts towards the run's wall clock limit."""
    # A number that is no u64 would trap while it is lowered.
    if not isinstance(milliseconds, (int, float)) or not 0 <= milliseconds < 2**63:
        raise ValueError(f"clock.sleep: expected a number of milliseconds from 0, found {milliseconds}")
    _host.sleep_ms(math.ceil(milliseconds))


class connect:
    """Connects the functions of `time` to the host's clock, for the time of a block."""

    _functions = {
        "time": lambda: now() / 1000,
        "time_ns": lambda: now() * 1_000_000,
        "monotonic": lambda: monotonic() / 1000,
        "monotonic_ns": lambda: monotonic() * 1_000_000,
        "perf_counter": lambda: monotonic() / 1000,
        "perf_counter_ns": lambda: monotonic() * 1_000_000,
        "sleep": lambda seconds: sleep(seconds * 1000),
    }

    def __enter__(self) -> connect:
        self._before = {name: getattr(time, name) for name in self._functions}
        for name, function in self._functions.items():
            setattr(time, name, function)
        return self

    def __exit__(self, *_: object) -> None:
        for name, function in self._before.items():
            setattr(time, name, function)
