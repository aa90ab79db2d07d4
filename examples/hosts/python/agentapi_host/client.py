"""The operations of `agentapi call`: what they call in the component, and the component's values as JSON has them."""

import contextlib
import functools

from wasmtime.component import Variant

from .component import Instance
from .records import ArgumentError, arguments, map_texts, to_json

# Operation, then interface and function of the component, and the request that it makes, if it makes one.
OPERATIONS = {
    "storage": ("storage", "mounts", "GET /storage"),
    "backup-due": ("backup", "due", "GET /backup/due"),
    "start-backup": ("backup", "start", "POST /backup"),
    "backup-status": ("backup", "status", "GET /backup/status"),
    "disks": ("disks", "list", "GET /disks"),
    "assign-disk": ("disks", "assign", "POST /disks/assign"),
    "eject-disk": ("disks", "eject", "POST /disks/eject"),
    "format-disk": ("disks", "format", "POST /disks/format"),
    "host-metrics": ("host-metrics", "collect", "GET /host/metrics"),
    "fs-uuid": ("disks", "fs-uuid", None),
    "opsign-command": ("disks", "opsign-command", None),
}


class CallError(Exception):
    """An operation failed. `fields` are those of `error` in an answer of `agentapi call`."""

    def __init__(self, kind, message, **fields):
        super().__init__(message)
        self.fields = {"kind": kind, "message": message, **fields}


class Client:
    """One agent's client, made of a component and a sender that enforces the pin."""

    def __init__(self, engine, component, sender, endpoint, fingerprints):
        self._sender = sender
        self._new_instance = functools.partial(Instance, engine, component, sender)
        self._connection = (endpoint, sender.stand_in, fingerprints)
        self._instance = None
        with self._discarding():
            self._connect()

    def call(self, operation, args=None):
        """The value of an operation, as JSON has it."""
        interface, name, route = OPERATIONS[operation]
        try:
            passed = arguments(operation, args)
        except ArgumentError as why:
            raise CallError("invalid-argument", str(why)) from why
        self._sender.start_call()
        value = self._value(self._call(interface, name, *passed), route)
        # For an id without a UUID there is an empty text.
        return "" if operation == "fs-uuid" and value is None else self._masked(value)

    def close(self):
        self._sender.close()

    @contextlib.contextmanager
    def _discarding(self):
        """Throws the instance away after a trap, or a fault of this host in an import, which is one to the component.

        Its memory is in no state that anybody thought of. The next call has a new instance.
        """
        try:
            yield
        except CallError:
            raise
        except Exception as trap:
            self._instance = None
            raise CallError("internal", self._sender.mask(f"the component failed: {trap}")) from trap

    def _connect(self):
        instance = self._new_instance()
        refusal = instance.call("session", "connect", *self._connection)
        if refusal is not None:
            raise self._error(refusal, None, None)
        self._instance = instance

    def _call(self, interface, name, *arguments):
        with self._discarding():
            if self._instance is None:
                self._connect()
            self._instance.imports.failure = None
            return self._instance.call(interface, name, *arguments)

    def _value(self, outcome, route):
        # Of the functions' results only errors are variants.
        if isinstance(outcome, Variant):
            raise self._error(outcome, route, self._instance.imports.failure)
        return to_json(outcome)

    def _masked(self, value):
        return map_texts(self._sender.mask, value)

    def _error(self, error, route, failure):
        kind, payload = error.tag, error.payload
        if kind == "failed":
            return self._error(payload, route, failure)
        if kind in ("needs-confirmation", "refused"):
            value = to_json(payload)
            who, what = ("customer", "confirm") if kind == "needs-confirmation" else ("operator", "sign")
            kind = kind if kind == "needs-confirmation" else "format-refused"
            fields = {"message": f"the {who} must {what} that {value['device']} is wiped", "value": value}
        elif kind == "http-status":
            text = f": {payload.text}" if payload.text else ""
            fields = {"message": f"{route}: HTTP {payload.status}{text}", "status": payload.status}
        else:
            # The host knows the cause where the component only has a code.
            fields = {"message": str(failure or (kind if payload is None else payload))}
        return CallError(kind, **self._masked(fields))
