"""From the JSON that comes in to the JSON that goes out."""

import json
import unittest
from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from agentapi_extension import Failure, backup, extension, testing, within
from componentize_py_types import Err
from wit_world.imports import types


@dataclass
class Disk:
    name: str
    wipe: bool = False


@dataclass
class Input:
    threshold: float = within(0.8, least=0, most=1)
    mode: Literal["dry", "wet"] = "dry"
    note: Optional[str] = None
    disks: list[Disk] = field(default_factory=list)
    days: int = within(3, least=1)

    def __post_init__(self) -> None:
        if self.note == "no":
            raise ValueError("expected another note")


def policy_of(run: Any, shape: type | None = None) -> Any:
    """What the decorator exports, as the bindings find it."""
    (extension(shape) if shape else extension)(run)
    return run.__globals__["Policy"]()


@dataclass
class Choice:
    level: Literal[1, 2]


class Extension(unittest.TestCase):
    def setUp(self) -> None:
        self.recorded = testing.reset()

    def failure_of(self, policy: Any, given: str = "{}") -> dict[str, str]:
        with self.assertRaises(Err) as caught:
            policy.run(given)
        return json.loads(caught.exception.value)["error"]

    def test_the_function_stays_what_it_is(self) -> None:
        @extension
        def run(input: Any) -> Any:
            return input

        self.assertEqual(run(5), 5)

    def test_the_result_is_json_with_the_records_of_the_host_in_it(self) -> None:
        self.assertEqual(policy_of(lambda input: {"input": input}).run('{"a": 1}'), '{"input": {"a": 1}}')
        self.assertEqual(policy_of(lambda _: None).run("{}"), "null")
        due = types.BackupDue(101, True, "daily")
        self.assertEqual(policy_of(lambda _: due).run("{}"), '{"vmid": 101, "due": true, "reason": "daily"}')
        job = types.BackupJob(101, "job-1", types.BackupPhase_Running())
        self.assertEqual(json.loads(policy_of(lambda _: job).run("{}"))["phase"], {"tag": "running"})
        other = policy_of(lambda _: types.BackupPhase_Other("paused")).run("{}")
        self.assertEqual(other, '{"tag": "other", "val": "paused"}')
        self.assertEqual(policy_of(lambda _: types.Progress.WAITING).run("{}"), '"waiting"')
        self.assertEqual(policy_of(lambda _: "\ud800").run("{}"), '"\ufffd"')
        self.assertIn("expected a result that JSON can hold, found set", self.failure_of(policy_of(lambda _: {1}))["message"])

    def test_a_call_that_fails_and_is_not_caught_is_the_failure_of_the_run(self) -> None:
        failure = self.failure_of(policy_of(lambda _: backup.due()))
        self.assertEqual((failure["call"], failure["kind"]), ("backup.due", "unreachable"))

    def test_whatever_is_raised_becomes_a_failure_with_a_text(self) -> None:
        def raised(error: BaseException) -> dict[str, str]:
            def run(_: Any) -> None:
                raise error

            return self.failure_of(policy_of(run))

        self.assertEqual(raised(Failure("no-disk", "none")), {"kind": "no-disk", "message": "none"})
        for error, text in ((KeyError("x"), "KeyError: 'x'"), (SystemExit(3), "SystemExit: 3"), (Exception(), "Exception")):
            message = raised(error)["message"]
            self.assertRegex(message, rf"^{text} \(test_extension\.py:\d+\)$")

    def test_the_line_is_the_one_where_it_was_raised(self) -> None:
        def run(_: Any) -> None:
            1 // 0

        line = run.__code__.co_firstlineno + 1
        self.assertRegex(self.failure_of(policy_of(run))["message"], rf"^ZeroDivisionError: .* \(test_extension\.py:{line}\)$")

    def test_what_a_run_prints_is_in_the_log(self) -> None:
        policy_of(lambda _: print("hello")).run("{}")
        self.assertEqual(self.recorded.log, [("info", "hello")])

    def test_the_input_is_the_dataclass(self) -> None:
        policy = policy_of(lambda input: input, Input)
        default = {"threshold": 0.8, "mode": "dry", "note": None, "disks": [], "days": 3}
        self.assertEqual(json.loads(policy.run("{}")), default)
        given = '{"threshold": 0, "note": "x", "mode": null, "disks": [{"name": "sdb"}]}'
        expected = {**default, "threshold": 0, "note": "x", "disks": [{"name": "sdb", "wipe": False}]}
        self.assertEqual(json.loads(policy.run(given)), expected)

    def test_what_is_wrong_in_the_input_names_the_field_what_was_expected_and_found(self) -> None:
        policy = policy_of(lambda input: input, Input)
        wrong = {
            '{"threshold": "x"}': 'threshold: expected a number from 0 to 1, found "x"',
            '{"threshold": 1.5}': "threshold: expected a number from 0 to 1, found 1.5",
            '{"threshold": true}': "threshold: expected a number from 0 to 1, found true",
            '{"days": 1.5}': "days: expected an integer of at least 1, found 1.5",
            '{"mode": "damp"}': 'mode: expected one of "dry", "wet", found "damp"',
            '{"note": 5}': "note: expected a text, found 5",
            '{"note": "no"}': "input: expected another note",
            '{"disks": {}}': "disks: expected a list, found {}",
            '{"disks": [{"name": "a"}, {}]}': "disks[1].name: expected a text, found nothing",
            '{"disks": [{"name": "a", "wipe": 1}]}': "disks[0].wipe: expected true or false, found 1",
            '{"treshold": 1}': 'input: expected no field but threshold, mode, note, disks, days, found "treshold"',
            "[1]": "input: expected a JSON object, found [1]",
        }
        for given, message in wrong.items():
            with self.subTest(given):
                self.assertEqual(self.failure_of(policy, given), {"kind": "extension", "message": message})
        choice = policy_of(lambda input: input, Choice)
        self.assertEqual(choice.run('{"level": 1}'), '{"level": 1}')
        self.assertEqual(self.failure_of(choice, '{"level": true}')["message"], "level: expected one of 1, 2, found true")
        self.assertRegex(self.failure_of(policy, "{")["message"], r'^input: expected JSON, found "\{"')
        self.assertRegex(self.failure_of(policy, '{"threshold": NaN}')["message"], "expected JSON.*NaN is no number$")
