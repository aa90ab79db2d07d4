"""The client of a guest for the agent of its host.

It opens no connection to the agent and compares no certificate. A controller on the same machine does (Controller,
AsyncController), or the command agentapi as a child process (Command, AsyncCommand); so what they promise of the pin, the
token and the deadline holds here too.
"""

from . import records
from .aio import AsyncClient, AsyncCommand, AsyncController
from .client import Client, Command, Controller
from .errors import AgentError, ApprovalNeeded, FormatRefused, NeedsConfirmation
from .records import fs_uuid, opsign_command

__all__ = [
    "AgentError",
    "ApprovalNeeded",
    "AsyncClient",
    "AsyncCommand",
    "AsyncController",
    "Client",
    "Command",
    "Controller",
    "FormatRefused",
    "NeedsConfirmation",
    "fs_uuid",
    "opsign_command",
    "records",
]
