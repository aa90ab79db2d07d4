"""The input of an extension: JSON, checked against the dataclass that the extension declares.

A field is a number (`float`, `int`), `str`, `bool`, `Literal["a", "b"]`, `list[..]`, `dict`, another dataclass, or any of
these or `None`. One with a default may be absent.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import Any

from .failure import Failure


def within(default: Any = dataclasses.MISSING, *, least: float | None = None, most: float | None = None) -> Any:
    """A field that holds a number in a range: `threshold: float = within(0.8, least=0, most=1)`."""
    return dataclasses.field(default=default, metadata={"least": least, "most": most})


def read_input(text: str, shape: type | None) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise Failure("extension", f"input: expected JSON, found {_shown(text)}: {error}") from None
    return value if shape is None else _record(shape, value, "")


def _refuse(constant: str) -> None:
    """Python reads `NaN` and `Infinity`, which are no JSON."""
    raise ValueError(f"{constant} is no number")


def _record(shape: type, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise _mismatch(path, "a JSON object", value)
    fields = {each.name: each for each in dataclasses.fields(shape) if each.init}
    for name in value:
        if name not in fields:
            raise _mismatch(path, f"no field but {', '.join(fields)}" if fields else "no fields", name)
    kinds = typing.get_type_hints(shape)
    given = {}
    for name, each in fields.items():
        inner = f"{path}.{name}" if path else name
        # In JSON an absent field and `null` mean the same to most who write it.
        if value.get(name) is not None or _is_required(each):
            given[name] = _read(kinds[name], value.get(name, _NOTHING), inner, each.metadata)
    try:
        return shape(**given)
    except ValueError as error:
        # What a `__post_init__` of the author's finds.
        raise Failure("extension", f"{path or 'input'}: {error}") from None


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _read(kind: Any, value: Any, path: str, limits: typing.Mapping[str, Any]) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        choices = [each for each in arguments if each is not type(None)]
        if value is None or value is _NOTHING:
            if len(choices) < len(arguments):
                return None
        # The last one says what was expected.
        for each in choices[:-1]:
            try:
                return _read(each, value, path, limits)
            except Failure:
                continue
        return _read(choices[-1], value, path, limits)
    if kind is Any:
        return value
    if origin is typing.Literal:
        # A flag equals 0 or 1 in Python, which in JSON it does not.
        if not any(value == each and type(value) is type(each) for each in arguments):
            raise _mismatch(path, f"one of {', '.join(map(json.dumps, arguments))}", value)
        return value
    if dataclasses.is_dataclass(kind):
        return _record(typing.cast(type, kind), value, path)
    if kind in (float, int):
        return _number(kind, value, path, limits)
    expected, python = _OTHERS[origin or kind]
    if not isinstance(value, python):
        raise _mismatch(path, expected, value)
    if python is list and arguments:
        items = typing.cast(list[Any], value)
        return [_read(arguments[0], item, f"{path}[{index}]", {}) for index, item in enumerate(items)]
    return value


def _number(kind: type, value: Any, path: str, limits: typing.Mapping[str, Any]) -> Any:
    least, most = limits.get("least"), limits.get("most")
    fits = isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
    if not fits or (least is not None and value < least) or (most is not None and value > most):
        raise _mismatch(path, ("an integer" if kind is int else "a number") + _range(least, most), value)
    return value


def _range(least: float | None, most: float | None) -> str:
    if least is None:
        return "" if most is None else f" of at most {most:g}"
    return f" of at least {least:g}" if most is None else f" from {least:g} to {most:g}"


def _mismatch(path: str, expected: str, value: Any) -> Failure:
    return Failure("extension", f"{path or 'input'}: expected {expected}, found {_shown(value)}")


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"{text[:80]}…" if len(text) > 80 else text


_NOTHING = object()
_OTHERS = {str: ("a text", str), bool: ("true or false", bool), list: ("a list", list), dict: ("a JSON object", dict)}
