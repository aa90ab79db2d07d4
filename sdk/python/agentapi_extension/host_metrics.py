"""The state of the Proxmox host."""

from wit_world.imports import host_metrics as _host
from wit_world.imports.types import MetricsView

from .failure import call as _call


def collect() -> MetricsView:
    """Load, memory, disks and temperature of the host. Needs the grant `host-metrics.collect`."""
    return _call("host-metrics.collect", _host.collect)
