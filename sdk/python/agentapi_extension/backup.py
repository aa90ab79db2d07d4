"""Backups of this guest."""

from wit_world.imports import backup as _host
from wit_world.imports.types import BackupDue, BackupJob, BackupStatus

from .failure import call as _call


def due() -> BackupDue:
    """Whether a backup is due, and why. Needs the grant `backup.due`."""
    return _call("backup.due", _host.due)


def start() -> BackupJob:
    """Starts a backup and returns at once. Needs the grant `backup.start`."""
    return _call("backup.start", _host.start)


def status() -> BackupStatus:
    """The state of the latest backup. Needs the grant `backup.status`."""
    return _call("backup.status", _host.status)
