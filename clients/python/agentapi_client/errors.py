"""Why a call failed."""

from __future__ import annotations

from typing import Any, Optional, cast

from .records import FormatResult


class AgentError(Exception):
    """A call that failed.

    `kind` says what happened, in the words of `agentapi call`, such as "pin-mismatch"; or in those of the controller's
    API, such as "frozen". `status` is the HTTP status with which the agent answered, where the kind is "http-status".
    """

    def __init__(self, kind: str, message: str, status: Optional[int] = None, value: Any = None) -> None:
        super().__init__(kind, message, status, value)
        self.kind = kind
        self.message = message
        self.status = status
        self.value = value

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"

    @property
    def may_have_acted(self) -> bool:
        """Whether the agent may have done what it was asked for. Then look before you ask again.

        It does not know which operation it was: for one that only reads, the answer has no meaning.
        """
        return self.kind in _UNKNOWN_OUTCOMES or (self.status or 0) >= 500


class _NeedsSomebody(AgentError):
    @property
    def result(self) -> FormatResult:
        """What the agent said of the disk."""
        return cast(FormatResult, self.value)


class NeedsConfirmation(_NeedsSomebody):
    """The customer must confirm that the disk is wiped, by the durable id in the result."""


class FormatRefused(_NeedsSomebody):
    """The operator of the host must sign that the disk is wiped: the pending operation in the result."""


class ApprovalNeeded(AgentError):
    """A person has to approve the wipe, and the run wipes the disk then. Only over a controller's socket."""

    def __init__(self, run: int, approval: int) -> None:
        value = {"run": run, "approval": approval}
        super().__init__("approval-needed", f"run {run} waits for approval {approval} by a person", None, value)
        self.run = run
        self.approval = approval


def failure(kind: str, message: str, status: Optional[int] = None, value: Any = None) -> AgentError:
    """The error of this kind."""
    known = {"needs-confirmation": NeedsConfirmation, "format-refused": FormatRefused} if value else {}
    return known.get(kind, AgentError)(kind, message, status, value)


_UNKNOWN_OUTCOMES = {
    "interrupted",
    "deadline",
    "response-too-large",
    "bad-envelope",
    "decode",
    "internal",
    "in-progress",
    "outcome-unknown",
}
