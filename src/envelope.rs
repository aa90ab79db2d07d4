//! The answer around every payload: `{"ok": .., "data": .., "error": ..}`.
//!
//! An answer is checked from the outside in, and fails with the first thing that is wrong: the status, the envelope,
//! `ok`, the data. So the page of a proxy with status 502 is an HTTP error and not bad JSON, and an agent that says no
//! is heard even where its data makes no sense.

use alloc::string::{String, ToString};
use core::str;

use agentapi_contract::Route;

use crate::bindings::felhom::agentapi::types::{Error, HttpAnswer};
use crate::json::{self, Field, Record};
use crate::transport::{self, Answer};

/// Sends the GET request of a route, and reads the record in the answer.
pub(crate) fn get<T: Record + Default>(route: Route) -> Result<T, Error> {
    let mut record = T::default();
    get_into(route, &mut record)?;
    Ok(record)
}

/// Sends the POST request of a route, with a JSON text as its body, and reads the record in the answer.
pub(crate) fn post<T: Record + Default>(route: Route, body: &[u8]) -> Result<T, Error> {
    let mut record = T::default();
    post_into(route, body, &mut record)?;
    Ok(record)
}

/// Sends the POST request of a route, with a JSON text as its body, and checks the answer, whose data is not read.
pub(crate) fn post_only(route: Route, body: &[u8]) -> Result<(), Error> {
    check(route, &transport::post(route, body)?)
}

// Apart from the generic functions, so that they are compiled once and not for each record.
fn get_into(route: Route, record: &mut dyn Record) -> Result<(), Error> {
    decode_into(route, &transport::get(route)?, record)
}

fn post_into(route: Route, body: &[u8], record: &mut dyn Record) -> Result<(), Error> {
    decode_into(route, &transport::post(route, body)?, record)
}

fn decode_into(route: Route, answer: &Answer, record: &mut dyn Record) -> Result<(), Error> {
    successful(route, answer, record)?.data.unwrap_or_else(|| Err(missing_data()))
}

/// Checks an answer whose data is not read.
pub(crate) fn check(route: Route, answer: &Answer) -> Result<(), Error> {
    // The outcome of the data is dropped, so it may be of any kind, or missing.
    successful(route, answer, &mut EmptyRecord).map(drop)
}

/// The record in an answer: what [`get`] and [`post`] do with one that has come.
#[cfg(any(feature = "fuzzing", test))]
pub(crate) fn decode<T: Record + Default>(route: Route, answer: &Answer) -> Result<T, Error> {
    let mut record = T::default();
    decode_into(route, answer, &mut record)?;
    Ok(record)
}

/// The record that some data in a good answer is read as, for the tests of each area.
#[cfg(test)]
pub(crate) fn decode_data<T: Record + Default>(data: &str) -> T {
    let body = alloc::format!(r#"{{"ok":true,"data":{data}}}"#).into_bytes();
    decode(Route::Storage, &Answer { status: 200, body }).unwrap()
}

/// The envelope of an answer in which the agent agreed.
fn successful(route: Route, answer: &Answer, data: &mut dyn Record) -> Result<Envelope, Error> {
    if !route.accepts(answer.status) {
        return Err(status_error(answer));
    }
    let envelope = Envelope::read(&answer.body, data)?;
    if envelope.ok { Ok(envelope) } else { Err(Error::Agent(envelope.error)) }
}

/// The error of an answer with a status that the operation does not accept, with what the agent says about it. A body that
/// is no envelope says nothing: a proxy's page with status 502 is for browsers.
#[cold]
#[inline(never)]
pub(crate) fn status_error(answer: &Answer) -> Error {
    let mut text = Envelope::read(&answer.body, &mut EmptyRecord).map_or_else(|_| String::new(), |said| said.error);
    text.truncate(text.floor_char_boundary(MAX_STATUS_TEXT_BYTES));
    Error::HttpStatus(HttpAnswer { status: answer.status, text })
}

/// The error of an answer without data, where the operation needs some. `null` counts as data: a record of zero values.
pub(crate) fn missing_data() -> Error {
    Error::Decode("expected data, found none".to_string())
}

/// An envelope that has been read.
#[derive(Default)]
pub(crate) struct Envelope {
    /// Whether the agent agreed.
    pub(crate) ok: bool,
    /// The agent's own text where it did not.
    pub(crate) error: String,
    /// Whether the data is the record that was asked for; none where there is no data.
    pub(crate) data: Option<Result<(), Error>>,
}

impl Envelope {
    /// Reads the envelope in a body, whatever the status, and its data into a record.
    pub(crate) fn read(body: &[u8], data: &mut dyn Record) -> Result<Self, Error> {
        let text = str::from_utf8(body).map_err(|_| Error::BadEnvelope(why_no_text(body).to_string()))?;
        let mut fields = EnvelopeFields { data: Some(data), ..EnvelopeFields::default() };
        let Err(why) = json::read(text, &mut fields) else {
            return Ok(fields.envelope);
        };
        // Something is wrong, in the envelope or in the data. A second pass that skips the data tells which. It costs
        // nothing where all is well, and needs no reader that keeps two errors apart.
        let mut fields = EnvelopeFields::default();
        json::read(text, &mut fields).map_err(Error::BadEnvelope)?;
        if let Some(data) = &mut fields.envelope.data {
            *data = Err(Error::Decode(why));
        }
        Ok(fields.envelope)
    }
}

fn why_no_text(body: &[u8]) -> &'static str {
    // Something between here and the agent compresses. Source of the two bytes: RFC 1952, section 2.3.1.
    let is_gzip = body.starts_with(&[0x1f, 0x8b]);
    if is_gzip { "it is compressed (gzip), which was not asked for" } else { "expected UTF-8" }
}

