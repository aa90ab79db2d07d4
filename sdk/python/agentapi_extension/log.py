"""The log of this run; needs no grant. `print` and `logging` write here too."""

from __future__ import annotations

import linecache
import logging
import sys
from typing import Literal, TextIO

from wit_world.imports import log as _host
from wit_world.imports.log import Level

from .arguments import well_formed

LevelName = Literal["trace", "debug", "info", "warn", "error"]


def write(level: LevelName | Level, *values: object) -> None:
    """Writes texts, separated by blanks."""
    if not isinstance(level, Level):
        try:
            level = Level[level.upper()]
        except (AttributeError, KeyError):
            names = ", ".join(each.name.lower() for each in Level)
            raise ValueError(f"log.write: expected a level, one of {names}, found {level}") from None
    _write(level, " ".join(map(str, values)))


def trace(*values: object) -> None:
    write(Level.TRACE, *values)


def debug(*values: object) -> None:
    write(Level.DEBUG, *values)


def info(*values: object) -> None:
    write(Level.INFO, *values)


def warn(*values: object) -> None:
    write(Level.WARN, *values)


def error(*values: object) -> None:
    write(Level.ERROR, *values)


def _write(level: Level, text: str) -> None:
    _host.write(level, well_formed(text))


class _Lines:
    """A stream that writes each line when it is whole."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, level: Level) -> None:
        self._level = level
        self._line = ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        if lines:
            _write(self._level, "\n".join(lines))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Does nothing: the rest of a line is no line yet."""

    def finish(self) -> None:
        """Writes what has no line end."""
        if self._line:
            self.write("\n")

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


class _Handler(logging.Handler):
    """Passes the records of `logging` on."""

    def emit(self, record: logging.LogRecord) -> None:
        _write(_level_of(record.levelno), self.format(record))


def _level_of(number: int) -> Level:
    for least, level in ((logging.ERROR, Level.ERROR), (logging.WARNING, Level.WARN), (logging.INFO, Level.INFO)):
        if number >= least:
            return level
    return Level.DEBUG if number >= logging.DEBUG else Level.TRACE


class capture:
    """Sends what is printed and logged to the log of the run, for the time of a block."""

    def __enter__(self) -> capture:
        self._before: tuple[TextIO, TextIO] = (sys.stdout, sys.stderr)
        self._streams = (_Lines(Level.INFO), _Lines(Level.WARN))
        sys.stdout, sys.stderr = self._streams
        self._root = logging.getLogger()
        self._root_level = self._root.level
        self._handler = _Handler()
        self._root.addHandler(self._handler)
        # All of it: which levels are shown is the host's choice.
        self._root.setLevel(1)
        # A traceback that is formatted looks for the source, and a component has no file to look into.
        self._updatecache = linecache.updatecache
        linecache.updatecache = lambda filename, module_globals=None: []
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._streams:
            stream.finish()
        sys.stdout, sys.stderr = self._before
        self._root.removeHandler(self._handler)
        self._root.setLevel(self._root_level)
        linecache.updatecache = self._updatecache
