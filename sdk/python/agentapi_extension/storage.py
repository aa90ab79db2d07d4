"""What is mounted in this guest."""

from wit_world.imports import storage as _host
from wit_world.imports.types import StorageView

from .failure import call as _call


def mounts() -> StorageView:
    """What is mounted. Needs the grant `storage.mounts`."""
    return _call("storage.mounts", _host.mounts)
