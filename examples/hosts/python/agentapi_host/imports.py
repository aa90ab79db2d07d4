"""The functions that the component imports: `pinning`, and the part of `wasi:http` and `wasi:io` that it calls.

Each takes the store and the arguments, and returns the result, as wasmtime maps them: a resource is a handle here,
behind which the host has an object of its own; of a `result` without ambiguity only the value is given.
"""

from wasmtime.component import ResourceHost, Variant

from .failure import Failure

# The most bytes that a stream takes at once. Source: `blocking-write-and-flush` of `wasi:io/streams`.
MAX_WRITE_BYTES = 4096
# Kinds of resources. Interfaces that use a resource export it again, some by another name.
RESOURCES = {
    "fields": 1,
    "headers": 1,
    "trailers": 1,
    "outgoing-request": 2,
    "outgoing-body": 3,
    "output-stream": 4,
    "future-incoming-response": 5,
    "incoming-response": 6,
    "incoming-body": 7,
    "input-stream": 8,
    "pollable": 9,
    "error": 10,
    "request-options": 11,
}
# The success of a `result` without a value, where an error could have none either.
OK = Variant("ok")


class OutgoingRequest:
    """A request as the component has made it so far. A method that nobody sets is GET."""

    def __init__(self, headers):
        self.headers = headers
        self.method, self.scheme, self.authority, self.path = "GET", None, None, None
        self.body = bytearray()
        self.has_body, self.is_finished = False, False


class IncomingResponse:
    """An answer, with what is unread of its body."""

    def __init__(self, status, body):
        self.status, self.unread = status, body


class Imports:
    """The host's side of one instance, and the objects behind its handles."""

    def __init__(self, sender):
        self._sender = sender
        self._objects = {}
        self._last = 0
        # Why the last exchange failed: `wasi:http` only has a code for it.
        self.failure = None

    def drop(self, _store, rep):
        self._objects.pop(rep, None)

    def function(self, interface, name):
        """The function that the component imports by this name."""
        name = name.translate(str.maketrans({"[": None, "]": "_", ".": "_", "-": "_"}))
        short = interface.rpartition("/")[2].replace("-", "_")
        try:
            return getattr(self, f"_{short}_{name}")
        except AttributeError:
            raise LookupError(f"the component imports {name} of {interface}, which this host does not have") from None

    def _own(self, kind, value):
        """A handle that the component owns from now on."""
        self._last += 1
        self._objects[self._last] = value
        return ResourceHost.own(self._last, RESOURCES[kind])

    def _borrow(self, store, handle):
        return self._objects[handle.to_host(store).rep]

    def _take(self, store, handle):
        return self._objects.pop(handle.to_host(store).rep)

    # felhom:agentapi/pinning

    def _pinning_pin(self, _store, authority, leaves):
        refusal = self._sender.pin(authority, leaves)
        return refusal and Variant(*refusal)

    # wasi:http/types

    def _types_constructor_fields(self, _store):
        return self._own("fields", [])

    def _types_method_fields_append(self, store, fields, name, value):
        self._borrow(store, fields).append((name, value))

    def _types_method_fields_clone(self, store, fields):
        return self._own("fields", list(self._borrow(store, fields)))

    def _types_constructor_outgoing_request(self, store, headers):
        return self._own("outgoing-request", OutgoingRequest(self._take(store, headers)))

    def _types_method_outgoing_request_set_method(self, store, request, method):
        self._borrow(store, request).method = method.tag.upper()
        return OK

    def _types_method_outgoing_request_set_scheme(self, store, request, scheme):
        self._borrow(store, request).scheme = scheme and scheme.tag
        return OK

    def _types_method_outgoing_request_set_authority(self, store, request, authority):
        self._borrow(store, request).authority = authority
        return OK

    def _types_method_outgoing_request_set_path_with_query(self, store, request, path):
        self._borrow(store, request).path = path
        return OK

    def _types_method_outgoing_request_body(self, store, request):
        request = self._borrow(store, request)
        request.has_body = True
        return self._own("outgoing-body", request)

    def _types_method_outgoing_body_write(self, store, body):
        return self._own("output-stream", self._borrow(store, body))

    def _types_static_outgoing_body_finish(self, store, body, _trailers):
        self._take(store, body).is_finished = True

    def _types_method_future_incoming_response_subscribe(self, _store, _future):
        return self._own("pollable", None)

    def _types_method_future_incoming_response_get(self, store, future):
        """Sends the request and waits for the whole answer, so that there is never anything to subscribe to."""
        request = self._borrow(store, future)
        try:
            if request.has_body and not request.is_finished:
                raise Failure("HTTP-request-denied", "a request body that does not end")
            answer = IncomingResponse(*self._sender.exchange(request))
        except Failure as why:
            self.failure = why
            return Variant("some", Variant(why.code, why.payload))
        return Variant("some", self._own("incoming-response", answer))

    def _types_method_incoming_response_status(self, store, response):
        return self._borrow(store, response).status

    def _types_method_incoming_response_consume(self, store, response):
        return self._own("incoming-body", self._borrow(store, response))

    def _types_method_incoming_body_stream(self, store, body):
        return self._own("input-stream", self._borrow(store, body))

    # wasi:http/outgoing-handler

    def _outgoing_handler_handle(self, store, request, options):
        """Keeps the request: the component writes its body after this."""
        if options is not None:
            # The component's time-outs. The host's deadline is the only one that counts.
            self._take(store, options)
        return self._own("future-incoming-response", self._take(store, request))

    # wasi:io

    def _streams_method_output_stream_blocking_write_and_flush(self, store, stream, chunk):
        if len(chunk) > MAX_WRITE_BYTES:
            raise ValueError(f"a write of more than {MAX_WRITE_BYTES} bytes")
        self._borrow(store, stream).body += chunk
        return OK

    def _streams_method_input_stream_read(self, store, stream, length):
        """The whole body is here, so that a read never waits. None is the end of the stream."""
        response = self._borrow(store, stream)
        chunk, response.unread = response.unread[:length], response.unread[length:]
        return chunk or None

    _streams_method_input_stream_blocking_read = _streams_method_input_stream_read

    def _poll_method_pollable_block(self, _store, _pollable):
        pass
