"""Does by name what could go wrong between this package and a real host; trial.js does the same in JavaScript."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from agentapi_extension import Failure, backup, clock, disks, extension, log, quiesce, storage
from wit_world.imports.types import FormatRequest


def own_failure() -> None:
    raise Failure("no-disk", "Zoë 🦊")


def frozen() -> Any:
    with quiesce.frozen() as freeze:
        pass
    return freeze.report.consistency


def slept() -> bool:
    before = clock.monotonic()
    clock.sleep(20.5)
    return clock.monotonic() - before >= 20 and abs(clock.now() / 1000 - time.time()) < 60


def logged() -> None:
    log.debug("step")
    print("printed")
    log.error("\ud800 lone")
    try:
        own_failure()
    except Failure:
        logging.exception("traceback")


ACTS: dict[str, Callable[[], Any]] = {
    "answer": lambda: storage.mounts().vmid,
    "missing_grant": backup.due,
    "wrong_argument": lambda: disks.eject(5),  # type: ignore[arg-type]
    "ejected": lambda: disks.eject("/mnt/felhom/media").dependent_guests,
    "refused_format": lambda: disks.format(FormatRequest("/dev/sdb1", "ext4", None)),
    "own_failure": own_failure,
    "frozen": frozen,
    "slept": slept,
    "logged": logged,
}


@dataclass
class Input:
    act: Literal[
        "answer",
        "missing_grant",
        "wrong_argument",
        "ejected",
        "refused_format",
        "own_failure",
        "frozen",
        "slept",
        "logged",
    ]


@extension(Input)
def run(input: Input) -> Any:
    return ACTS[input.act]()
