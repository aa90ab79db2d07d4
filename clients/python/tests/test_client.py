"""The clients without asyncio, against mock agents and controllers."""

from __future__ import annotations

import json
import os
import threading
import unittest
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from agentapi_client import (
    AgentError,
    ApprovalNeeded,
    Client,
    Command,
    Controller,
    FormatRefused,
    NeedsConfirmation,
    fs_uuid,
    opsign_command,
    wire,
)

from .support import PROGRAM, Target, start_controller, start_mock


class ClientTest(unittest.TestCase):
    def command(self, agent: Target, deadline: float | None = None) -> Command:
        client = Command(agent["endpoint"], agent["token"], agent["fingerprint"], command=PROGRAM, deadline=deadline)
        self.addCleanup(client.close)
        return client

    def both_ways(self, *faults: str) -> Iterator[Client]:
        with self.subTest("command"):
            yield self.command(start_mock(self, *faults))
        with self.subTest("socket"):
            yield Controller(start_controller(self, start_mock(self, *faults)))

    def kind_of(self, call: object) -> str:
        with self.assertRaises(AgentError) as raised:
            assert callable(call)
            call()
        self.assertNotEqual(raised.exception.message, "")
        return raised.exception.kind

    def test_operations_give_what_the_agent_says(self) -> None:
        for client in self.both_ways():
            client.check()
            self.assertEqual(
                client.storage()["mounts"][0],
                {
                    "key": "appdata",
                    "storage": "local-nvme",
                    "mount_point": "/mnt/felhom/appdata",
                    "class": "fast",
                    "backup": True,
                },
            )
            self.assertTrue(client.backup_due()["due"])
            self.assertEqual(client.disks()["disks"][0]["total_bytes"], 512110190592)
            self.assertGreater(client.host_metrics()["host"]["memory_total_bytes"], 0)
            started = client.start_backup()
            self.assertEqual(client.backup_status()["job_id"], started["job_id"])

    def test_a_format_that_needs_somebody_has_a_result(self) -> None:
        for client in self.both_ways():
            with self.assertRaises(FormatRefused) as refused:
                client.format_disk("/dev/sdb1", "ext4")
            pending = refused.exception.result["pending_op"]
            self.assertEqual(pending and pending["op"], "storage_wipe")
            with self.assertRaises(NeedsConfirmation) as confirmation:
                client.format_disk("/dev/sdc1", "ext4")
            self.assertTrue(confirmation.exception.result["durable_id"].startswith("uuid:"))

    def test_errors_have_kind_status_and_the_agents_text(self) -> None:
        for client in self.both_ways("disks:status=503", "backup-due:malformed-json"):
            with self.assertRaises(AgentError) as raised:
                client.disks()
            self.assertEqual((raised.exception.kind, raised.exception.status), ("http-status", 503))
            self.assertTrue(raised.exception.may_have_acted)
            self.assertEqual(self.kind_of(client.backup_due), "bad-envelope")
            self.assertEqual(self.kind_of(lambda: client.eject_disk("/nowhere")), "http-status")

    def test_threads_get_their_own_answers(self) -> None:
        for client in self.both_ways():
            wrong: list[object] = []

            def ask(client: Client = client, wrong: list[object] = wrong) -> None:
                for _ in range(10):
                    found = (client.storage(), client.backup_due())
                    if len(found[0].get("mounts", [])) != 3 or not found[1].get("reason"):
                        wrong.append(found)

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            if isinstance(client, Command):
                self.assertLessEqual(len(client._idle), 4)

    def test_a_call_that_goes_on_while_its_client_is_closed_ends_with_its_process(self) -> None:
        client = self.command(start_mock(self, "storage:latency=500"))
        client.check()
        process = client._idle[0].process
        thread = threading.Thread(target=client.storage)
        thread.start()
        while client._idle:
            pass
        client.close()
        thread.join()
        self.assertIsNotNone(process.poll())

    def test_what_is_not_there_is_unreachable(self) -> None:
        agent: Target = {"endpoint": "127.0.0.1:1", "fingerprint": "ab" * 32, "token": "t"}
        self.assertEqual(self.kind_of(Controller("/nowhere/socket").start_backup), "unreachable")
        self.assertEqual(self.kind_of(self.command(agent).storage), "unreachable")
        missing = Command("127.0.0.1:1", "t", ["ab" * 32], command="/nowhere/agentapi")
        self.assertEqual(self.kind_of(missing.storage), "unreachable")
        agent["fingerprint"] = "zz"
        self.assertEqual(self.kind_of(self.command(agent).storage), "invalid-argument")

    @patch.dict(os.environ, {"AGENTAPI_TOKEN_FILE": "/nowhere"})
    def test_a_command_that_ended_is_started_again_with_the_token_in_no_argument(self) -> None:
        agent = start_mock(self)
        client = self.command(agent)
        client.check()
        child = client._idle[0].process
        self.assertNotIn(agent["token"], Path(f"/proc/{child.pid}/cmdline").read_text())
        child.kill()
        child.wait()
        client.start_backup()
        client.close()
        self.assertEqual(self.kind_of(client.storage), "invalid-argument")

    def test_a_command_that_ends_during_a_call_may_have_acted(self) -> None:
        client = self.command(start_mock(self, "start-backup:latency=10000"))
        client.check()
        child = client._idle[0].process

        def end() -> None:
            while client._idle:
                pass
            child.kill()

        thread = threading.Thread(target=end)
        thread.start()
        with self.assertRaises(AgentError) as raised:
            client.start_backup()
        thread.join()
        self.assertEqual(raised.exception.kind, "interrupted")
        self.assertTrue(raised.exception.may_have_acted)

    def test_the_deadline_is_that_of_the_command(self) -> None:
        client = self.command(start_mock(self, "storage:latency=10000"), deadline=0.2)
        self.assertEqual(self.kind_of(client.storage), "deadline")

    def test_half_an_answer_is_none(self) -> None:
        whole = b'HTTP/1.0 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{"live":true}'
        self.assertEqual(wire.answer(whole), {"live": True})
        for length in range(len(whole)):
            self.assertEqual(self.kind_of(lambda length=length: wire.answer(whole[:length])), "interrupted")

    def test_helpers_need_no_agent(self) -> None:
        self.assertEqual([fs_uuid("uuid:1"), fs_uuid("byid:1")], ["1", ""])
        command = opsign_command({"op": "storage_wipe", "host_scope": "", "durable_id": "it's", "fstype": ""})
        self.assertEqual(command, """felhom-opsign -op storage_wipe -host '' -durable-id 'it'"'"'s'""")


