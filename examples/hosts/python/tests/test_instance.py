"""What the component is given, and what becomes of an instance that trapped."""

from agentapi_host.network import PinnedSender

from . import agents
from .test_pin import TOKEN, AgentTest


class Instance(AgentTest):
    def test_the_component_never_has_the_token(self):
        seen = []

        class Spy(PinnedSender):
            def exchange(self, request):
                seen.append(bytes(str(request.headers), "utf-8"))
                status, body = super().exchange(request)
                seen.append(body)
                return status, body

        body = {"ok": False, "error": f"unknown token {TOKEN}"}
        client = self.client(self.agent(lambda agent, tcp: agents.answer(agent, tcp, body)), sender=Spy)
        self.assertEqual(self.failure(client)["message"], "unknown token [masked]")
        self.assertNotIn(TOKEN.encode(), b"".join(seen))

    def test_a_token_that_is_spelled_with_escapes_is_masked(self):
        def serve(agent, tcp):
            with agent.secure(tcp) as tls:
                agent.read_request(tls)
                body = rb'{"ok":false,"error":"\u0067uest-token-abc123"}'
                tls.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

        self.assertEqual(self.failure(self.client(self.agent(serve)))["message"], "[masked]")

    def test_one_that_trapped_is_thrown_away_and_the_next_one_works(self):
        pins = []

        class Faulty(PinnedSender):
            def pin(self, authority, leaves):
                pins.append(authority)
                return super().pin(authority, leaves)

            def exchange(self, request):
                if len(pins) == 1:
                    raise RuntimeError(f"a fault of the host, with {TOKEN}")
                return super().exchange(request)

        client = self.client(self.agent(agents.answer), sender=Faulty)
        failure = self.failure(client)
        self.assertEqual(failure["kind"], "internal")
        self.assertIn("[masked]", failure["message"])
        self.assertEqual(client.call("storage")["vmid"], 101)
        self.assertEqual(len(pins), 2, "a new instance was connected")
