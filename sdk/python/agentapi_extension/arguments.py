"""The arguments of a call, checked before it is made: the component traps while it lowers what has another type."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from typing import Any


def check(operation: Callable[..., Any], arguments: tuple[Any, ...]) -> list[Any]:
    """The arguments as they can be lowered. Raises `TypeError` where one has another type than the function says."""
    kinds = typing.get_type_hints(operation)
    kinds.pop("return", None)
    return [_checked(kind, value, name) for (name, kind), value in zip(kinds.items(), arguments)]


def well_formed(text: str) -> str:
    """A text without halves of surrogate pairs, which UTF-8 cannot hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _checked(kind: Any, value: Any, name: str) -> Any:
    if typing.get_origin(kind) is typing.Union:
        return None if value is None else _checked(typing.get_args(kind)[0], value, name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        expected = {str: "a text", bytes: "bytes", int: "an integer"}.get(kind, f"a {kind.__name__}")
        raise TypeError(f"{name}: expected {expected}, found {value!r}")
    if kind is str:
        return well_formed(value)
    if dataclasses.is_dataclass(value):
        kinds = typing.get_type_hints(kind)
        return kind(**{field: _checked(each, getattr(value, field), field) for field, each in kinds.items()})
    return value