class ControllerTest(unittest.TestCase):
    def test_a_run_is_asked_for_followed_and_listed(self) -> None:
        controller = Controller(start_controller(self, start_mock(self)))
        events = controller.events()
        run = controller.wait_run(controller.run_subject("backup"))
        self.assertEqual((run["state"], run["subject"]), ("done", "backup"))
        self.assertEqual([found["id"] for found in controller.runs()], [run["id"]])
        kinds = []
        for event in events:
            kinds.append(event["kind"])
            if event["kind"] == "run-ended":
                break
        self.assertIn("run-queued", kinds)
        self.assertEqual(controller.status()["subjects"][0]["name"], "backup")
        with self.assertRaises(AgentError) as raised:
            controller.run_subject("no/such")
        self.assertEqual(raised.exception.kind, "not-found")
        with self.assertRaises(AgentError):
            next(Controller(controller._path).events(after=1 << 80))

    def test_a_wipe_is_approved_by_a_person(self) -> None:
        controller = Controller(start_controller(self, start_mock(self)))
        with self.assertRaises(NeedsConfirmation) as unconfirmed:
            controller.format_disk("/dev/sdc1", "ext4")
        durable_id = unconfirmed.exception.result["durable_id"]
        with self.assertRaises(ApprovalNeeded) as needed:
            controller.format_disk("/dev/sdc1", "ext4", confirmed=True, durable_id=durable_id)
        (approval,) = controller.approvals()
        self.assertEqual((approval["id"], approval["state"]), (needed.exception.approval, "waiting"))
        approve = wire.request("POST", f"/v1/approvals/{approval['id']}/approve", {"durable_id": durable_id})
        controller._send(approve)
        run = controller.wait_run(needed.exception.run)
        self.assertTrue(json.loads(run["result"] or "")["formatted"])
