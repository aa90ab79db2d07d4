"""What the agent and the controller say, by their own names. A record may have more keys than are listed here."""

import shlex
from typing import Any, Optional, TypedDict

# `class` is a keyword of Python, and so these have the form of a call.
Mount = TypedDict("Mount", {"key": str, "storage": str, "mount_point": str, "class": str, "backup": bool})

Disk = TypedDict(
    "Disk",
    {
        "name": str,
        "type": str,
        "state": str,
        "backing_device": str,
        "mount_path": str,
        "class": str,
        "role": str,
        "data_bearing": bool,
        "data_reason": str,
        "total_bytes": int,
        "used_bytes": int,
        "used_fraction": float,
        "durable_id": str,
    },
)


class StorageView(TypedDict):
    vmid: int
    mounts: list[Mount]


class BackupDue(TypedDict):
    vmid: int
    due: bool
    reason: str


class BackupJob(TypedDict):
    vmid: int
    job_id: str
    phase: str


class BackupStatus(TypedDict):
    """How far the latest backup is: `phase` is idle, running, done or failed."""

    vmid: int
    phase: str
    job_id: str
    error: str


class DiskList(TypedDict):
    vmid: int
    disks: list[Disk]


class EjectResult(TypedDict):
    vmid: int
    ejected: str
    dependent_guests: list[int]


class PendingOp(TypedDict):
    """The operation that the operator of the host has to sign."""

    op: str
    host_scope: str
    durable_id: str
    fstype: str


class FormatResult(TypedDict):
    vmid: int
    device: str
    formatted: bool
    data_bearing: bool
    reason: str
    role: str
    needs_confirmation: bool
    durable_id: str
    pending_op: Optional[PendingOp]


class HostStatus(TypedDict):
    node: str
    cpu_percent: float
    memory_total_bytes: int
    memory_used_bytes: int
    memory_percent: float
    disk_total_bytes: int
    disk_used_bytes: int
    disk_percent: float
    loadavg: list[str]
    uptime_seconds: int
    cpu_temp_c: Optional[int]


class ThinPool(TypedDict):
    data_used_fraction: float
    metadata_used_fraction: Optional[float]


class Smart(TypedDict):
    health: str
    temperature_c: Optional[int]
    percentage_used: Optional[int]


class StorageTarget(TypedDict):
    name: str
    type: str
    state: str
    reachable: bool
    total_bytes: int
    used_bytes: int
    avail_bytes: int
    used_fraction: float
    content: str
    mount_path: str
    class_hint: str
    thin_pool: Optional[ThinPool]
    smart: Smart


class MetricsView(TypedDict):
    vmid: int
    host: HostStatus
    storage_targets: list[StorageTarget]


class Run(TypedDict):
    """A run of the controller; times are texts (RFC 3339), `result` is a JSON text."""

    id: int
    subject: str
    state: str
    reason: str
    queued_at: str
    started_at: Optional[str]
    ended_at: Optional[str]
    end_reason: str
    job_id: Optional[str]
    consistency: Optional[str]
    frozen_ms: Optional[int]
    result: Optional[str]


class Approval(TypedDict):
    """A wipe that a person decides on."""

    id: int
    run: int
    subject: str
    state: str
    device: str
    durable_id: str
    contents: str
    size_bytes: int
    expires_at: str


class Event(TypedDict):
    number: int
    at: str
    kind: str
    severity: str
    subject: str
    run: Optional[int]
    text: str


class Status(TypedDict):
    """What runs, what is due and what is wrong; `freeze` is None while nothing is frozen."""

    version: str
    now: str
    subjects: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    approvals: list[Approval]
    freeze: Optional[dict[str, Any]]


def fs_uuid(durable_id: str) -> str:
    """The UUID of the file system that a durable id names; empty if it names something else."""
    return durable_id[len("uuid:") :] if durable_id.startswith("uuid:") else ""


def opsign_command(pending: PendingOp) -> str:
    """The command by which the operator of the host signs the operation, quoted for a POSIX shell."""
    op, host, durable_id = (shlex.quote(word) for word in (pending["op"], pending["host_scope"], pending["durable_id"]))
    return f"felhom-opsign -op {op} -host {host} -durable-id {durable_id}"
