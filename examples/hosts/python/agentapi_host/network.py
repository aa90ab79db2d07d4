"""From a request that the component makes to the agent's whole answer.

This is the part that is trusted. The component's request is not forwarded: the host checks which of the nine routes
it asks for, and sends a request of its own, once.
"""

import contextlib
import ipaddress
import re
import secrets

from . import http1
from .connection import Connection
from .failure import Deadline, Failure

ROUTES = {
    ("GET", "/storage"),
    ("GET", "/backup/due"),
    ("POST", "/backup"),
    ("GET", "/backup/status"),
    ("GET", "/disks"),
    ("POST", "/disks/assign"),
    ("POST", "/disks/eject"),
    ("POST", "/disks/format"),
    ("GET", "/host/metrics"),
}
DEFAULT_DEADLINE_S = 15.0
# A shorter token is part of too many words to be masked, and guards nothing.
MIN_SECRET_LENGTH = 8


class InvalidArgument(Exception):
    """An argument cannot be right. Nothing was sent."""


class PinnedSender:
    """Sends requests to one agent, whose leaf certificate has one of these fingerprints."""

    def __init__(self, endpoint, token, fingerprints, deadline_s=DEFAULT_DEADLINE_S):
        # The component checks its token too, but is given another one.
        if not re.fullmatch(r"[!-~]([ -~]*[!-~])?", token):
            raise InvalidArgument("token: expected printable ASCII, no blank at either end")
        self._endpoint, self._token, self._fingerprints = endpoint, token, fingerprints
        self._deadline_s = deadline_s
        # What the component is given in place of the token, which never enters its memory.
        self.stand_in = secrets.token_hex(16)
        self._authority = None
        # The one connection that is kept between calls, or none.
        self._idle = None

    def pin(self, authority, leaves):
        """Compares what the component was connected with. Returns the refusal: its case and the reason, or none."""
        configured = parse_authority(self._endpoint)
        if configured is None or parse_authority(authority) != configured:
            return "authority", "this instance is for another authority"
        # Equal sets, whatever the order: a component that states other pins was connected with others.
        if {leaf.hex() for leaf in leaves} != {parse_fingerprint(text) for text in self._fingerprints}:
            return "fingerprints", "the host enforces other fingerprints"
        # What was connected under another pin is not used under this one.
        self.close()
        self._authority = authority
        self._leaves = set(leaves)
        return None

    def start_call(self):
        """The deadline of a call begins."""
        self._deadline = Deadline(self._deadline_s)

    def close(self):
        """Closes the connection that is kept. The next call makes a new one."""
        if self._idle is not None:
            self._idle.close()
            self._idle = None

    def mask(self, text):
        """A text of the agent without the token, which it may repeat."""
        for secret in (self._token, self.stand_in):
            if len(secret) >= MIN_SECRET_LENGTH:
                text = text.replace(secret, "[masked]")
        return text

    def exchange(self, request):
        """Sends a request, once, and returns the status and the whole body of its answer."""
        self._admit(request)
        try:
            return self._converse(self._connect(), request)
        except http1.TooLarge as why:
            raise Failure("HTTP-response-body-size", str(why), http1.MAX_BODY_BYTES) from why
        except http1.Incomplete as why:
            raise Failure("HTTP-response-incomplete", str(why)) from why
        except http1.ProtocolError as why:
            raise Failure("HTTP-protocol-error", str(why)) from why

    def _admit(self, request):
        if self._authority is None or request.authority != self._authority:
            raise Failure("HTTP-request-denied", "a request to another authority than the pinned one")
        if request.scheme != "HTTPS":
            raise Failure("HTTP-request-denied", "a request without https")
        authorization = [value for name, value in request.headers if name.lower() == "authorization"]
        if authorization != [f"Bearer {self.stand_in}".encode()]:
            raise Failure("HTTP-request-denied", "a request without the token that the component was given")
        if (request.method, request.path) not in ROUTES:
            raise Failure("HTTP-request-denied", "a request to a route that the agent does not have")
        if len(request.body) > http1.MAX_BODY_BYTES:
            raise Failure("HTTP-request-denied", "a request body of more than 1 MiB")

    def _connect(self):
        if self._idle is not None and self._idle.is_usable():
            idle, self._idle = self._idle, None
            return idle
        self.close()
        return Connection(*parse_authority(self._authority), self._leaves, self._deadline)

    def _converse(self, connection, request):
        try:
            failed_write = connection.send(self._request_bytes(request), self._deadline)
            try:
                response = http1.Response(lambda: connection.receive(code, self._deadline))
                code = "HTTP-response-timeout"
                status = response.read_head()
                code = "connection-read-timeout"
                body = response.read_body()
            except Failure as why:
                if failed_write is None:
                    raise
                raise failed_write from why
        except BaseException:
            connection.close()
            raise
        if failed_write is None and response.is_reusable():
            self._idle = connection
        else:
            connection.close()
        # The component is shown no token either, and may repeat what it reads in an error.
        return status, self.mask(body.decode("latin-1")).encode("latin-1")

    def _request_bytes(self, request):
        headers = [("host", self._authority), ("authorization", f"Bearer {self._token}")]
        if request.method == "POST":
            headers.append(("content-type", "application/json"))
        return http1.request(request.method, request.path, headers, bytes(request.body))


def parse_fingerprint(text):
    """64 hex digits. What is none of them is refused by the component, which has the words for it."""
    return re.sub(r"[:\s]", "", text).lower()


def parse_authority(text):
    """Host and port, so that two spellings of one address are equal; none where it is no authority."""
    match = re.fullmatch(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]{1,9}))?", text.strip())
    if not match:
        return None
    host = match["v6"] if match["v6"] is not None else match["name"].lower()
    with contextlib.suppress(ValueError):
        host = ipaddress.ip_address(host)
    return host, int(match["port"] or 443)
