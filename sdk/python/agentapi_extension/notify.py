"""Messages to the operator."""

from __future__ import annotations

from typing import Literal

from wit_world.imports import notify as _host
from wit_world.imports.notify import Notification, Severity

from .failure import call as _call

SeverityName = Literal["info", "warning", "critical"]


def send(key: str, title: str, text: str = "", severity: SeverityName | Severity = Severity.WARNING) -> None:
    """Tells once, until something of it changes. Needs the grant `notify.send`."""
    if not isinstance(severity, Severity):
        try:
            severity = Severity[severity.upper()]
        except (AttributeError, KeyError):
            names = ", ".join(each.name.lower() for each in Severity)
            raise ValueError(f"notify.send: expected a severity, one of {names}, found {severity}") from None
    _call("notify.send", _host.send, Notification(key, severity, title, text))


def clear(key: str) -> bool:
    """Says that it is over, and whether it was told. Needs the grant `notify.clear`."""
    return _call("notify.clear", _host.clear, key)
