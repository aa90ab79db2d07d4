"""Which disks are fuller than a threshold."""

from dataclasses import dataclass
from typing import Any

from agentapi_extension import disks, extension, log, within
from wit_world.imports.types import Disk


@dataclass
class Input:
    """What the input may hold. A wrong one fails the run with the field, what was expected and what was found."""

    threshold: float = within(0.9, least=0, most=1)


@extension(Input)
def run(input: Input) -> dict[str, Any]:
    full = fuller_than(input.threshold, disks.list().disks)
    for disk in full:
        log.warn(f"{disk.name} is {disk.used_fraction * 100:.0f} % full")
    return {"threshold": input.threshold, "full": [disk.name for disk in full]}


def fuller_than(threshold: float, disks: list[Disk]) -> list[Disk]:
    """A disk whose size is 0 has one that the agent does not know, and a fraction that says nothing."""
    return [disk for disk in disks if disk.total_bytes > 0 and disk.used_fraction > threshold]
