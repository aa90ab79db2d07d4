"""The clients with asyncio: what differs from those without."""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import AsyncIterator
from typing import Any

from agentapi_client import AgentError, AsyncClient, AsyncCommand, AsyncController, FormatRefused

from .support import PROGRAM, start_controller, start_mock


class AsyncTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        # Agents are started without asyncio, and asyncio's own warning about that is of no interest.
        asyncio.get_running_loop().slow_callback_duration = 60

    async def both_ways(self, *faults: str) -> AsyncIterator[Any]:
        agent = start_mock(self, *faults)
        pins = [agent["fingerprint"]]
        with self.subTest("command"):
            async with AsyncCommand(agent["endpoint"], agent["token"], pins, command=PROGRAM) as command:
                yield command
        with self.subTest("socket"):
            yield AsyncController(start_controller(self, start_mock(self, *faults)))

    async def test_calls_run_at_once_and_get_their_own_answers(self) -> None:
        async for client in self.both_ways():
            assert isinstance(client, AsyncClient)
            found = await asyncio.gather(*(client.storage() if i % 2 else client.backup_due() for i in range(20)))
            self.assertTrue(all("mounts" in view for view in found[1::2]))
            self.assertTrue(all("due" in view for view in found[::2]))
            with self.assertRaises(FormatRefused):
                await client.format_disk("/dev/sdb1", "ext4")
            with self.assertRaises(AgentError) as raised:
                await client.eject_disk("/nowhere")
            self.assertEqual(raised.exception.status, 404)

    async def test_a_call_that_is_given_up_leaves_no_answer_to_the_next_one(self) -> None:
        async for client in self.both_ways("storage:latency=3000*1"):
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(client.storage(), 0.1)
            self.assertIn("reason", await client.backup_due())
            self.assertIn("mounts", await client.storage())

    async def test_a_run_is_asked_for_and_its_events_are_followed(self) -> None:
        controller = AsyncController(start_controller(self, start_mock(self)))
        run = await controller.run_subject("backup")
        async for event in controller.events():
            if event["kind"] == "run-ended":
                self.assertEqual(event["run"], run)
                break
        self.assertEqual((await controller.wait_run(run))["state"], "done")
        self.assertEqual([found["id"] for found in await controller.runs()], [run])
        self.assertEqual(await controller.approvals(), [])
        self.assertIsNone((await controller.status())["freeze"])
