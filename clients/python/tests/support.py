"""Mock agents and controllers, which end with the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any, TypedDict

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("AGENTAPI") or str(ROOT / "target/debug/agentapi")


class Target(TypedDict):
    endpoint: str
    fingerprint: str
    token: str


def start(test: unittest.TestCase, text: str, *arguments: str) -> str:
    """Starts the command and gives the first line with this text."""
    process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    test.addCleanup(process.stdout.close)
    test.addCleanup(process.wait)
    test.addCleanup(process.send_signal, signal.SIGINT)
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"agentapi {arguments} ended before it was ready")


def start_mock(test: unittest.TestCase, *faults: str) -> Target:
    options = [option for fault in faults for option in ("--fault", fault)]
    target: Target = json.loads(start(test, "endpoint", "mock", "--json", *options))
    return target


def start_controller(test: unittest.TestCase, agent: Target) -> str:
    """The path of its socket."""
    folder = Path(tempfile.mkdtemp(prefix="agentapi-"))
    test.addCleanup(shutil.rmtree, folder)
    sections: dict[str, dict[str, Any]] = {
        "agent": {"endpoint": agent["endpoint"], "fingerprints": [agent["fingerprint"]], "token_file": "token"},
        "backup": {"cron": "0 0 1 1 *", "even_if_not_due": True, "accept_crash_consistent": True},
        "api": {"socket": str(folder / "socket"), "socket_ro": str(folder / "socket-ro")},
        "state": {"folder": "state"},
    }
    # Texts, lists and booleans of TOML look as those of JSON do.
    lines = [f"[{name}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in keys.items()) for name, keys in sections.items()]
    (folder / "controller.toml").write_text("".join(lines))
    (folder / "token").write_text(agent["token"])
    (folder / "token").chmod(0o600)
    start(test, "is ready", "serve", "--config", str(folder / "controller.toml"))
    return str(folder / "socket")
