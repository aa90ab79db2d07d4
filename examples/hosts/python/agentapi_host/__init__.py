"""A host of the agentapi component in Python, to be read and changed.

It keeps what docs/hosting.md asks of a host, except for this:

- A call's deadline ends waiting for the network, and not a component that computes: an endless loop in it is not ended.
- A GET that meets a connection which the agent closes at that moment is `interrupted`; it is not sent once more.
- A name's addresses are tried one after the other, each with its share of the time that is left.
- An agent that demands a client certificate in TLS 1.3 may look like a connection that broke (`interrupted`).
- The token is in ordinary strings, and not wiped from memory.
"""

from .client import CallError, Client
from .component import load
from .network import InvalidArgument, PinnedSender

__all__ = ["CallError", "Client", "InvalidArgument", "PinnedSender", "load"]
