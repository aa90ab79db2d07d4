"""For tests outside of a component, where nothing implements the host.

`reset()` puts a host there whose agent does not answer. A test assigns the answers that it needs:
`host.storage.mounts = lambda: StorageView(vmid=101, mounts=[])`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NoReturn

from componentize_py_types import Err
from wit_world.imports.log import Level
from wit_world.imports.notify import Notification
from wit_world.imports.types import Error_Unreachable

_FUNCTIONS = {
    "backup": ("due", "start", "status"),
    "disks": ("list", "assign", "eject", "format", "fs_uuid", "opsign_command"),
    "host_metrics": ("collect",),
    "quiesce": ("freeze", "thaw"),
    "storage": ("mounts",),
}
_IMPLEMENTED = ("clock", "log", "notify", "state")


class _Interface:
    """An interface of the host: the module of the bindings, whose functions can be replaced."""

    _module: ModuleType

    def __init__(self, name: str) -> None:
        self.__dict__["_module"] = importlib.import_module(f"wit_world.imports.{name}")

    def __setattr__(self, name: str, function: Callable[..., Any]) -> None:
        # The types of the arguments stay: they are what is checked before a call.
        @functools.wraps(inspect.unwrap(getattr(self._module, name)))
        def replacement(*arguments: Any) -> Any:
            return function(*arguments)

        setattr(self._module, name, replacement)


class _Host:
    """The host's interfaces by name."""

    def __getattr__(self, name: str) -> _Interface:
        return _Interface(name)


@dataclass
class Recorded:
    """What the extension has done since the last `reset`."""

    log: list[tuple[str, str]] = field(default_factory=list)
    notifications: dict[str, Notification] = field(default_factory=dict)
    state: dict[str, bytes] = field(default_factory=dict)
    slept_ms: int = 0
    """How long it has slept, which is also what the clock shows."""


host = _Host()


def reset() -> Recorded:
    """Puts everything back: an agent that does not answer, a clock at 0, an empty state and an empty log."""
    for name, functions in _FUNCTIONS.items():
        for function in functions:
            setattr(getattr(host, name), function, _unanswered(f"{name}.{function}"))
    recorded = Recorded()

    def sleep_ms(milliseconds: int) -> None:
        recorded.slept_ms += milliseconds

    def write(level: Level, text: str) -> None:
        recorded.log.append((level.name.lower(), text))

    def send(notification: Notification) -> None:
        recorded.notifications[notification.key] = notification

    implementation: dict[str, dict[str, Any]] = {
        "clock": {
            "now_unix_ms": lambda: recorded.slept_ms,
            "monotonic_ms": lambda: recorded.slept_ms,
            "sleep_ms": sleep_ms,
        },
        "log": {"write": write},
        "notify": {"send": send, "clear": lambda key: recorded.notifications.pop(key, None) is not None},
        "state": {
            "get": recorded.state.get,
            "set": recorded.state.__setitem__,
            "delete": lambda key: recorded.state.pop(key, None) is not None,
            "list": lambda prefix: sorted(key for key in recorded.state if key.startswith(prefix)),
        },
    }
    for name in _IMPLEMENTED:
        for function, replacement in implementation[name].items():
            setattr(getattr(host, name), function, replacement)
    return recorded


def _unanswered(name: str) -> Any:
    def fail(*_: object) -> NoReturn:
        raise Err(Error_Unreachable(f"{name}: no answer is given in this test: assign a function to testing.host"))

    return fail
