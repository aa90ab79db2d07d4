//! What is wrong in a case file is told with its place, and with what there is.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use agentapi_policy_test::CaseFile;

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.toml");
    for (text, expected) in [
        ("", "missing field `case`"),
        ("case = []", "expected a [[case]], found none"),
        (
            "[[case]]\nnam = 'x'",
            "line 2, column 1: unknown field `nam`, expected one of `name`, `description`, `input`,",
        ),
        (
            "[[case]]\nname = 'x'",
            "line 1, column 1: the case \"x\": expected [case.expect] or [[case.run]], found neither",
        ),
        ("[[case]]\nname = 'x'\n[case.expect]\n[[case.run]]", "with what is expected of each, found both"),
        (
            "[[case]]\nname = 'x'\n[case.expect]\nresults = 1",
            "line 4, column 1: unknown field `results`, expected one of `result`, `exact`,",
        ),
        (
            "[[case]]\nname = 'x'\n[case.expect]\ncalls = ['backup.du']",
            "line 4, column 10: unknown function `backup.du`, expected one",
        ),
        ("[[case]]\nname = 'x'\n[case.expect]\ncalls = [{ functio = 'backup.due' }]", "unknown field `functio`"),
        (
            "[[case]]\nname = 'x'\nscenario = { bakup = 1 }\n[case.expect]",
            "line 3, column 12: scenario: unknown field `bakup`",
        ),
        ("[[case]]\nname = 'x'\nscenario = 'none.toml'\n[case.expect]", "none.toml cannot be read"),
        ("[[case]]\nname = 'x'\nreplay = 'none.jsonl'\n[case.expect]", "line 3, column 10: replay: "),
        (
            "[[case]]\nname = 'x'\nreplay = 'none.jsonl'\nscenario = { vmid = 1 }\n[case.expect]",
            "an agent that replays has no scenario, found one",
        ),
        ("[[case]]\nname = 'x'\n[[case.run]]\nscenario = { vmid = 1 }", "`vmid` does not change from run to run"),
        ("[[case]]\nname = 'x'\nlimits = { cpu = 1 }\n[case.expect]", "line 3, column 10: limits: unknown field `cpu`"),
        ("[[case]]\nname = 'x'\nfaults = ['storage:half']\n[case.expect]", "line 3, column 10: unknown fault \"half\""),
        ("[[case]]\nname = 'x'\nfreeze = 'maybe'\n[case.expect]", "line 3, column 10: expected `works` or `fails`"),
        ("[[case]]\nname = 'x'\napprove = '/dev/sdb1'\n[case.expect]", "expected DEVICE=DURABLE-ID"),
        ("[[case]]\nname = 'x'\nclock = 'noon'\n[case.expect]", "expected a time such as 2026-03-01T02:00:00Z"),
        ("[[case]]\nname = 'x'\n[[case.run]]\nafter = 'soon'", "expected a span such as \"36h\""),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = CaseFile::read(&path).unwrap_err().to_string();
        assert!(error.starts_with(path.to_str().unwrap()) && error.contains(expected), "{text}\n{error}");
    }
    let error = CaseFile::read(&folder.path().join("none.toml")).unwrap_err().to_string();
    assert!(error.contains("none.toml: cannot be read"), "{error}");
}
