"""Backup advisor: whether now is a good time for a backup of this guest, in words.

It asks and never starts one. What could not be asked is named in the answer, with the kind of its error; the advice is
`unknown` where what is left does not settle it.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import backup, host_metrics
from wit_world.imports.types import (
    BackupDue,
    BackupPhase_Failed,
    BackupPhase_Running,
    BackupStatus,
    HttpAnswer,
    MetricsView,
    Progress,
    StorageTarget,
)

# What the input may change: above these the host is too busy, too hot or too full.
DEFAULT_LIMITS = {
    "max_cpu_percent": 80,
    "max_memory_percent": 90,
    "max_temp_c": 80,
    "max_used_fraction": 0.95,
}


class Policy(exports.Policy):
    """The interface `policy` of the world."""

    def run(self, input: str) -> str:
        # An exception that leaves this function traps, and so does the traceback on the stubbed stderr: nobody would
        # learn why. Only `Err` with a text becomes the error of the WIT function.
        try:
            return json.dumps(advise(limits_in(input)), ensure_ascii=False)
        except Exception as error:
            failure = {"kind": "extension", "message": f"{type(error).__name__}: {error}"}
            raise Err(json.dumps({"error": failure}, ensure_ascii=False)) from None


def advise(limits: dict[str, float]) -> dict[str, Any]:
    errors: list[dict[str, Any]] = []
    status: BackupStatus | None = attempt("backup.status", backup.status, errors)
    due: BackupDue | None = attempt("backup.due", backup.due, errors)
    metrics: MetricsView | None = attempt("host-metrics.collect", host_metrics.collect, errors)

    against = reasons_against(metrics, limits) if metrics else []
    advice, words = decide(status, due, metrics, against)
    if status and isinstance(status.phase, BackupPhase_Failed):
        words += f" The last backup failed: {status.error or 'the agent does not say why'}."
    return {"advice": advice, "words": words, "reasons_against": against, "errors": errors}


def decide(
    status: BackupStatus | None,
    due: BackupDue | None,
    metrics: MetricsView | None,
    against: list[str],
) -> tuple[str, str]:
    if status and isinstance(status.phase, BackupPhase_Running):
        return "wait", f"A backup is running already: {status.job_id}."
    if due and not due.due:
        return "not-needed", f"No backup is due: {due.reason}."
    if against:
        return "wait", f"Not a good time: {', '.join(against)}."
    if status is None or due is None or metrics is None:
        return "unknown", "Nothing known speaks against it, but not everything could be asked."
    return "start", f"A good time for a backup, and it is due: {due.reason}."


def reasons_against(metrics: MetricsView, limits: dict[str, float]) -> list[str]:
    host = metrics.host
    measured = [
        ("the processor is busy", host.cpu_percent, limits["max_cpu_percent"], "%"),
        ("memory is short", host.memory_percent, limits["max_memory_percent"], "%"),
        ("the processor is hot", host.cpu_temp_c, limits["max_temp_c"], " °C"),
    ]
    reasons = [
        f"{what} ({value:g}{unit}, at most {limit:g}{unit})"
        for what, value, limit, unit in measured
        if value is not None and value > limit
    ]
    if not any(has_room_for_backups(target, limits) for target in metrics.storage_targets):
        reasons.append("no storage for backups answers and has room")
    return reasons


def has_room_for_backups(target: StorageTarget, limits: dict[str, float]) -> bool:
    """A storage's `content` lists what Proxmox lets it hold, such as `images,backup`."""
    return (
        "backup" in target.content.split(",")
        and target.reachable
        and target.used_fraction <= limits["max_used_fraction"]
    )


def attempt(call: str, operation: Callable[[], Any], errors: list[dict[str, Any]]) -> Any:
    """Makes one call. One that fails is noted, and the advice is given with less."""
    try:
        return operation()
    except Err as error:
        errors.append({"call": call, **describe(error.value)})
        return None


def describe(error: Any) -> dict[str, Any]:
    """A case of the WIT variant `error` is a class, such as `Error_HttpStatus`; what it carries is its `value`."""
    case = type(error).__name__.removeprefix("Error_")
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", case).lower()
    if not hasattr(error, "value"):
        return {"kind": kind}
    value = error.value
    if isinstance(value, HttpAnswer):
        return {"kind": kind, "message": f"{value.status} {value.text}".rstrip()}
    # The other value that is neither text nor number: how far a call had come at its deadline.
    return {"kind": kind, "message": value.name.lower() if isinstance(value, Progress) else str(value)}


def limits_in(input: str) -> dict[str, float]:
    given = json.loads(input)
    if not isinstance(given, dict):
        raise ValueError(f"input: expected a JSON object, found {input[:40]}")
    for name, value in given.items():
        if name not in DEFAULT_LIMITS:
            raise ValueError(f"input: expected some of {', '.join(DEFAULT_LIMITS)}, found {name}")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{name}: expected a number, found {value!r}")
    return {**DEFAULT_LIMITS, **given}