/// The envelope as an object in JSON.
#[derive(Default)]
struct EnvelopeFields<'a> {
    envelope: Envelope,
    /// What the data is read into; none where it is skipped.
    data: Option<&'a mut dyn Record>,
}

impl Record for EnvelopeFields<'_> {
    fn keys(&self) -> &'static [&'static str] {
        &["\"ok\":", "\"data\":", "\"error\":"]
    }

    fn field(&mut self, index: usize) -> Option<Field<'_>> {
        match index {
            0 => Some(Field::Flag(&mut self.envelope.ok)),
            2 => Some(Field::Text(&mut self.envelope.error)),
            // A second `data` would be read over the first and leave a record that is part one and part the other.
            1 if self.envelope.data.is_some() && self.data.is_some() => Some(Field::Duplicate),
            1 => {
                self.envelope.data = Some(Ok(()));
                Some(Field::Record(self.data.as_deref_mut()?))
            }
            _ => None,
        }
    }
}

/// A record without fields: what data is read into that does not matter.
#[derive(Default)]
struct EmptyRecord;

impl Record for EmptyRecord {
    fn keys(&self) -> &'static [&'static str] {
        &[]
    }

    fn field(&mut self, _: usize) -> Option<Field<'_>> {
        None
    }
}

/// How much of the agent's text about a status is kept. A sentence is what helps; more is not for an error's message.
const MAX_STATUS_TEXT_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> String {
        let answer = Answer { status, body: body.into() };
        match decode::<EmptyRecord>(Route::Storage, &answer) {
            Ok(EmptyRecord) => "ok".into(),
            Err(Error::BadEnvelope(_)) => "bad-envelope".into(),
            Err(Error::Decode(_)) => "decode".into(),
            Err(Error::Agent(text)) => format!("agent {text}"),
            Err(Error::HttpStatus(HttpAnswer { status, text })) => format!("status {status} {text}").trim_end().into(),
            Err(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn the_first_thing_that_is_wrong_decides() {
        let cases = [
            (200, r#"{"ok":true,"data":{}}"#, "ok"),
            (200, r#"{"ok":true,"data":null}"#, "ok"),
            (202, r#"{"ok":true,"data":{}}"#, "status 202"),
            (500, "not JSON", "status 500"),
            (500, r#"{"ok":false,"error":"no"}"#, "status 500 no"),
            (
                409,
                r#"{"ok":true,"data":7,"error":"VM 101 is locked (backup)"}"#,
                "status 409 VM 101 is locked (backup)",
            ),
            (409, r#"{"error":7}"#, "status 409"),
            (200, "", "bad-envelope"),
            (200, "null", "bad-envelope"),
            (200, "[]", "bad-envelope"),
            (200, r#"[true,{},""]"#, "bad-envelope"),
            (200, r#"{"ok":1,"data":{}}"#, "bad-envelope"),
            (200, r#"{"ok":true,"data":{}} x"#, "bad-envelope"),
            (200, r#"{"ok":true,"data":{},"error":7}"#, "bad-envelope"),
            (200, r#"{"data":[],"ok":7}"#, "bad-envelope"),
            (200, r#"{"ok":false,"error":"no"}"#, "agent no"),
            (200, r#"{"ok":false,"data":[],"error":"no"}"#, "agent no"),
            (200, r#"{"error":null}"#, "agent "),
            (200, r#"{"ok":true,"data":{},"data":null}"#, "decode"),
            (200, r#"{"ok":true,"data":{},"data":{}}"#, "decode"),
            (200, r#"{"ok":true}"#, "decode"),
            (200, r#"{"ok":true,"data":[]}"#, "decode"),
            (200, r#"{"ok":true,"data":"{}"}"#, "decode"),
        ];
        for (status, body, expected) in cases {
            assert_eq!(outcome(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn what_the_agent_says_of_a_status_is_cut_off_between_two_characters() {
        let body = format!(r#"{{"ok":false,"error":"{}"}}"#, "é".repeat(600)).into_bytes();
        let Error::HttpStatus(said) = status_error(&Answer { status: 423, body }) else { panic!("another error") };
        assert_eq!((said.status, said.text), (423, "é".repeat(512)));
        let body = format!(r#"{{"ok":false,"error":"x{}"}}"#, "é".repeat(600)).into_bytes();
        let Error::HttpStatus(said) = status_error(&Answer { status: 423, body }) else { panic!("another error") };
        assert_eq!(said.text.len(), 1023);
    }

    #[test]
    fn data_that_does_not_matter_may_be_anything() {
        let outcome = |body: &str| check(Route::AssignDisk, &Answer { status: 202, body: body.into() });
        assert!(outcome(r#"{"ok":true}"#).is_ok());
        assert!(outcome(r#"{"ok":true,"data":[1]}"#).is_ok());
        assert!(matches!(outcome(r#"{"ok":false,"error":"no"}"#), Err(Error::Agent(text)) if text == "no"));
    }
}
