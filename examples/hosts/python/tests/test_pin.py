"""What the host promises before a byte of a request is sent, and how long a call may take."""

import os
import threading
import unittest
from functools import partial
from pathlib import Path

from agentapi_host.client import CallError, Client
from agentapi_host.component import load
from agentapi_host.failure import Failure
from agentapi_host.imports import OutgoingRequest
from agentapi_host.network import InvalidArgument, PinnedSender

from . import agents

COMPONENT = Path(__file__).parents[4] / "host-harness" / "component" / "agentapi.wasm"
TOKEN = "guest-token-abc123"
PINS = (agents.fingerprint(agents.PINNED),)


class AgentTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.loaded = load(COMPONENT, os.environ.get("AGENTAPI_CACHE_DIR"))

    def agent(self, serve, certificate=agents.PINNED):
        agent = agents.Agent(serve, certificate)
        self.addCleanup(agent.stop)
        return agent

    def client(self, agent, sender=PinnedSender, deadline_s=5.0, pins=PINS):
        made = sender(agent.endpoint, TOKEN, list(pins), deadline_s)
        self.addCleanup(made.close)
        return Client(*self.loaded, made, agent.endpoint, list(pins))

    def failure(self, client, operation="storage"):
        with self.assertRaises(CallError) as caught:
            client.call(operation)
        return caught.exception.fields


class Pin(AgentTest):
    def test_the_pinned_agent_is_asked_with_the_token(self):
        agent = self.agent(agents.answer)
        self.assertEqual(self.client(agent).call("storage"), {"vmid": 101, "mounts": []})
        agent.stop()
        head = agent.received.decode()
        self.assertTrue(head.startswith("GET /storage HTTP/1.1\r\n"), head)
        self.assertIn(f"\r\nauthorization: Bearer {TOKEN}\r\n", head)

    def test_another_leaf_is_refused_before_a_byte_is_sent(self):
        agent = self.agent(agents.answer, certificate=agents.OTHER)
        self.assertEqual(self.failure(self.client(agent))["kind"], "pin-mismatch")
        agent.stop()
        self.assertEqual((agent.connections, bytes(agent.received)), (1, b""))

    def test_the_pinned_leaf_without_its_key_is_refused_before_a_byte_is_sent(self):
        for version in ((3, 3), (3, 4)):
            with self.subTest(version=version):
                agent = self.agent(agents.impersonate(version))
                self.assertEqual(self.failure(self.client(agent))["kind"], "pin-mismatch")
                agent.stop()
                self.assertEqual((agent.connections, bytes(agent.received)), (1, b""))

    def test_both_pins_of_a_rotation_are_accepted(self):
        pins = [agents.fingerprint(agents.OTHER), agents.fingerprint(agents.PINNED)]
        for certificate in (agents.PINNED, agents.OTHER):
            client = self.client(self.agent(agents.answer, certificate), pins=pins)
            self.assertEqual(client.call("storage")["vmid"], 101)

    def test_only_what_the_host_was_configured_with_may_be_pinned(self):
        first, second = bytes(32), bytes([1]) * 32
        sender = PinnedSender("agent", TOKEN, [first.hex(), second.hex().upper()])
        self.assertIsNone(sender.pin("agent:443", [second, first]))
        self.assertEqual(sender.pin("other:443", [first, second])[0], "authority")
        for leaves in ([], [first], [first, bytes([2]) * 32], [first, second, bytes([2]) * 32]):
            self.assertEqual(sender.pin("agent:443", leaves)[0], "fingerprints", leaves)


class Reuse(AgentTest):
    """What becomes of the connection of the call before."""

    def connections(self, after_the_first, headers=b""):
        answered = threading.Event()

        def serve(agent, tcp):
            with agent.secure(tcp) as tls:
                while True:
                    agent.read_request(tls)
                    agents.send(tls, headers=headers)
                    if not answered.is_set():
                        after_the_first(tls)
                        answered.set()

        agent = self.agent(serve)
        client = self.client(agent)
        self.assertEqual(client.call("storage")["vmid"], 101)
        self.assertTrue(answered.wait(10))
        self.assertEqual(client.call("storage")["vmid"], 101)
        client.close()
        agent.stop()
        return agent.connections

    def test_one_on_which_nothing_arrived_is_used_again(self):
        self.assertEqual(self.connections(lambda tls: None), 1)

    def test_one_on_which_something_arrived_is_not(self):
        stray = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
        self.assertEqual(self.connections(lambda tls: tls.sendall(stray)), 2)
        # The beginning of a record, of which TLS shows nothing.
        self.assertEqual(self.connections(lambda tls: os.write(tls.fileno(), b"\x17\x03\x03\x00\x20")), 2)

    def test_one_that_the_agent_closes_is_not(self):
        self.assertEqual(self.connections(lambda tls: None, headers=b"connection: close\r\n"), 2)


class Deadline(AgentTest):
    def test_it_is_one_for_the_whole_call(self):
        # The agent is never silent for as long as the deadline is.
        stopped = threading.Event()
        self.addCleanup(stopped.set)
        agent = self.agent(partial(agents.answer, wait=lambda: stopped.wait(0.05)))
        failure = self.failure(self.client(agent, deadline_s=0.5))
        self.assertEqual(failure["kind"], "deadline", failure)


class Token(unittest.TestCase):
    def test_what_no_header_can_carry_is_refused(self):
        for token in ("", " ", "a ", "a\nb", "a\r\nx: y", "\u00e9", "a\x00"):
            with self.assertRaises(InvalidArgument) as caught:
                PinnedSender("agent", token, [])
            self.assertNotIn("x: y", str(caught.exception))


class Request(AgentTest):
    """A hostile component: what it asks for is refused, and there is no connection."""

    def setUp(self):
        self.sender = PinnedSender("agent.invalid", TOKEN, [bytes(32).hex()])
        self.sender.pin("agent.invalid:443", [bytes(32)])
        self.sender.start_call()

    def refused(self, **changes):
        request = OutgoingRequest([("authorization", f"Bearer {self.sender.stand_in}".encode())])
        vars(request).update({"scheme": "HTTPS", "authority": "agent.invalid:443", "path": "/storage", **changes})
        with self.assertRaises(Failure) as caught:
            self.sender.exchange(request)
        return caught.exception.code == "HTTP-request-denied"

    def test_only_nine_routes_of_one_authority_by_https_leave(self):
        self.assertFalse(self.refused(), "the request itself is fine")
        hostile = (
            {"path": "/storage?x"},
            {"path": "/storage/"},
            {"path": None},
            {"method": "POST"},
            {"method": "DELETE", "path": "/disks"},
            {"scheme": "HTTP"},
            {"scheme": None},
            {"authority": "agent.invalid"},
            {"authority": "elsewhere.invalid:443"},
            {"headers": []},
            {"headers": [("authorization", f"Bearer {TOKEN}".encode())]},
            {"method": "POST", "path": "/backup", "body": bytes(1024 * 1024 + 1)},
        )
        for changes in hostile:
            self.assertTrue(self.refused(**changes), changes)

    def test_nothing_leaves_before_the_pin(self):
        self.sender = PinnedSender("agent.invalid", TOKEN, [bytes(32).hex()])
        self.sender.start_call()
        self.assertTrue(self.refused())
