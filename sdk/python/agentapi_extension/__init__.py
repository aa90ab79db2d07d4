"""What a policy extension of agentapi is written with: see README.md of this package."""

import importlib.util
import sys
import typing
from pathlib import Path

if importlib.util.find_spec("wit_world") is None:
    # Not in a component: in a test, where the bindings that come with this package stand for the host's.
    sys.path.append(str(Path(__file__).parent / "bindings"))
    if not hasattr(typing, "Self"):
        # They are written for Python 3.11.
        typing.Self = typing.Any  # type: ignore[assignment]

from . import backup, clock, disks, host_metrics, log, notify, quiesce, state, storage  # noqa: E402
from .failure import CallError, Failure  # noqa: E402
from .input import within  # noqa: E402
from .policy import extension  # noqa: E402

# The names in both languages are the same, but for their spelling.
__all__ = [
    "CallError",
    "Failure",
    "backup",
    "clock",
    "disks",
    "extension",
    "host_metrics",
    "log",
    "notify",
    "quiesce",
    "state",
    "storage",
    "within",
]
