"""Backup advisor: whether now is a good time for a backup of this guest, in words.

It asks and never starts one. What could not be asked is named in the answer, with the kind of its error; the advice is
`unknown` where what is left does not settle it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from agentapi_extension import CallError, backup, extension, host_metrics
from wit_world.imports.types import (
    BackupDue,
    BackupPhase_Failed,
    BackupPhase_Running,
    BackupStatus,
    MetricsView,
    StorageTarget,
)

Answer = TypeVar("Answer")


@dataclass
class Limits:
    """What the input may change: above these the host is too busy, too hot or too full."""

    max_cpu_percent: float = 80
    max_memory_percent: float = 90
    max_temp_c: float = 80
    max_used_fraction: float = 0.95


@extension(Limits)
def run(limits: Limits) -> dict[str, Any]:
    errors: list[CallError] = []
    status = attempt(backup.status, errors)
    due = attempt(backup.due, errors)
    metrics = attempt(host_metrics.collect, errors)

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


def reasons_against(metrics: MetricsView, limits: Limits) -> list[str]:
    host = metrics.host
    measured = [
        ("the processor is busy", host.cpu_percent, limits.max_cpu_percent, "%"),
        ("memory is short", host.memory_percent, limits.max_memory_percent, "%"),
        ("the processor is hot", host.cpu_temp_c, limits.max_temp_c, " °C"),
    ]
    reasons = [
        f"{what} ({value:g}{unit}, at most {limit:g}{unit})"
        for what, value, limit, unit in measured
        if value is not None and value > limit
    ]
    if not any(has_room_for_backups(target, limits) for target in metrics.storage_targets):
        reasons.append("no storage for backups answers and has room")
    return reasons


def has_room_for_backups(target: StorageTarget, limits: Limits) -> bool:
    """A storage's `content` lists what Proxmox lets it hold, such as `images,backup`."""
    return (
        "backup" in target.content.split(",")
        and target.reachable
        and target.used_fraction <= limits.max_used_fraction
    )


def attempt(call: Callable[[], Answer], errors: list[CallError]) -> Answer | None:
    """Makes one call. One that fails is noted, and the advice is given with less."""
    try:
        return call()
    except CallError as error:
        errors.append(error)
        return None
