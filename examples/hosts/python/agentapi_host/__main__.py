"""Speaks the protocol of `agentapi call`: JSON Lines on standard input, an answer to each on standard output."""

import argparse
import json
import os
import sys
from pathlib import Path

from .client import OPERATIONS, CallError, Client
from .component import load
from .network import DEFAULT_DEADLINE_S, InvalidArgument, PinnedSender

# Beside the package, or where the repository has it.
COMPONENTS = ("../agentapi.wasm", "../../../../host-harness/component/agentapi.wasm")


def main(make_sender=PinnedSender):
    options = parse_options()
    try:
        client, failure = connect(options, make_sender), None
    except CallError as why:
        client, failure = None, why
    for line in sys.stdin.buffer:
        try:
            print(json.dumps(answer(client, failure, line), separators=(",", ":")), flush=True)
        except BrokenPipeError:
            # The reader has seen enough. Python would fail once more when it closes standard output.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            break
    if client:
        client.close()


def parse_options():
    parser = argparse.ArgumentParser(prog="python -m agentapi_host", description=__doc__)
    variable = os.environ.get
    parser.add_argument("--endpoint", default=variable("AGENTAPI_ENDPOINT"), help="host:port of the agent")
    parser.add_argument("--fingerprint", action="append", help="SHA-256 of its leaf certificate; repeatable")
    parser.add_argument("--deadline-ms", type=int, default=variable("AGENTAPI_DEADLINE_MS"), help="of a whole call")
    parser.add_argument("--component", default=variable("AGENTAPI_COMPONENT", find_component()), help="its file")
    options = parser.parse_args()
    # Never an argument: every user of the machine can read those.
    options.token = variable("AGENTAPI_TOKEN")
    if options.fingerprint is None and "AGENTAPI_FINGERPRINT" in os.environ:
        options.fingerprint = variable("AGENTAPI_FINGERPRINT").split(",")
    for name in ("endpoint", "fingerprint", "token", "component"):
        if getattr(options, name) is None:
            parser.error(f"expected AGENTAPI_{name.upper()} in the environment")
    if not Path(options.component).is_file():
        parser.error(f"expected a component, found no file {options.component}")
    return options


def find_component():
    return next((path for path in (Path(__file__).parent / name for name in COMPONENTS) if path.exists()), None)


def connect(options, make_sender):
    deadline_s = DEFAULT_DEADLINE_S if options.deadline_ms is None else options.deadline_ms / 1000
    try:
        sender = make_sender(options.endpoint, options.token, options.fingerprint, deadline_s)
    except InvalidArgument as why:
        raise CallError("invalid-argument", str(why)) from why
    engine, component = load(options.component, cache_folder())
    return Client(engine, component, sender, options.endpoint, options.fingerprint)


def cache_folder():
    """The folder of `agentapi` itself, which is this user's alone. An empty variable: nowhere."""
    named = os.environ.get("AGENTAPI_CACHE_DIR")
    if named is not None:
        return Path(named) if named else None
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentapi"


def answer(client, failure, line):
    """The answer to a line, whatever it holds."""
    found = {}
    try:
        found = read_object(line)
        if failure:
            raise failure
        value = perform(client, found)
    except CallError as why:
        outcome = {"ok": False, "error": why.fields}
    else:
        outcome = {"ok": True, "value": value}
    return {"id": found["id"], **outcome} if "id" in found else outcome


def read_object(line):
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as why:
        raise CallError("invalid-argument", f"expected a JSON object: {why}") from why
    if not isinstance(found, dict):
        raise CallError("invalid-argument", "expected a JSON object")
    return found


def perform(client, found):
    operation = found.get("op")
    if operation == "new":
        # Nothing to do: it was connected before the first line.
        return None
    if not isinstance(operation, str) or operation not in OPERATIONS:
        raise CallError("invalid-argument", f"op: expected one of new, {', '.join(OPERATIONS)}")
    return client.call(operation, found.get("args"))


if __name__ == "__main__":
    main()
