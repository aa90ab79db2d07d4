"""What this extension remembers from one run to the next: JSON values, or bytes. Each function needs a grant."""

from __future__ import annotations

import builtins
import json
from typing import Any

from wit_world.imports import state as _host

from .failure import Failure as _Failure
from .failure import call as _call


def get(key: str, otherwise: Any = None) -> Any:
    """The JSON value of a key, or `otherwise` where there is no such key. Needs the grant `state.get`."""
    value = get_bytes(key)
    if value is None:
        return otherwise
    try:
        return json.loads(value)
    except ValueError:
        message = f"state.get: {key}: expected JSON, found {len(value)} bytes that are none"
        raise _Failure("extension", message) from None


def set(key: str, value: Any) -> None:
    """Sets the JSON value of a key. Needs the grant `state.set`."""
    set_bytes(key, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def get_bytes(key: str) -> bytes | None:
    return _call("state.get", _host.get, key)


def set_bytes(key: str, value: bytes) -> None:
    _call("state.set", _host.set, key, value)


def delete(key: str) -> bool:
    """Says whether there was such a key. Needs the grant `state.delete`."""
    return _call("state.delete", _host.delete, key)


def list(prefix: str = "") -> builtins.list[str]:
    """The keys that begin with this text. Needs the grant `state.list`."""
    return _call("state.list", _host.list, prefix)
