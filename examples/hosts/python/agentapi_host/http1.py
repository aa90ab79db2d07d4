"""Requests and answers of HTTP/1.1, read strictly (RFC 9112).

An answer that can be read in two ways is refused. `http.client` is not used: it reads a body without a usable length
up to the end of the connection, and so takes half an answer for a whole one.
"""

import re

MAX_BODY_BYTES = 1024 * 1024
MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
# Chunk sizes with their extensions, and trailers, count towards nothing else.
MAX_FRAMING_BYTES = 64 * 1024

STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})( [\t\x20-\x7e\x80-\xff]*)?")
HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(;[\t\x20-\x7e\x80-\xff]*)?")


class ProtocolError(Exception):
    """What came is not HTTP/1.1."""


class Incomplete(Exception):
    """The connection ended before the answer did."""


class TooLarge(Exception):
    """The body is larger than MAX_BODY_BYTES, whatever its framing announced."""


def request(method, path, headers, body):
    """The bytes of a request. Its parts come from the host's own tables and checks, never from the component."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if method == "POST":
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


class Response:
    """Reads an answer from `receive`, which returns some bytes, or none where the peer has ended the connection."""

    def __init__(self, receive):
        self._receive = receive
        self._buffer = bytearray()
        self._framing_left = MAX_FRAMING_BYTES
        # Whether what ends the body is in its framing, and not the end of the connection.
        self._is_framed = True

    def read_head(self):
        """The status. Interim answers, such as `100 Continue`, are passed over."""
        while True:
            lines = self._read_head_lines()
            match = STATUS_LINE.fullmatch(lines[0])
            if not match:
                raise ProtocolError("expected a status line of HTTP/1.1")
            self._minor, self._status = int(match[1]), int(match[2])
            self._headers = [self._parse_header(line) for line in lines[1:]]
            # 101 would end HTTP on this connection, and was not asked for.
            if self._status == 101:
                raise ProtocolError("the agent switches protocols without being asked")
            if self._status >= 200:
                return self._status

    def read_body(self):
        """The whole body."""
        if self._status in (204, 304):
            return b""
        codings, lengths = self._values(b"transfer-encoding"), self._values(b"content-length")
        if codings:
            # RFC 9112, section 6.3: the coding wins over a length, and `chunked` is its only one here.
            if [coding.lower() for coding in codings] != [b"chunked"] or self._minor == 0:
                raise ProtocolError("expected no transfer coding but chunked")
            return self._read_chunks()
        if lengths:
            if len(set(lengths)) > 1 or not re.fullmatch(rb"[0-9]{1,19}", lengths[0]):
                raise ProtocolError("expected one content-length, a number")
            return self._read_exactly(self._within_limit(int(lengths[0])))
        return self._read_to_end()

    def is_reusable(self):
        """Whether the connection may carry another request, once the body was read."""
        options = [option.lower() for option in self._values(b"connection")]
        return self._is_framed and self._minor == 1 and b"close" not in options and not self._buffer

    def _values(self, wanted):
        return [part.strip() for name, value in self._headers if name == wanted for part in value.split(b",")]

    @staticmethod
    def _parse_header(line):
        match = HEADER.fullmatch(line)
        if not match:
            raise ProtocolError("expected a header")
        return match[1].lower(), match[2]

    def _read_head_lines(self):
        lines, left = [], MAX_HEAD_BYTES
        while True:
            line = self._read_line(left, "head")
            left -= len(line) + 1
            line = line.removesuffix(b"\r")
            if line:
                lines.append(line)
            # Empty lines in front of a status line are passed over (RFC 9112, section 2.2).
            elif lines:
                return lines
            if len(lines) > 1 + MAX_HEADERS:
                raise ProtocolError(f"the answer has more than {MAX_HEADERS} headers")

    def _read_line(self, limit, what):
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            if len(self._buffer) >= limit:
                raise ProtocolError(f"the {what} of the answer is too large")
            searched = len(self._buffer)
            self._fill()
        if end >= limit:
            raise ProtocolError(f"the {what} of the answer is too large")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def _read_framing_line(self):
        line = self._read_line(self._framing_left, "framing")
        self._framing_left -= len(line) + 1
        # In a head a line feed may stand alone (RFC 9112, section 2.2), but not here.
        if not line.endswith(b"\r"):
            raise ProtocolError("expected a line of a chunked body to end with CR LF")
        return line[:-1]

    def _read_chunks(self):
        body = bytearray()
        while True:
            match = CHUNK_SIZE.fullmatch(self._read_framing_line())
            if not match:
                raise ProtocolError("expected the size of a chunk")
            size = int(match[1], 16)
            if size == 0:
                break
            self._within_limit(len(body) + size)
            body += self._read_exactly(size)
            if self._read_framing_line():
                raise ProtocolError("expected the end of a chunk")
        while self._read_framing_line():
            pass
        return bytes(body)

    def _read_exactly(self, length):
        while len(self._buffer) < length:
            self._fill()
        part = bytes(self._buffer[:length])
        del self._buffer[:length]
        return part

    def _read_to_end(self):
        self._is_framed = False
        while received := self._receive():
            self._buffer += received
            self._within_limit(len(self._buffer))
        return bytes(self._buffer)

    def _fill(self):
        received = self._receive()
        if not received:
            raise Incomplete("the connection ended before the whole answer was there")
        self._buffer += received

    @staticmethod
    def _within_limit(length):
        if length > MAX_BODY_BYTES:
            raise TooLarge(f"the answer is larger than {MAX_BODY_BYTES} bytes")
        return length
