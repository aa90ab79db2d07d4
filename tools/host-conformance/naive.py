"""A host that no one should run: what a careless author would write, so that the kit is seen to find it out.

It is the host of examples/hosts/python with another sender: its `pin` believes whatever it is told, and its requests
go out by `urllib` with what that does by itself. No certificate is checked, redirects and proxies are followed, the
component has the token, there is no deadline and no limit, and what fails is tried again.
"""

import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "hosts" / "python"))

from agentapi_host.__main__ import main
from agentapi_host.failure import Failure


class NaiveSender:
    def __init__(self, _endpoint, token, _fingerprints, _deadline_s):
        self.stand_in = token

    def pin(self, _authority, _leaves):
        return None

    def start_call(self):
        pass

    def close(self):
        pass

    def mask(self, text):
        return text

    def exchange(self, request):
        url = f"https://{request.authority}{request.path}"
        headers = {name: value.decode() for name, value in request.headers}
        body = bytes(request.body) if request.has_body else None
        asked = urllib.request.Request(url, body, headers, method=request.method)
        for _ in range(3):
            try:
                with urllib.request.urlopen(asked, context=ssl._create_unverified_context()) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as answer:
                return answer.code, answer.read()
            except Exception as why:
                failure = Failure("internal-error", str(why))
        raise failure


if __name__ == "__main__":
    main(NaiveSender)
