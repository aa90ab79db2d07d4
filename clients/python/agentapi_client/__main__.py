"""Answers JSON Lines as `agentapi call` does, by this client: `python -m agentapi_client [--asyncio]`.

Over the socket that AGENTAPI_SOCKET names, else over the command that AGENTAPI_COMMAND names. It shows that the client loses
nothing, and serves to try it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from inspect import isawaitable
from typing import Any, Callable, Union

from . import AsyncClient, AsyncCommand, AsyncController, Client, Command, Controller, fs_uuid, opsign_command
from .errors import AgentError

AnyClient = Union[Client, AsyncClient]


def connect(is_async: bool) -> AnyClient:
    """The client that the environment describes."""
    path = os.environ.get("AGENTAPI_SOCKET")
    if path:
        return AsyncController(path) if is_async else Controller(path)
    deadline_ms = os.environ.get("AGENTAPI_DEADLINE_MS")
    return (AsyncCommand if is_async else Command)(
        os.environ.get("AGENTAPI_ENDPOINT", ""),
        os.environ.get("AGENTAPI_TOKEN", ""),
        os.environ.get("AGENTAPI_FINGERPRINT", ""),
        command=os.environ.get("AGENTAPI_COMMAND", "agentapi"),
        deadline=int(deadline_ms) / 1000 if deadline_ms else None,
    )


def perform(client: AnyClient, op: Any, args: dict[str, Any]) -> Any:
    """The value of an operation, which may be one to await."""

    def text(name: str) -> str:
        value = args.get(name)
        if not isinstance(value, (str, type(None))):
            raise AgentError("invalid-argument", f"{name}: expected a text, found {value!r}")
        return value or ""

    confirmed = args.get("confirmed") or False
    operations: dict[Any, Callable[[], Any]] = {
        "new": client.check,
        "storage": client.storage,
        "backup-due": client.backup_due,
        "start-backup": client.start_backup,
        "backup-status": client.backup_status,
        "disks": client.disks,
        "assign-disk": lambda: client.assign_disk(text("uuid"), text("where"), text("fstype"), text("options")),
        "eject-disk": lambda: client.eject_disk(text("where")),
        "format-disk": lambda: client.format_disk(
            text("device"), text("fstype"), confirmed=confirmed, durable_id=text("durable_id")
        ),
        "host-metrics": client.host_metrics,
        "fs-uuid": lambda: fs_uuid(text("durable_id")),
        "opsign-command": lambda: opsign_command(
            {name: text(name) for name in ("op", "host_scope", "durable_id", "fstype")}  # type: ignore[arg-type]
        ),
    }
    if not isinstance(op, str) or op not in operations:
        raise AgentError("invalid-argument", f"op: expected an operation, found {op!r}")
    return operations[op]()


async def answer(client: AnyClient, line: bytes) -> dict[str, Any]:
    """The answer to a line."""
    found: dict[str, Any] = {}
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise ValueError("expected a JSON object")
        if "id" in request:
            found["id"] = request["id"]
        value = perform(client, request.get("op"), request.get("args") or {})
        return {**found, "ok": True, "value": await value if isawaitable(value) else value}
    except AgentError as why:
        extras = {"status": why.status, "value": why.value}
        error = {"kind": why.kind, "message": why.message, **{k: v for k, v in extras.items() if v is not None}}
    except ValueError as why:
        error = {"kind": "invalid-argument", "message": str(why)}
    return {**found, "ok": False, "error": error}


async def started(client: Union[Command, AsyncCommand]) -> None:
    """Has the command started before the first line, whose answer would have to wait for it."""
    try:
        checked = client.check()
        if checked is not None:
            await checked
    except AgentError:
        # The answer to every line says so.
        pass


async def main(is_async: bool) -> None:
    """Answers every line of the standard input."""
    client = connect(is_async)
    if isinstance(client, (Command, AsyncCommand)):
        await started(client)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
        print(json.dumps(await answer(client, line)), flush=True)
    closed = client.close()
    if closed is not None:
        await closed


asyncio.run(main("--asyncio" in sys.argv[1:]))
