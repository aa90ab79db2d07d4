"""The disks that the host lets this guest see."""

from __future__ import annotations

from wit_world.imports import disks as _host
from wit_world.imports.types import AssignRequest, DiskList, EjectResult, FormatRequest, FormatResult, PendingOp

from .failure import call as _call


def list() -> DiskList:
    """Every disk. Needs the grant `disks.list`."""
    return _call("disks.list", _host.list)


def assign(request: AssignRequest) -> None:
    """Mounts a disk into this guest. Needs the grant `disks.assign`."""
    _call("disks.assign", _host.assign, request)


def eject(mount_path: str) -> EjectResult:
    """Unmounts a disk and releases it from this guest. Needs the grant `disks.eject`."""
    return _call("disks.eject", _host.eject, mount_path)


def format(request: FormatRequest) -> FormatResult:
    """Formats a disk, if the agent finds that it may. Needs the grant `disks.format`.

    Raises a `CallError` of kind `needs-confirmation` or `refused`, with the `result`, where a person must decide.
    """
    return _call("disks.format", _host.format, request)


def fs_uuid(durable_id: str) -> str | None:
    """The file system UUID in a durable id. Needs the grant `disks.fs-uuid`."""
    return _call("disks.fs-uuid", _host.fs_uuid, durable_id)


def opsign_command(op: PendingOp) -> str:
    """The command that the operator runs to sign a pending operation. Needs the grant `disks.opsign-command`."""
    return _call("disks.opsign-command", _host.opsign_command, op)
