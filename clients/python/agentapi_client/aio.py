"""The clients for programs with asyncio. A call whose task is cancelled ends, and leaves nothing for the next one."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from typing import Any, Optional, TypeVar, cast

from . import records, wire
from .errors import AgentError

T = TypeVar("T")


class AsyncClient:
    """The operations of the agent. Each raises an AgentError where it fails."""

    async def _ask(self, op: str, args: Optional[dict[str, Any]] = None) -> Any:
        raise NotImplementedError

    async def _call(self, record: type[T], op: str, args: Optional[dict[str, Any]] = None) -> T:
        return cast(T, await self._ask(op, args))

    async def check(self) -> None:
        """Fails where nothing could be asked: a controller asks its agent, a command reads what it was given."""
        await self._ask("new")

    async def storage(self) -> records.StorageView:
        """What is mounted in the guest."""
        return await self._call(records.StorageView, "storage")

    async def backup_due(self) -> records.BackupDue:
        """Whether a backup is due, and why."""
        return await self._call(records.BackupDue, "backup-due")

    async def start_backup(self) -> records.BackupJob:
        """Starts a backup. After an error that `may_have_acted`, look at `backup_status` and start no second one."""
        return await self._call(records.BackupJob, "start-backup")

    async def backup_status(self) -> records.BackupStatus:
        """How far the latest backup is."""
        return await self._call(records.BackupStatus, "backup-status")

    async def disks(self) -> records.DiskList:
        """The disks of the guest."""
        return await self._call(records.DiskList, "disks")

    async def assign_disk(self, uuid: str, where: str, fstype: str, options: str = "") -> None:
        """Mounts the disk whose file system has this UUID in the guest."""
        await self._ask("assign-disk", {"uuid": uuid, "where": where, "fstype": fstype, "options": options})

    async def eject_disk(self, where: str) -> records.EjectResult:
        """Lets the disk go that is mounted there."""
        return await self._call(records.EjectResult, "eject-disk", {"where": where})

    async def format_disk(
        self, device: str, fstype: str, *, confirmed: bool = False, durable_id: str = ""
    ) -> records.FormatResult:
        """Formats a disk. Raises NeedsConfirmation, FormatRefused or, of a controller, ApprovalNeeded."""
        args = {"device": device, "fstype": fstype, "confirmed": confirmed, "durable_id": durable_id}
        return await self._call(records.FormatResult, "format-disk", args)

    async def host_metrics(self) -> records.MetricsView:
        """How the host and its storage are doing."""
        return await self._call(records.MetricsView, "host-metrics")

    async def close(self) -> None:
        """Gives back what the client holds."""

    async def __aenter__(self: T) -> T:
        return self

    async def __aexit__(self, *why: object) -> None:
        await self.close()


class AsyncController(AsyncClient):
    """The client of the controller (`agentapi serve`) that listens on the Unix socket at `path`."""

    def __init__(self, path: str = "/run/agentapi/agentapi.sock") -> None:
        self._path = path

    async def _ask(self, op: str, args: Optional[dict[str, Any]] = None) -> Any:
        return await self._send(wire.operation(op, args))

    async def _send(self, request: bytes) -> Any:
        reader, writer = await self._connect()
        try:
            writer.write(request)
            await writer.drain()
            raw = await reader.read()
        except OSError as why:
            raise wire.interrupted("the controller", why) from why
        finally:
            writer.close()
        return wire.answer(raw)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_unix_connection(self._path)
        except OSError as why:
            raise wire.unreachable(self._path, why) from why

    async def status(self) -> records.Status:
        """What runs, what is due and what is wrong; answered while something is frozen, too."""
        return cast(records.Status, await self._send(wire.request("GET", "/v1/status")))

    async def runs(self, limit: int = 100) -> list[records.Run]:
        """The latest runs, at most 1000."""
        found = await self._send(wire.request("GET", f"/v1/runs?limit={limit}"))
        return cast("list[records.Run]", found["runs"])

    async def run(self, run: int) -> records.Run:
        """The run of this number."""
        return cast(records.Run, await self._send(wire.request("GET", f"/v1/runs/{run}")))

    async def run_subject(self, name: str) -> int:
        """Has a subject run now, such as "backup", and gives the number of the run."""
        return cast(int, (await self._send(wire.run_subject(name)))["run"])

    async def wait_run(self, run: int) -> records.Run:
        """Waits until the run has ended. The history is not read while something is frozen: it waits on."""
        while True:
            try:
                found = await self.run(run)
                if found["ended_at"] is not None:
                    return found
            except AgentError as why:
                if why.kind not in ("frozen", "busy"):
                    raise
            await asyncio.sleep(wire.POLL_S)

    async def approvals(self) -> list[records.Approval]:
        """The wipes that wait for a person, and what became of the others."""
        found = await self._send(wire.request("GET", "/v1/approvals"))
        return cast("list[records.Approval]", found["approvals"])

    async def events(self, after: int = 0) -> AsyncIterator[records.Event]:
        """The events after the one of this number, as they happen, until the controller ends."""
        reader, writer = await self._connect()
        lines = wire.EventReader()
        try:
            writer.write(wire.events(after))
            async for line in reader:
                for event in lines.take(line):
                    yield event
            lines.end()
        finally:
            writer.close()


class AsyncCommand(AsyncClient):
    """The client over `agentapi call`; `agentapi_client.Command` describes the arguments."""

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
        self._permits = asyncio.Semaphore(processes)
        self._idle: list[_Child] = []
        self._is_closed = False

    async def _ask(self, op: str, args: Optional[dict[str, Any]] = None) -> Any:
        async with self._permits:
            child = await self._take()
            try:
                found = await child.ask(op, args)
            except BaseException:
                # Its answer may still come, and is not for the next call.
                await child.end()
                raise
            self._idle.append(child)
            if self._is_closed:
                await self.close()
        return wire.outcome(found)

    async def _take(self) -> _Child:
        if self._is_closed:
            raise AgentError(*wire.CLOSED)
        while self._idle:
            child = self._idle.pop()
            if child.process.returncode is None:
                return child
        try:
            # A session of its own: Ctrl-C is for this process, which decides what it ends.
            process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=PIPE,
                stdout=PIPE,
                env=self._environment,
                start_new_session=True,
                limit=wire.MAX_LINE_BYTES,
            )
        except (OSError, ValueError) as why:
            raise wire.unreachable(self._arguments[0], why) from why
        return _Child(process)

    async def close(self) -> None:
        """Ends the processes; one that answers a call, after it."""
        self._is_closed = True
        while self._idle:
            await self._idle.pop().end()


class _Child:
    def __init__(self, process: Process) -> None:
        self.process = process
        self._latest = 0

    async def ask(self, op: str, args: Optional[dict[str, Any]]) -> dict[str, Any]:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        self._latest += 1
        try:
            stdin.write(wire.line(self._latest, op, args))
            await stdin.drain()
            raw = await stdout.readline()
        except OSError as why:
            raise wire.interrupted("the command", why) from why
        return wire.line_answer(self._latest, raw)

    async def end(self) -> None:
        try:
            self.process.kill()
        except ProcessLookupError:
            pass
        await self.process.wait()
