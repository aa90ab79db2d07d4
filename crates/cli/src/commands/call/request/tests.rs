//! What a line is read as, and what is refused.

use super::{Operation, read};

fn refused(line: impl AsRef<[u8]>) -> (Option<String>, String) {
    let request = read(line.as_ref());
    (request.id.map(|id| id.get().to_owned()), request.operation.unwrap_err().to_string())
}

#[test]
fn an_id_is_kept_as_it_was_whatever_it_is() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for id in ["1", "null", "1.0", "1e999", "\"\\ud800\"", "{\"a\": [1,  2]}", "123456789012345678901234567890", &deep]
    {
        let line = format!(r#"{{"id": {id} , "op": "storage"}}"#);
        let request = read(line.as_bytes());
        assert_eq!(request.id.unwrap().get(), id);
        assert_eq!(request.operation.unwrap(), Operation::Storage);
    }
    assert!(read(br#"{"op":"storage"}"#).id.is_none());
}

#[test]
fn args_may_be_absent_or_null_and_unknown_ones_are_not_looked_at() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let lines = [
        r#"{"op":"eject-disk"}"#.to_owned(),
        r#"{"op":"eject-disk","args":null}"#.into(),
        r#"{"op":"eject-disk","args":{"where":null}}"#.into(),
        format!(r#"{{"op":"eject-disk","args":{{"where":"","x":1e999,"y":{deep}}},"z":{deep}}}"#),
    ];
    for line in lines {
        let wanted = Operation::EjectDisk { mounted_at: String::new() };
        assert_eq!(read(line.as_bytes()).operation.unwrap(), wanted);
    }
}

#[test]
fn what_is_no_request_is_refused_and_named() {
    let cases = [
        ("", "expected a JSON object, found an empty line"),
        (" \t\r", "expected a JSON object, found an empty line"),
        ("nonsense", "expected a JSON object, found no JSON"),
        ("null", "expected a JSON object, found null"),
        ("[1]", "expected a JSON object, found a list"),
        ("\"a text\"", "expected a JSON object, found a text"),
        ("17", "expected a JSON object, found a number"),
        ("{}", "expected an operation (\"op\"), found none"),
        (r#"{"op":null}"#, "op: expected a text, found null"),
        (r#"{"op":["storage"]}"#, "op: expected a text, found a list"),
        (r#"{"op":"storage","args":[]}"#, "args: expected an object, found a list"),
        (r#"{"op":"storage","args":"x"}"#, "args: expected an object, found a text"),
        (r#"{"op":"eject-disk","args":{"where":7}}"#, "where: expected a text, found a number"),
        (r#"{"op":"format-disk","args":{"confirmed":"true"}}"#, "confirmed: expected true or false, found a text"),
        (r#"{"op":"format-disk","args":{"confirmed":1}}"#, "confirmed: expected true or false, found a number"),
        (r#"{"op":"storage"} x"#, "trailing characters at column 18"),
    ];
    for (line, message) in cases {
        assert_eq!(refused(line), (None, message.to_owned()), "{line:?}");
    }
    assert!(refused(r#"{"op":"eject-disk","args":{"where":"\ud800"}}"#).1.starts_with("where: "));
}

#[test]
fn an_id_before_the_break_is_found() {
    for line in [&br#"{"id":[1],"op":"#[..], b"{\"id\":[1],\"op\":\"\xff\"}", br#"{"id":[1],"op":"new"}{"#] {
        assert_eq!(refused(line).0.as_deref(), Some("[1]"));
    }
    let after_its_end = (Some("[1]".into()), "the line is not UTF-8: byte 21".into());
    assert_eq!(refused(b"{\"id\":[1],\"op\":\"new\"}\xff"), after_its_end);
    assert_eq!(refused(b"{\"id\":\"\xff\",\"op\":\"new\"}"), (None, "the line is not UTF-8: byte 7".into()));
}

#[test]
fn a_message_does_not_repeat_a_long_line() {
    let long = "x".repeat(1_000_000);
    for line in [format!("{long:?}"), format!(r#"{{"op":{long:?}}}"#), format!(r#"{{"op":"new","args":{long:?}}}"#)] {
        assert!(refused(&line).1.len() < 500);
    }
}
