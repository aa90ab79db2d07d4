"""The export of an extension: from the JSON that comes in to the JSON that goes out, whatever happens in between."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, overload

from componentize_py_types import Err

from . import clock, log
from .arguments import well_formed
from .failure import Failure, case_name, describe
from .input import read_input

Run = TypeVar("Run", bound=Callable[[Any], Any])


@overload
def extension(shape: type, /) -> Callable[[Run], Run]: ...
@overload
def extension(run: Run, /) -> Run: ...
def extension(run_or_shape: Any, /) -> Any:
    """Makes an extension of a function, which stays as it is, for tests.

    @extension(Input)
    def run(input: Input): ...

    The input is parsed and checked against the fields of `Input`, a dataclass; a wrong one fails the run with the field,
    what was expected and what was found. With `@extension` alone it is whatever JSON value was given. What the function
    returns becomes the result as JSON, and what it raises the failure `{"error": {"call", "kind", "message"}}`.
    """
    if isinstance(run_or_shape, type):
        return lambda run: _export(run, run_or_shape)
    return _export(run_or_shape, None)


def _export(run: Run, shape: type | None) -> Run:
    # The bindings look for a class `Policy` in the module that is made a component.
    run.__globals__["Policy"] = type("Policy", (_Policy,), {"_run": staticmethod(run), "_shape": shape})
    return run


class _Policy:
    """The interface `policy` of the world."""

    _run: Callable[[Any], Any]
    _shape: type | None

    def run(self, input: str) -> str:
        # An exception that leaves this function traps without a text. Only `Err` becomes the error of the WIT function.
        try:
            with clock.connect(), log.capture():
                return _json(self._run(read_input(input, self._shape)))
        except BaseException as error:
            raise Err(_json({"error": describe(error)})) from None


def _json(value: Any) -> str:
    return well_formed(json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain))


def _plain(value: Any) -> Any:
    """What `json` does not know: the host's records, enums and errors."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # A case of a WIT variant says by its class alone which it is.
        if "_" in type(value).__name__ and type(value).__module__.startswith("wit_world."):
            carried = {"val": value.value} if hasattr(value, "value") else {}
            return {"tag": case_name(value), **carried}
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.name.lower()
    if hasattr(value, "as_dict"):
        return value.as_dict()
    raise Failure("extension", f"run: expected a result that JSON can hold, found {type(value).__name__}")
