"""Agents for the tests: threads that listen on loopback, each with as much of TLS and HTTP as its test needs."""

import contextlib
import hashlib
import json
import socket
import ssl
import threading
from pathlib import Path

from tlslite.errors import TLSError
from tlslite.handshakesettings import HandshakeSettings
from tlslite.tlsconnection import TLSConnection
from tlslite.utils.keyfactory import parsePEMKey
from tlslite.x509certchain import X509CertChain

# Throw-away certificates with their keys, which the recorded exchanges have too.
CERTIFICATES = Path(__file__).parents[4] / "tools" / "host-conformance" / "recorded" / "certs"
PINNED, OTHER = CERTIFICATES / "p256.pem", CERTIFICATES / "other.pem"
STORAGE = {"ok": True, "data": {"vmid": 101, "mounts": []}}


def fingerprint(certificate):
    pem = certificate.read_text()
    end = "-----END CERTIFICATE-----"
    pem = pem[pem.index("-----BEGIN CERTIFICATE-----") : pem.index(end) + len(end)]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


class Agent:
    """Serves connections one after the other, and keeps what was received inside of TLS."""

    def __init__(self, serve, certificate=PINNED):
        self.received = bytearray()
        self.connections = 0
        self._serve, self._certificate = serve, certificate
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def endpoint(self):
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def stop(self):
        """Afterwards everything that arrived has been counted."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self):
        while True:
            try:
                tcp, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            # A client that does not do what a test expects must fail it, and not hang it.
            tcp.settimeout(10)
            with contextlib.suppress(OSError, TLSError, ValueError), tcp:
                self._serve(self, tcp)

    def read_request(self, connection):
        head = bytearray()
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                raise OSError("the client has ended the connection")
            head += byte
            self.received += byte

    def secure(self, tcp):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        return context.wrap_socket(tcp, server_side=True)


def answer(agent, tcp, body=STORAGE, wait=None):
    """An agent that has one answer."""
    with agent.secure(tcp) as tls:
        agent.read_request(tls)
        send(tls, body, wait)


def send(tls, body=STORAGE, wait=None, headers=b""):
    """Sends an answer: all of it, or with `wait` a byte, waits, and so on."""
    body = json.dumps(body).encode()
    data = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n%s\r\n%s" % (len(body), headers, body)
    if wait is None:
        return tls.sendall(data)
    for at in range(len(data)):
        tls.sendall(data[at : at + 1])
        wait()


def impersonate(version):
    """An impostor: it presents the pinned certificate, which is public, and signs with a key of its own.

    Python's own `ssl` does not let a server do that.
    """

    def serve(agent, tcp):
        chain = X509CertChain()
        chain.parsePemList(PINNED.read_text())
        settings = HandshakeSettings()
        settings.minVersion = settings.maxVersion = version
        key = parsePEMKey(OTHER.read_text(), private=True)
        connection = TLSConnection(tcp)
        connection.handshakeServer(certChain=chain, privateKey=key, settings=settings)
        agent.read_request(connection)

    return serve
