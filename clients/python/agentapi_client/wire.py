"""What is written and read on both ways, without a word about how: for the clients with and without asyncio.

The controller is asked by HTTP/1.0, one connection for each request. So an answer ends with its connection, and one that is
given up is not read by the next call.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Optional, cast
from urllib.parse import quote

from .errors import AgentError, ApprovalNeeded, failure
from .records import Event


def operation(op: str, args: Optional[dict[str, Any]]) -> bytes:
    """The request for an operation of the agent."""
    acts = op in ("start-backup", "assign-disk", "eject-disk", "format-disk")
    return request("POST" if acts else "GET", f"/v1/agent/{op}", args)


def run_subject(name: str) -> bytes:
    """The request for a run of a subject."""
    return request("POST", f"/v1/subjects/{quote(name, safe='')}/run")


def request(method: str, path: str, body: Optional[dict[str, Any]] = None, accept: str = "application/json") -> bytes:
    """A request to the controller."""
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.0\r\nHost: agentapi\r\nAccept: {accept}\r\nContent-Length: {len(content)}\r\n"
    if method == "POST":
        head += f"Content-Type: application/json\r\nIdempotency-Key: {secrets.token_hex(16)}\r\n"
    return head.encode("ascii") + b"\r\n" + content


def answer(raw: bytes) -> Any:
    """The value in the controller's answer; raises the error that it tells."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    if f"content-length: {len(body)}" not in lines:
        raise interrupted("the controller", "the connection broke before the whole answer was there")
    status = lines[0].split()[1]
    try:
        value = json.loads(body)
        if status == "202":
            raise ApprovalNeeded(value["run"], value["approval"])
        if not status.startswith("2"):
            raise failure(value["kind"], value["detail"], value.get("agent_status"), value.get("value"))
    except (ValueError, LookupError, TypeError) as why:
        raise AgentError("decode", f"expected the JSON that is documented, found {body[:100]!r}") from why
    return value


def events(after: int) -> bytes:
    """The request for the stream of events."""
    return request("GET", f"/v1/events?after={after}", accept="text/event-stream")


class EventReader:
    """Reads server-sent events from the lines of an answer, its head included."""

    def __init__(self) -> None:
        self._head = b""
        self._name = ""

    def take(self, line: bytes) -> Iterator[Event]:
        """The event of this line, if it has one."""
        if not self._head.startswith(STREAM):
            self._head += line
            return
        text = line.decode().rstrip("\r\n")
        if text.startswith("event:"):
            self._name = text[6:].strip()
        elif text.startswith("data:"):
            value = json.loads(text[5:])
            # Events up to this number are not kept any more.
            yield cast(Event, {"kind": "gap", "number": value["to"]} if self._name == "gap" else value)

    def end(self) -> None:
        """Raises the refusal that came in place of a stream."""
        if not self._head.startswith(STREAM):
            answer(self._head)


def line(number: int, op: str, args: Optional[dict[str, Any]]) -> bytes:
    """A request to `agentapi call`."""
    return json.dumps({"id": number, "op": op, "args": args}).encode() + b"\n"


def line_answer(number: int, raw: bytes) -> dict[str, Any]:
    """The answer of `agentapi call` to the request of this number."""
    try:
        found: dict[str, Any] = json.loads(raw)
        if found["id"] == number:
            return found
    except (ValueError, LookupError, TypeError):
        pass
    raise interrupted("the command", "it ended without an answer; it says why on its standard error")


def outcome(found: dict[str, Any]) -> Any:
    """The value in an answer of `agentapi call`; raises the error in it."""
    if found["ok"]:
        return found["value"]
    raise failure(**found["error"])


def environment(endpoint: str, token: str, fingerprints: Sequence[str]) -> dict[str, str]:
    """The environment of `agentapi call`. The token is in it, which only the child's own user can read."""
    kept = {name: value for name, value in os.environ.items() if name not in ("AGENTAPI_TOKEN", "AGENTAPI_TOKEN_FILE")}
    pins = fingerprints if isinstance(fingerprints, str) else ",".join(fingerprints)
    return {**kept, "AGENTAPI_ENDPOINT": endpoint, "AGENTAPI_TOKEN": token, "AGENTAPI_FINGERPRINT": pins}


def arguments(command: str, deadline: Optional[float]) -> list[str]:
    """The child and its arguments, with the deadline in seconds."""
    return [command, "call", *([] if deadline is None else [f"--deadline-ms={round(deadline * 1000)}"])]


def unreachable(what: str, why: Exception) -> AgentError:
    """Nothing was sent."""
    return AgentError("unreachable", f"{what}: {why}")


def interrupted(what: str, why: object) -> AgentError:
    """What was asked for may have been done."""
    return AgentError("interrupted", f"{what}: {why}")


STREAM = b"HTTP/1.0 200 "
POLL_S = 1.0
"""Between two looks at a run."""
MAX_LINE_BYTES = 64 * 1024 * 1024
"""Of an answer of the command: the agent's is a mebibyte at most, and JSON may escape each byte of it."""
CLOSED = ("invalid-argument", "the client is closed")
