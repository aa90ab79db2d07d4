"""The wrappers, against a host that is stubbed."""

import json
import logging
import sys
import time
import unittest
from collections.abc import Callable
from typing import Any

from agentapi_extension import CallError, Failure, backup, clock, disks, log, notify, quiesce, state, storage, testing
from componentize_py_types import Err
from wit_world.imports import notify as host_notify
from wit_world.imports import quiesce as host_quiesce
from wit_world.imports import state as host_state
from wit_world.imports import types


def failing(error: Any) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise Err(error)

    return fail


class Calls(unittest.TestCase):
    def setUp(self) -> None:
        self.recorded = testing.reset()

    def error_of(self, act: Callable[[], object]) -> CallError:
        with self.assertRaises(CallError) as caught:
            act()
        return caught.exception

    def test_an_answer_is_the_record_of_the_bindings(self) -> None:
        view = types.StorageView(vmid=101, mounts=[])
        testing.host.storage.mounts = lambda: view
        self.assertEqual(storage.mounts(), view)

    def test_each_case_of_an_error_becomes_its_kind_with_what_it_carries_in_words(self) -> None:
        cases = [
            (types.Error_PinMismatch(), "pin-mismatch", None, None, False),
            (types.Error_Unreachable("connection refused"), "unreachable", "connection refused", None, False),
            (types.Error_Deadline(types.Progress.WAITING), "deadline", "waiting", None, True),
            (types.Error_ResponseTooLarge(1048576), "response-too-large", "1048576", None, True),
            (types.Error_HttpStatus(types.HttpAnswer(409, "VM is locked")), "http-status", "409 VM is locked", 409, False),
            (types.Error_HttpStatus(types.HttpAnswer(500, "")), "http-status", "500", 500, True),
        ]
        for error, kind, detail, status, may_have_acted in cases:
            with self.subTest(kind):
                testing.host.backup.due = failing(error)
                caught = self.error_of(backup.due)
                self.assertEqual((caught.call, caught.kind, caught.detail), ("backup.due", kind, detail))
                self.assertEqual((caught.status, caught.may_have_acted), (status, may_have_acted))
                self.assertEqual(str(caught), ": ".join(filter(None, ["backup.due", kind, detail])))
                expected = {"call": "backup.due", "kind": kind, **({"message": detail} if detail else {})}
                self.assertEqual(caught.as_dict(), expected)

    def test_a_missing_grant_says_which_and_where_to_add_it(self) -> None:
        testing.host.state.get = failing(host_state.StateError_Denied("the grant state.get is missing"))
        caught = self.error_of(lambda: state.get("key"))
        self.assertEqual(caught.kind, "denied")
        self.assertEqual(
            caught.detail, 'the grant state.get is missing: add "state.get" to functions in grants.toml'
        )

    def test_a_format_carries_the_error_of_its_call_or_the_answer_that_a_person_must_see(self) -> None:
        request = types.FormatRequest("/dev/sdb1", "ext4", None)
        testing.host.disks.format = failing(types.FormatError_Failed(types.Error_Denied("nobody agreed")))
        caught = self.error_of(lambda: disks.format(request))
        self.assertEqual((caught.call, caught.kind, caught.detail), ("disks.format", "denied", "nobody agreed"))
        testing.host.disks.format = failing(types.FormatError_Failed(types.Error_PinMismatch()))
        self.assertEqual(self.error_of(lambda: disks.format(request)).kind, "pin-mismatch")

        role = types.DiskRole_UserData()
        answer = types.FormatResult(101, "/dev/sdb1", False, True, "user data", role, True, "uuid:1", None)
        testing.host.disks.format = failing(types.FormatError_NeedsConfirmation(answer))
        caught = self.error_of(lambda: disks.format(request))
        self.assertEqual((caught.kind, caught.detail, caught.result), ("needs-confirmation", "user data", answer))

    def test_an_argument_of_another_type_is_refused_before_the_call_is_made(self) -> None:
        wrong: list[tuple[Callable[[], object], str]] = [
            (lambda: disks.eject(5), "mount_path: expected a text, found 5"),
            (lambda: state.set_bytes("key", "text"), "value: expected bytes, found 'text'"),
            (lambda: disks.assign({}), "request: expected a AssignRequest, found {}"),
            (lambda: notify.send("key", "title", None), "text: expected a text, found None"),
            (lambda: disks.format(types.FormatRequest("/dev/sdb1", "ext4", 7)), "confirmation: expected a text, found 7"),
        ]
        for act, message in wrong:
            with self.subTest(message):
                caught = self.error_of(act)
                self.assertEqual((caught.kind, caught.detail), ("invalid-argument", message))

    def test_state_holds_json_and_bytes(self) -> None:
        self.assertIsNone(state.get("seen"))
        self.assertEqual(state.get("seen", 3), 3)
        state.set("seen", {"at": "Zoë 🦊", "n": [1, None]})
        self.assertEqual(state.get("seen"), {"at": "Zoë 🦊", "n": [1, None]})
        self.assertEqual(self.recorded.state["seen"].decode(), '{"at":"Zoë 🦊","n":[1,null]}')
        state.set_bytes("raw", b"\xff\x00")
        self.assertEqual(state.get_bytes("raw"), b"\xff\x00")
        with self.assertRaisesRegex(Failure, "state.get: raw: expected JSON, found 2 bytes that are none"):
            state.get("raw")
        self.assertEqual(state.list("s"), ["seen"])
        self.assertTrue(state.delete("seen"))
        self.assertFalse(state.delete("seen"))

    def test_half_a_surrogate_pair_is_made_well_formed(self) -> None:
        log.info("\ud800")
        state.set("\ud800", 1)
        self.assertEqual(self.recorded.log, [("info", "\ufffd")])
        self.assertEqual(state.list(), ["\ufffd"])

    def test_the_clock_sleeps_whole_milliseconds_and_refuses_what_is_none(self) -> None:
        clock.sleep(1.2)
        self.assertEqual((clock.now(), clock.monotonic()), (2, 2))
        for wrong in (-1, float("nan"), float("inf"), "1", None):
            with self.assertRaisesRegex(ValueError, "expected a number of milliseconds from 0, found"):
                clock.sleep(wrong)  # type: ignore[arg-type]

    def test_time_shows_the_clock_of_the_host(self) -> None:
        before = time.time
        with clock.connect():
            time.sleep(1.5)
            self.assertEqual((time.time(), time.monotonic_ns()), (1.5, 1_500_000_000))
        self.assertIs(time.time, before)

    def test_what_is_printed_and_logged_is_a_line_of_its_level(self) -> None:
        with log.capture():
            print("one", "two")
            print("in", end=" ")
            print("parts")
            print("to stderr", file=sys.stderr)
            logging.getLogger("disks").warning("%s is full", "sdb1")
            logging.debug("step")
            logging.log(5, "tiny")
            logging.critical("worst")
            print("no end", end="")
        self.assertEqual(
            self.recorded.log,
            [
                ("info", "one two"),
                ("info", "in parts"),
                ("warn", "to stderr"),
                ("warn", "sdb1 is full"),
                ("debug", "step"),
                ("trace", "tiny"),
                ("error", "worst"),
                ("info", "no end"),
            ],
        )
        with self.assertRaisesRegex(ValueError, "one of trace, debug, info, warn, error, found loud"):
            log.write("loud", "x")  # type: ignore[arg-type]

    def test_an_exception_that_is_logged_has_its_lines(self) -> None:
        with log.capture():
            try:
                json.loads("{")
            except ValueError:
                logging.exception("bug")
        [(level, text)] = self.recorded.log
        self.assertEqual(level, "error")
        self.assertRegex(text, r'^bug\nTraceback(.|\n)*File ".*test_calls\.py", line \d+, in (.|\n)*JSONDecodeError')

    def test_notify_raises_and_clears_a_key(self) -> None:
        notify.send("stale", "No backup", "for 3 days")
        expected = host_notify.Notification("stale", host_notify.Severity.WARNING, "No backup", "for 3 days")
        self.assertEqual(self.recorded.notifications, {"stale": expected})
        notify.send("stale", "No backup", "for 4 days", severity="critical")
        self.assertEqual(self.recorded.notifications["stale"].severity, host_notify.Severity.CRITICAL)
        self.assertTrue(notify.clear("stale"))
        with self.assertRaisesRegex(ValueError, "one of info, warning, critical, found loud"):
            notify.send("k", "t", "x", severity="loud")  # type: ignore[arg-type]

    def test_a_freeze_is_thawed_whatever_the_block_does_and_its_error_is_the_one_that_is_seen(self) -> None:
        calls: list[str] = []
        report = host_quiesce.FreezeReport(host_quiesce.FreezeEnd_Thaw(), 12, host_quiesce.Consistency_Application())
        testing.host.quiesce.freeze = lambda: calls.append("freeze")
        testing.host.quiesce.thaw = lambda: calls.append("thaw") or report
        with quiesce.frozen() as freeze:
            calls.append("work")
        self.assertEqual(freeze.report, report)
        with self.assertRaisesRegex(ZeroDivisionError, "division"), quiesce.frozen():
            1 / 0
        self.assertEqual(calls, ["freeze", "work", "thaw", "freeze", "thaw"])

        testing.host.quiesce.thaw = failing(host_quiesce.QuiesceError_Failed("docker does not answer"))
        with self.assertRaisesRegex(ZeroDivisionError, "division"), quiesce.frozen():
            1 / 0
        self.assertEqual(
            self.recorded.log,
            [("warn", "quiesce.thaw: failed: docker does not answer, after division by zero")],
        )
        with self.assertRaisesRegex(CallError, "docker"), quiesce.frozen():
            pass

        testing.host.quiesce.freeze = failing(host_quiesce.QuiesceError_AlreadyFrozen())
        with self.assertRaisesRegex(CallError, "quiesce.freeze: already-frozen"), quiesce.frozen():
            self.fail("not frozen")
