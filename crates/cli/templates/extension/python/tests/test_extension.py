import unittest

from agentapi_extension import testing
from extension import Input, fuller_than, run
from wit_world.imports.types import Disk, DiskList, DiskRole_UserData, StorageClass_Slow


def disk(name: str, used_fraction: float, total_bytes: int = 1000) -> Disk:
    role = DiskRole_UserData()
    return Disk(
        name, "", "", "", "", StorageClass_Slow(), role, False, "", total_bytes, 0, used_fraction, durable_id=""
    )


class Extension(unittest.TestCase):
    def setUp(self) -> None:
        self.recorded = testing.reset()

    def test_a_disk_is_full_above_the_threshold_if_its_size_is_known(self) -> None:
        full = disk("sdb1", 0.91)
        self.assertEqual(fuller_than(0.9, [disk("sda1", 0.9), full, disk("sdc1", 1, total_bytes=0)]), [full])

    def test_a_run_names_the_full_disks_and_logs_each(self) -> None:
        testing.host.disks.list = lambda: DiskList(101, [disk("sda1", 0.5), disk("sdb1", 0.99)])
        self.assertEqual(run(Input()), {"threshold": 0.9, "full": ["sdb1"]})
        self.assertEqual(self.recorded.log, [("warn", "sdb1 is 99 % full")])
