"""Why an exchange failed, and the one deadline of a call."""

import time


class Failure(Exception):
    """An exchange failed. `code` is the error code of `wasi:http`, the text is for people."""

    def __init__(self, code, why, payload=None):
        super().__init__(why)
        self.code, self.payload = code, payload


class Deadline:
    """When a call has to be done, from looking the name up to the last byte of the answer."""

    def __init__(self, seconds):
        self._ends_at = time.monotonic() + seconds

    def left(self, code):
        """The seconds that are left. `code` is the error where there are none: it says how far the call has come."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise Failure(code, "the time was over")
        return left
