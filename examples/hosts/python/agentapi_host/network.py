"""From a request that the component makes to the agent's whole answer: pin, rules, TLS, deadline.

This is the part that is trusted. The component's request is not forwarded: the host checks which of the nine routes it asks
for, and sends a request of its own. Each call has a connection of its own, so that nothing is reused, under whatever pin.
"""

import hashlib
import ipaddress
import queue
import re
import secrets
import socket
import ssl
import threading
import time

from . import http1

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
# How OpenSSL says that the peer has presented a certificate and not proven that it holds the key.
KEY_NOT_PROVEN = {"BAD_SIGNATURE", "WRONG_SIGNATURE_TYPE", "WRONG_SIGNATURE_SIZE", "WRONG_SIGNATURE_LENGTH"}


class InvalidArgument(Exception):
    """An argument cannot be right. Nothing was sent."""


class Failure(Exception):
    """An exchange failed. `code` is the error code of `wasi:http`, the text is for people."""

    def __init__(self, code, why, payload=None):
        super().__init__(why)
        self.code, self.payload = code, payload


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
        self._context = tls_context()

    def pin(self, authority, leaves):
        """Compares what the component was connected with. Returns the refusal: its case and the reason, or none."""
        if parse_authority(authority) != parse_authority(self._endpoint):
            return "authority", "this instance is for another authority"
        # Equal sets, whatever the order: a component that states other pins was connected with others.
        if {leaf.hex() for leaf in leaves} != {parse_fingerprint(text) for text in self._fingerprints}:
            return "fingerprints", "the host enforces other fingerprints"
        self._authority = authority
        self._leaves = set(leaves)
        return None

    def start_call(self):
        """The deadline of a call begins, from looking the name up to the last byte of the answer."""
        self._ends_at = time.monotonic() + self._deadline_s

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
            with self._connect() as connection:
                return self._converse(connection, request)
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
        """A connection to a peer that presented a pinned leaf certificate and proved that it holds its key."""
        host, port = parse_authority(self._authority)
        connection = self._connect_tcp(host, port)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A name is sent as SNI and compared with nothing: the pin says which certificate is expected.
            name = None if isinstance(host, Address) else host
            # An end without close_notify is an error then, and not the end of a body.
            options = {"server_hostname": name, "do_handshake_on_connect": False, "suppress_ragged_eofs": False}
            connection = self._context.wrap_socket(connection, **options)
            self._set_timeout(connection, "connection-write-timeout")
            connection.do_handshake()
            self._check_leaf(connection)
            return connection
        except OSError as why:
            connection.close()
            raise handshake_failure(why) from why
        except BaseException:
            connection.close()
            raise

    def _check_leaf(self, tls):
        leaf = hashlib.sha256(tls.getpeercert(binary_form=True)).digest()
        if leaf not in self._leaves:
            expected = " or ".join(sorted(spell(pin) for pin in self._leaves))
            raise Failure("TLS-certificate-error", f"expected fingerprint {expected}, presented {spell(leaf)}")

    def _connect_tcp(self, host, port):
        addresses = [str(host)] if isinstance(host, Address) else self._look_up(host, port)
        failure = None
        for place, address in enumerate(addresses):
            # One that does not answer must not take the others' time.
            share = self._left("connection-timeout") / (len(addresses) - place)
            try:
                return socket.create_connection((address, port), timeout=share)
            except OSError as why:
                failure = why
        if isinstance(failure, TimeoutError):
            raise Failure("connection-timeout", "no answer within the time") from failure
        refused = isinstance(failure, ConnectionRefusedError)
        raise Failure("connection-refused" if refused else "destination-unavailable", str(failure)) from failure

    def _look_up(self, host, port):
        """The name's addresses. The resolver knows no deadline, so it is asked on a thread that may be left behind."""
        answers = queue.SimpleQueue()

        def ask():
            try:
                answers.put([entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
            except (OSError, UnicodeError) as why:
                answers.put(why)

        threading.Thread(target=ask, daemon=True).start()
        try:
            answer = answers.get(timeout=self._left("connection-timeout"))
        except queue.Empty:
            raise Failure("DNS-timeout", "the name was not found within the time") from None
        if isinstance(answer, Exception):
            raise Failure("destination-not-found", str(answer)) from answer
        return answer

    def _converse(self, tls, request):
        check_unasked(tls)
        unsent = self._send(tls, self._request_bytes(request))

        def receive():
            # Before each read, because a timeout of the socket begins anew with every byte.
            self._set_timeout(tls, phase)
            try:
                return tls.recv(65536)
            except TimeoutError:
                raise Failure(phase, "the time was over") from None
            except OSError as why:
                raise unsent or broken(why) from why

        response = http1.Response(receive)
        phase = "HTTP-response-timeout"
        status = response.read_head()
        phase = "connection-read-timeout"
        body = response.read_body()
        # The component is shown no token either, and may repeat what it reads in an error.
        return status, self.mask(body.decode("latin-1")).encode("latin-1")

    def _send(self, tls, data):
        """Sends the request. Returns what to say of a failed write if there is no answer either, which would say more."""
        sent = 0
        while sent < len(data):
            self._set_timeout(tls, "connection-write-timeout")
            try:
                sent += tls.send(data[sent : sent + 16384])
            except TimeoutError:
                raise Failure("connection-write-timeout", "the request was not sent within the time") from None
            except OSError as why:
                return broken(why) if sent else Failure("destination-unavailable", f"nothing was sent: {why}")
        return None

    def _request_bytes(self, request):
        headers = [("host", self._authority), ("authorization", f"Bearer {self._token}"), ("connection", "close")]
        if request.method == "POST":
            headers.append(("content-type", "application/json"))
        return http1.request(request.method, request.path, headers, bytes(request.body))

    def _left(self, phase):
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise Failure(phase, "the time was over")
        return left

    def _set_timeout(self, connection, phase):
        connection.settimeout(self._left(phase))


Address = (ipaddress.IPv4Address, ipaddress.IPv6Address)


def tls_context():
    """TLS 1.2 or later, for a peer that is known by its certificate alone.

    Without chain and name to check OpenSSL still verifies the signature of the handshake with the certificate's key. There
    is no session to resume: none is ever passed to `wrap_socket`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def check_unasked(tls):
    """Refuses a connection on which the peer has spoken, or which it has closed, before it was asked for anything."""
    tls.settimeout(0)
    try:
        found = "sent something before it was asked" if tls.recv(1) else "had closed the connection"
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return
    except OSError as why:
        if is_alert(why):
            raise broken(why) from why
        found = f"had closed the connection: {why}"
    raise Failure("destination-unavailable", f"the agent {found}")


def handshake_failure(why):
    if isinstance(why, TimeoutError):
        return Failure("connection-write-timeout", "the handshake was not done within the time")
    if isinstance(why, ssl.SSLError) and why.reason in KEY_NOT_PROVEN:
        return Failure("TLS-certificate-error", "the pinned certificate was presented without its key")
    return Failure("TLS-protocol-error", str(why))


def broken(why):
    """The failure of a connection that broke after a byte of the request was sent."""
    return Failure("TLS-protocol-error" if is_alert(why) else "connection-terminated", str(why))


def is_alert(why):
    return isinstance(why, ssl.SSLError) and "_ALERT_" in (why.reason or "")


def spell(fingerprint):
    return fingerprint.hex(":").upper()


def parse_fingerprint(text):
    """64 hex digits. What is none of them is refused by the component, which has the words for it."""
    return re.sub(r"[:\s]", "", text).lower()


def parse_authority(text):
    """Host and port, so that two spellings of one address are equal."""
    match = re.fullmatch(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]{1,9}))?", text.strip())
    if not match:
        return None
    host = match["v6"] if match["v6"] is not None else match["name"].lower()
    try:
        host = ipaddress.ip_address(host)
    except ValueError:
        pass
    return host, int(match["port"] or 443)
