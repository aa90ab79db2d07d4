//! How JSON becomes records: the rules that every operation's answer is read by.

mod differential;
mod reference;

use super::record::MAX_LIST_LENGTH;
use super::*;

struct Points {
    list: Vec<Point>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    x: i64,
    y: f64,
}

record! {
    Points {
        "list" => list: Records,
    }
}

record! {
    Point {
        "x" => x: Int,
        "y" => y: Real,
    }
}

fn points(list: &str) -> Result<Vec<Point>, String> {
    let mut points = Points::default();
    read(&format!("{{\"list\":{list}}}"), &mut points)?;
    Ok(points.list)
}

fn xs(list: &str) -> Result<Vec<i64>, String> {
    Ok(points(list)?.iter().map(|point| point.x).collect())
}

#[test]
fn missing_and_null_are_zero_and_unknown_keys_are_ignored() {
    assert_eq!(xs(r#"[{"x": 7, "z": [[]]}, {}, {"x": null}, null]"#), Ok(vec![7, 0, 0, 0]));
    assert_eq!(xs(r#"[{"\u0078": 7, "X": 8, "x ": 9}]"#), Ok(vec![7]));
    assert_eq!(xs("null"), Ok(vec![]));
}

#[test]
fn the_last_of_two_same_keys_counts() {
    assert_eq!(xs(r#"[{"x": 7, "x": 8}]"#), Ok(vec![8]));
}

#[test]
fn an_array_is_not_an_object_and_an_object_is_not_an_array() {
    assert!(xs("[[]]").unwrap_err().contains("expected an object"));
    assert!(xs("[[7]]").is_err());
    assert!(xs("{}").unwrap_err().contains("expected an array"));
}

#[test]
fn nothing_may_follow_and_nothing_may_be_missing() {
    for text in ["{} x", "{", "{}{}", "", "[", "[]", "null", "{\"list\":[{}}"] {
        assert!(read(text, &mut Points::default()).is_err(), "{text}");
    }
}

#[test]
fn an_integer_has_64_bits_and_no_fraction() {
    let int = |json: &str| xs(&format!("[{{\"x\":{json}}}]"));
    assert_eq!(int("0"), Ok(vec![0]));
    assert_eq!(int("9223372036854775807"), Ok(vec![i64::MAX]));
    assert_eq!(int("-9223372036854775808"), Ok(vec![i64::MIN]));
    let cases = [
        ("9223372036854775808", "another number (9223372036854775808)"),
        ("-9223372036854775809", "another number (-9223372036854775808.000)"),
        ("1e30", "another number (too large for 64 bits)"),
        ("1.0", "another number (1.000)"),
        ("1.005", "another number (1.004)"),
        ("-0.25", "another number (-0.250)"),
        ("-0.0", "another number (0.000)"),
        ("1e2", "another number (100.000)"),
        ("\"1\"", "a string (\"1\")"),
        ("true", "a boolean (true)"),
        ("{}", "an object"),
        ("[]", "an array"),
    ];
    for (json, found) in cases {
        let message = int(json).unwrap_err();
        assert_eq!(message, format!("list[0]: x: expected a 64-bit integer, found {found}"), "{json}");
    }
}

#[test]
fn a_number_is_read_to_the_nearest_double() {
    let real = |json: &str| points(&format!("[{{\"y\":{json}}}]")).map(|points| points[0].y);
    assert_eq!(real("7"), Ok(7.0));
    assert_eq!(real("18446744073709551615"), Ok(18_446_744_073_709_551_615.0));
    assert_eq!(real("8.41e21"), Ok(8.41e21));
    assert_eq!(real("0.30000000000000004"), Ok(0.300_000_000_000_000_04));
    assert_eq!(real("0.1000000000000000055511151231257827"), Ok(0.1));
    assert_eq!(real("5e-324"), Ok(5e-324));
    for json in ["1e999", "-1e999", "\"1\"", "\"inf\"", "true", "[]"] {
        assert!(real(json).is_err(), "{json}");
    }
}

#[test]
fn a_list_has_an_end() {
    let list = |length: usize| points(&format!("[{}]", vec!["{}"; length].join(",")));
    assert_eq!(list(MAX_LIST_LENGTH).unwrap().len(), MAX_LIST_LENGTH);
    assert!(list(MAX_LIST_LENGTH + 1).unwrap_err().contains("at most 65536"));
}

#[test]
fn the_first_value_that_does_not_fit_is_reported_unless_the_text_is_no_json() {
    let message = |list| points(list).unwrap_err();
    assert_eq!(message(r#"[{}, {"y": "a", "x": true}, 7]"#), "list[1]: y: expected a number, found a string (\"a\")");
    assert_eq!(message(r#"[7, {"y": "a"}]"#), "list[0]: expected an object, found a number (7)");
    assert_eq!(message(r#"[{"x": {"y": [1]}, "y": [1]}]"#), "list[0]: x: expected a 64-bit integer, found an object");
    assert!(message(r#"[{"y": "a"}, ]"#).contains("trailing comma"));
}

#[test]
fn a_value_that_no_field_takes_is_skipped_however_deep_it_is() {
    let deep = "[".repeat(500_000) + &"]".repeat(500_000);
    assert_eq!(xs(&format!(r#"[{{"z": {deep}, "x": 7}}]"#)), Ok(vec![7]));
    let mismatch = xs(&format!(r#"[{{"x": {deep}}}]"#)).unwrap_err();
    assert_eq!(mismatch, "list[0]: x: expected a 64-bit integer, found an array");
}
