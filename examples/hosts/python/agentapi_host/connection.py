"""A connection to a peer that presented a pinned leaf certificate and proved that it holds its key."""

import hashlib
import ipaddress
import queue
import select
import socket
import ssl
import threading
import time

from .failure import Failure

# How OpenSSL says that the peer has presented a certificate and not proven that it holds the key.
KEY_NOT_PROVEN = {"BAD_SIGNATURE", "WRONG_SIGNATURE_TYPE", "WRONG_SIGNATURE_SIZE", "WRONG_SIGNATURE_LENGTH"}
# Many servers close what was idle for 60 or 75 seconds, and a request that crosses the end on its way is lost.
MAX_IDLE_S = 30.0
WRITE_BYTES = 16384
READ_BYTES = 65536


class Connection:
    """TLS 1.2 or later. Every wait ends with the deadline of the call that it is for."""

    def __init__(self, host, port, leaves, deadline):
        tcp = connect_tcp(host, port, deadline)
        try:
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._tls = wrap(tcp, host)
        except BaseException:
            tcp.close()
            raise
        try:
            self._tls.settimeout(deadline.left("connection-write-timeout"))
            self._tls.do_handshake()
            check_leaf(self._tls, leaves)
            self._check_unasked()
        except OSError as why:
            self.close()
            raise handshake_failure(why) from why
        except BaseException:
            self.close()
            raise
        self._used_at = time.monotonic()

    def close(self):
        self._tls.close()

    def is_usable(self):
        """Whether it may carry another request: nothing has arrived since the last answer.

        Whatever has, an end, a session ticket, the beginning of a record, was not asked for. It is still in the socket,
        because OpenSSL reads one record at a time, or in what is left of the last record.
        """
        has_arrived = self._tls.pending() or select.select([self._tls], [], [], 0)[0]
        return not has_arrived and time.monotonic() - self._used_at < MAX_IDLE_S

    def send(self, data, deadline):
        """Sends a request. Returns what to say of a failed write if there is no answer either, which would say more."""
        for at in range(0, len(data), WRITE_BYTES):
            self._tls.settimeout(deadline.left("connection-write-timeout"))
            try:
                self._tls.sendall(data[at : at + WRITE_BYTES])
            except TimeoutError:
                raise Failure("connection-write-timeout", "the request was not sent within the time") from None
            except OSError as why:
                return broken(why) if at else Failure("destination-unavailable", f"nothing was sent: {why}")
        return None

    def receive(self, code, deadline):
        """Some bytes, or none where the peer has ended the connection. `code` is the error where the time is over."""
        # Before each read, because a timeout of the socket begins anew with every byte.
        self._tls.settimeout(deadline.left(code))
        try:
            received = self._tls.recv(READ_BYTES)
        except TimeoutError:
            raise Failure(code, "the time was over") from None
        except OSError as why:
            raise broken(why) from why
        self._used_at = time.monotonic()
        return received

    def _check_unasked(self):
        """Refuses a peer that has spoken, or has ended the connection, before it was asked for anything."""
        self._tls.settimeout(0)
        try:
            found = "sent something before it was asked" if self._tls.recv(1) else "had closed the connection"
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            # Nothing but session tickets, which are never used.
            return
        except OSError as why:
            if is_alert(why):
                raise broken(why) from why
            found = f"had closed the connection: {why}"
        raise Failure("destination-unavailable", f"the agent {found}")


def wrap(tcp, host):
    """TLS over a TCP connection, before the handshake.

    Without chain and name to check OpenSSL still verifies the signature of the handshake with the certificate's key.
    There is no session to resume: none is ever passed on.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # A name is sent as SNI and compared with nothing: the pin says which certificate is expected.
    name = None if isinstance(host, Address) else host
    # An end without close_notify is an error then, and not the end of a body.
    options = {"server_hostname": name, "do_handshake_on_connect": False, "suppress_ragged_eofs": False}
    return context.wrap_socket(tcp, **options)


def check_leaf(tls, leaves):
    leaf = hashlib.sha256(tls.getpeercert(binary_form=True)).digest()
    if leaf not in leaves:
        expected = " or ".join(sorted(spell(pin) for pin in leaves))
        raise Failure("TLS-certificate-error", f"expected fingerprint {expected}, presented {spell(leaf)}")


def spell(fingerprint):
    return fingerprint.hex(":").upper()


def connect_tcp(host, port, deadline):
    addresses = [str(host)] if isinstance(host, Address) else look_up(host, port, deadline)
    failure = None
    for place, address in enumerate(addresses):
        # One that does not answer must not take the others' time.
        share = deadline.left("connection-timeout") / (len(addresses) - place)
        try:
            return socket.create_connection((address, port), timeout=share)
        except OSError as why:
            failure = why
    if isinstance(failure, TimeoutError):
        raise Failure("connection-timeout", "no answer within the time") from failure
    refused = isinstance(failure, ConnectionRefusedError)
    raise Failure("connection-refused" if refused else "destination-unavailable", str(failure)) from failure


def look_up(host, port, deadline):
    """The name's addresses. The resolver knows no deadline, so it is asked on a thread that may be left behind."""
    answers = queue.SimpleQueue()

    def ask():
        try:
            answers.put([entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
        except (OSError, UnicodeError) as why:
            answers.put(why)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left("connection-timeout"))
    except queue.Empty:
        raise Failure("DNS-timeout", "the name was not found within the time") from None
    if isinstance(answer, Exception):
        raise Failure("destination-not-found", str(answer)) from answer
    return answer


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


Address = (ipaddress.IPv4Address, ipaddress.IPv6Address)
