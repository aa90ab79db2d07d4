"""The clients for programs without asyncio. Several threads may use one at once."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Optional, TypeVar, cast

from . import records, wire
from .errors import AgentError

T = TypeVar("T")


class Client:
    """The operations of the agent. Each raises an AgentError where it fails."""

    def _ask(self, op: str, args: Optional[dict[str, Any]] = None) -> Any:
        raise NotImplementedError

    def _call(self, record: type[T], op: str, args: Optional[dict[str, Any]] = None) -> T:
        return cast(T, self._ask(op, args))

    def check(self) -> None:
        """Fails where nothing could be asked: a controller asks its agent, a command reads what it was given."""
        self._ask("new")

    def storage(self) -> records.StorageView:
        """What is mounted in the guest."""
        return self._call(records.StorageView, "storage")

    def backup_due(self) -> records.BackupDue:
        """Whether a backup is due, and why."""
        return self._call(records.BackupDue, "backup-due")

    def start_backup(self) -> records.BackupJob:
        """Starts a backup. After an error that `may_have_acted`, look at `backup_status` and start no second one."""
        return self._call(records.BackupJob, "start-backup")

    def backup_status(self) -> records.BackupStatus:
        """How far the latest backup is."""
        return self._call(records.BackupStatus, "backup-status")

    def disks(self) -> records.DiskList:
        """The disks of the guest."""
        return self._call(records.DiskList, "disks")

    def assign_disk(self, uuid: str, where: str, fstype: str, options: str = "") -> None:
        """Mounts the disk whose file system has this UUID in the guest."""
        self._ask("assign-disk", {"uuid": uuid, "where": where, "fstype": fstype, "options": options})

    def eject_disk(self, where: str) -> records.EjectResult:
        """Lets the disk go that is mounted there."""
        return self._call(records.EjectResult, "eject-disk", {"where": where})

    def format_disk(
        self, device: str, fstype: str, *, confirmed: bool = False, durable_id: str = ""
    ) -> records.FormatResult:
        """Formats a disk. Raises NeedsConfirmation, FormatRefused or, of a controller, ApprovalNeeded."""
        args = {"device": device, "fstype": fstype, "confirmed": confirmed, "durable_id": durable_id}
        return self._call(records.FormatResult, "format-disk", args)

    def host_metrics(self) -> records.MetricsView:
        """How the host and its storage are doing."""
        return self._call(records.MetricsView, "host-metrics")

    def close(self) -> None:
        """Gives back what the client holds."""

    def __enter__(self: T) -> T:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()


class Controller(Client):
    """The client of the controller (`agentapi serve`) that listens on the Unix socket at `path`."""

    def __init__(self, path: str = "/run/agentapi/agentapi.sock") -> None:
        self._path = path

    def _ask(self, op: str, args: Optional[dict[str, Any]] = None) -> Any:
        return self._send(wire.operation(op, args))

    def _send(self, request: bytes) -> Any:
        with self._connect() as connection:
            try:
                connection.sendall(request)
                raw = b"".join(iter(lambda: connection.recv(65536), b""))
            except OSError as why:
                raise wire.interrupted("the controller", why) from why
        return wire.answer(raw)

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self._path)
        except OSError as why:
            connection.close()
            raise wire.unreachable(self._path, why) from why
        return connection

    def status(self) -> records.Status:
        """What runs, what is due and what is wrong; answered while something is frozen, too."""
        return cast(records.Status, self._send(wire.request("GET", "/v1/status")))

    def runs(self, limit: int = 100) -> list[records.Run]:
        """The latest runs, at most 1000."""
        return cast("list[records.Run]", self._send(wire.request("GET", f"/v1/runs?limit={limit}"))["runs"])

    def run(self, run: int) -> records.Run:
        """The run of this number."""
        return cast(records.Run, self._send(wire.request("GET", f"/v1/runs/{run}")))

    def run_subject(self, name: str) -> int:
        """Has a subject run now, such as "backup", and gives the number of the run."""
        return cast(int, self._send(wire.run_subject(name))["run"])

    def wait_run(self, run: int) -> records.Run:
        """Waits until the run has ended. The history is not read while something is frozen: it waits on."""
        while True:
            try:
                found = self.run(run)
                if found["ended_at"] is not None:
                    return found
            except AgentError as why:
                if why.kind not in ("frozen", "busy"):
                    raise
            time.sleep(wire.POLL_S)

    def approvals(self) -> list[records.Approval]:
        """The wipes that wait for a person, and what became of the others."""
        return cast("list[records.Approval]", self._send(wire.request("GET", "/v1/approvals"))["approvals"])

    def events(self, after: int = 0) -> Iterator[records.Event]:
        """The events after the one of this number, as they happen, until the controller ends."""
        with self._connect() as connection, connection.makefile("rwb") as stream:
            stream.write(wire.events(after))
            stream.flush()
            reader = wire.EventReader()
            for line in stream:
                yield from reader.take(line)
            reader.end()


class Command(Client):
    """The client over `agentapi call`: a child process for each call that runs at the same time, up to `processes`.

    Several fingerprints are those of a certificate and the next. The token is in the child's environment, and never in its
    arguments. The `deadline` of a call is in seconds, 15 by default.
    """

    def __init__(
        self,
        endpoint: str,
        token: str,
        fingerprints: Sequence[str],
        *,
        command: str = "agentapi",
        deadline: Optional[float] = None,
        processes: int = 4,
    ) -> None:
        self._arguments = wire.arguments(command, deadline)
        self._environment = wire.environment(endpoint, token, fingerprints)
        self._permits = threading.Semaphore(processes)
        self._idle: list[_Child] = []
        self._is_closed = False

    def _ask(self, op: str, args: Optional[dict[str, Any]] = None) -> Any:
        with self._permits:
            child = self._take()
            try:
                found = child.ask(op, args)
            except BaseException:
                # Its answer may still come, and is not for the next call.
                child.end()
                raise
            self._idle.append(child)
            if self._is_closed:
                self.close()
        return wire.outcome(found)

    def _take(self) -> _Child:
        if self._is_closed:
            raise AgentError(*wire.CLOSED)
        while True:
            try:
                child = self._idle.pop()
            except IndexError:
                return _Child(self._arguments, self._environment)
            if child.process.poll() is None:
                return child
            child.end()

    def close(self) -> None:
        """Ends the processes; one that answers a call, after it."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().end()


class _Child:
    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        try:
            # A session of its own: Ctrl-C is for this process, which decides what it ends.
            self.process = subprocess.Popen(
                arguments, stdin=pipe, stdout=pipe, env=environment, start_new_session=True
            )
        except (OSError, ValueError) as why:
            raise wire.unreachable(arguments[0], why) from why
        self._latest = 0

    def ask(self, op: str, args: Optional[dict[str, Any]]) -> dict[str, Any]:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        self._latest += 1
        try:
            stdin.write(wire.line(self._latest, op, args))
            stdin.flush()
            raw = stdout.readline()
        except OSError as why:
            raise wire.interrupted("the command", why) from why
        return wire.line_answer(self._latest, raw)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                # What was to be written is for a process that is gone.
                pass
