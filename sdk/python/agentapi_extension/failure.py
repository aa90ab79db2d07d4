"""What goes wrong: a call that fails, a failure of the author's own, and the JSON that either becomes."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from componentize_py_types import Err
from wit_world.imports.types import FormatResult, HttpAnswer

from .arguments import check

Answer = TypeVar("Answer")


# With a status below 500 the agent, or a proxy before it, refuses before it acts.
_MAY_HAVE_ACTED = {"tls", "interrupted", "deadline", "response-too-large", "bad-envelope", "decode"}


class CallError(Exception):
    """A call to the host that failed. Not caught, it fails the run.

    `call` is which, such as `backup.due`; `kind` the name of the case of the WIT variant, such as `unreachable`,
    `http-status`, `denied` or `too-large`; `detail` what the case carries, in words. `status` is the HTTP status of
    `http-status`, and `result` what `disks.format` answers as `needs-confirmation` and `refused`.
    """

    def __init__(
        self,
        call: str,
        kind: str,
        detail: str | None = None,
        *,
        status: int | None = None,
        result: FormatResult | None = None,
    ) -> None:
        super().__init__(": ".join(part for part in (call, kind, detail) if part))
        self.call = call
        self.kind = kind
        self.detail = detail
        self.status = status
        self.result = result

    @property
    def may_have_acted(self) -> bool:
        """Whether the agent may have done what it was asked, although the call failed."""
        return self.kind in _MAY_HAVE_ACTED or (self.status or 0) >= 500

    def as_dict(self) -> dict[str, Any]:
        """As in the failure of a run."""
        failure = {"call": self.call, "kind": self.kind}
        return failure if self.detail is None else {**failure, "message": self.detail}


class Failure(Exception):
    """A failure that the author names: `raise Failure("no-disk", "no backup disk is mounted")`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "message": self.message}


def call(name: str, operation: Callable[..., Answer], *args: Any) -> Answer:
    """Makes one call to the host. What it raises is a `CallError`."""
    try:
        checked = check(operation, args)
    except TypeError as error:
        raise CallError(name, "invalid-argument", str(error)) from None
    try:
        return operation(*checked)
    except Err as error:
        raise _call_error(name, error.value) from None


def describe(error: BaseException) -> dict[str, Any]:
    """The failure of a run, for `{"error": ..}`."""
    if isinstance(error, (CallError, Failure)):
        return error.as_dict()
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None:
        file = re.split(r"[/\\]", trace.tb_frame.f_code.co_filename)[-1]
        message += f" ({file}:{trace.tb_lineno})"
    return {"kind": "extension", "message": message}


def _call_error(name: str, error: Any) -> CallError:
    kind = case_name(error)
    value = getattr(error, "value", None)
    # `disks.format` wraps the error of the call itself in a case of its own.
    if kind == "failed" and not isinstance(value, str):
        error, kind = value, case_name(value)
        value = getattr(error, "value", None)
    if value is None:
        return CallError(name, kind)
    if isinstance(value, HttpAnswer):
        return CallError(name, kind, f"{value.status} {value.text}".rstrip(), status=value.status)
    if isinstance(value, FormatResult):
        return CallError(name, kind, value.reason, result=value)
    if isinstance(value, Enum):
        return CallError(name, kind, value.name.lower())
    return CallError(name, kind, _with_advice(str(value)) if kind == "denied" else str(value))


def case_name(case: Any) -> str:
    """The name of a case of a WIT variant, which is a class, such as `Error_HttpStatus`."""
    name = type(case).__name__.rpartition("_")[2]
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def _with_advice(rule: str) -> str:
    """The host names a missing grant; the author needs to know where it belongs."""
    grant = re.fullmatch(r"the grant (\S+) is missing", rule)
    return f'{rule}: add "{grant[1]}" to functions in grants.toml' if grant else rule
