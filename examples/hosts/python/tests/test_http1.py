"""Answers that are read, and answers that are refused."""

import unittest

from agentapi_host.http1 import MAX_BODY_BYTES, Incomplete, ProtocolError, Response, TooLarge


def read(data):
    """Status and body of an answer that comes byte by byte."""
    bytes_left = iter(data)
    response = Response(lambda: bytes([byte]) if (byte := next(bytes_left, None)) is not None else b"")
    return response.read_head(), response.read_body()


class Answers(unittest.TestCase):
    def test_each_framing_is_read(self):
        for data in (
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}and more",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n01\r\n}\r\n0\r\ntrailer: x\r\n\r\n",
            b"HTTP/1.0 200\r\n\r\n{}",
            b"\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\ncontent-length: 2,2\n\n{}",
        ):
            with self.subTest(data):
                self.assertEqual(read(data), (200, b"{}"))
        self.assertEqual(read(b"HTTP/1.1 204 No Content\r\n\r\nx"), (204, b""))

    def test_what_is_no_http_is_refused(self):
        for data in (
            b"SSH-2.0-x\r\n\r\n",
            b"HTTP/2 200 OK\r\n\r\n",
            b"HTTP/1.1 020 OK\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
            b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\n{}\n0\n\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 101 + b"\r\n",
            b"HTTP/1.1 200 OK\r\na: " + b"b" * 65536 + b"\r\n\r\n",
        ):
            with self.subTest(data[:80]), self.assertRaises(ProtocolError):
                read(data)

    def test_half_an_answer_is_none(self):
        chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        for data in (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}", *(chunked[:at] for at in range(len(chunked)))):
            with self.subTest(data), self.assertRaises(Incomplete):
                read(data)

    def test_a_mebibyte_is_the_largest_body(self):
        for length in (MAX_BODY_BYTES, MAX_BODY_BYTES + 1):
            body = b"x" * length
            framings = {
                "a length": (b"content-length: %d" % length, body),
                "chunked": (b"transfer-encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (length, body)),
                "to the end": (b"connection: close", body),
            }
            for framing, (header, framed) in framings.items():
                parts = iter([b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % header, framed, b""])
                response = Response(lambda parts=parts: next(parts))
                response.read_head()
                with self.subTest(framing, length=length):
                    if length > MAX_BODY_BYTES:
                        self.assertRaises(TooLarge, response.read_body)
                    else:
                        self.assertEqual(len(response.read_body()), length)
