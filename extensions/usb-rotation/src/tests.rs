//! The input, and what people are told.

use super::*;
use crate::step::tests::{rotation, settings};

#[test]
fn somebody_is_told_which_disk_goes_and_which_comes() {
    let settings = Settings { who: "Anna".into(), ..settings() };
    let there = message(&rotation(), &settings);
    assert_eq!(there.title, "Anna: Take out backup disk red: blue is in its place");
    assert_eq!((there.severity, &*there.text), (Severity::Info, "red holds backup one and is unmounted."));
    let absent = message(&Rotation { waited: true, ..rotation() }, &Settings { who: String::new(), ..settings });
    assert_eq!(absent.title, "Take out backup disk red and plug in blue");
    assert_eq!((absent.severity, absent.key), (Severity::Warning, there.key));
}

#[test]
fn a_report_names_disks_by_their_labels() {
    let report = serde_json::to_value(Report::of(Outcome::Rotated, Some(&rotation()), &settings())).unwrap();
    let expected = serde_json::json!({ "outcome": "rotated", "ejected": "red", "next": "blue", "job_id": "one" });
    assert_eq!(report, expected);
}

#[test]
fn an_input_that_could_confuse_disks_is_refused() {
    let [red, blue, bare] =
        [r#"{"label":"red","uuid":"R"}"#, r#"{"label":"blue","uuid":"B"}"#, r#"{"label":"x","uuid":""}"#];
    let other = r#"{"label":"other","uuid":"R"}"#;
    for (disks, path, message) in [
        (vec![red], "/b", "input: disks: expected two or more, found 1"),
        (vec![red, bare], "/b", "input: disks[1]: expected a label and a uuid, found an empty one"),
        (vec![red, other], "/b", "input: disks[1]: expected a label and a uuid of its own"),
        (vec![red, blue], "/b/", "input: mount_path: expected an absolute path without / at its end"),
        (vec![red, blue], "/", "input: mount_path: expected an absolute path without / at its end"),
        (vec![red, blue], "b", "input: mount_path: expected an absolute path without / at its end"),
    ] {
        let input = format!(r#"{{"disks":[{}],"mount_path":"{path}"}}"#, disks.join(","));
        let error = agentapi_extension::run::<UsbRotation>(&input).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
    let error = agentapi_extension::run::<UsbRotation>("{}").unwrap_err();
    assert!(error.contains("input: missing field `disks`"), "{error}");
}
