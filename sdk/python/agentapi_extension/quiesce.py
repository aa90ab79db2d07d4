"""Freezing the controller's applications. Needs the grants `quiesce.freeze` and `quiesce.thaw`."""

from __future__ import annotations

from types import TracebackType

from wit_world.imports import quiesce as _host
from wit_world.imports.quiesce import FreezeReport

from . import log as _log
from .failure import CallError as _CallError
from .failure import call as _call


def freeze() -> None:
    """Freezes. Returns when all of the applications stand still."""
    _call("quiesce.freeze", _host.freeze)


def thaw() -> FreezeReport:
    """Thaws what this run froze, and says how the freeze ended."""
    return _call("quiesce.thaw", _host.thaw)


class frozen:
    """Freezes for the time of a block, and thaws whatever happens in it.

    with quiesce.frozen() as freeze:
        backup.start()
    log.info(freeze.report.consistency)
    """

    report: FreezeReport
    """How the freeze ended; there after the block."""

    def __enter__(self) -> frozen:
        freeze()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.report = thaw()
        except _CallError as thaw_error:
            # The error of the block is what the caller must see; the host goes on thawing by itself.
            if error is None:
                raise
            _log.warn(f"{thaw_error}, after {error}")
