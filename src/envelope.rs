//! The answer around every payload: `{"ok": .., "data": .., "error": ..}`.
//!
//! First the status, then the envelope, then `ok`, then the data: an answer fails with the first that is wrong.

use alloc::string::{String, ToString};
use core::str;

use agentapi_contract::Route;

use crate::bindings::felhom::agentapi::types::Error;
use crate::json::{self, Field, Record};
use crate::transport::{self, Answer};

/// Sends the GET request of a route, and reads the record in the answer.
pub(crate) fn get<T: Record>(route: Route) -> Result<T, Error> {
    let mut record = T::zero();
    get_into(route, &mut record)?;
    Ok(record)
}

/// Sends the POST request of a route, with a JSON text as its body, and reads the record in the answer.
pub(crate) fn post<T: Record>(route: Route, body: &[u8]) -> Result<T, Error> {
    let mut record = T::zero();
    post_into(route, body, &mut record)?;
    Ok(record)
}

/// Sends the POST request of a route, with a JSON text as its body, and checks the answer, whose data does not matter.
pub(crate) fn post_only(route: Route, body: &[u8]) -> Result<(), Error> {
    nothing(route, &transport::post(route, body)?)
}

// Apart from the generic functions, so that they are compiled once and not for each record.
fn get_into(route: Route, record: &mut dyn Record) -> Result<(), Error> {
    read_into(route, &transport::get(route)?, record)
}

fn post_into(route: Route, body: &[u8], record: &mut dyn Record) -> Result<(), Error> {
    read_into(route, &transport::post(route, body)?, record)
}

/// The record in an answer: what [`get`] and [`post`] read.
#[cfg(any(feature = "fuzzing", test))]
pub(crate) fn record<T: Record>(route: Route, answer: &Answer) -> Result<T, Error> {
    let mut record = T::zero();
    read_into(route, answer, &mut record)?;
    Ok(record)
}

fn read_into(route: Route, answer: &Answer, record: &mut dyn Record) -> Result<(), Error> {
    let no_data = || Err(Error::Decode("expected data, found none".to_string()));
    agreed(route, answer, record)?.data.unwrap_or_else(no_data)
}

/// Checks an answer whose data does not matter.
pub(crate) fn nothing(route: Route, answer: &Answer) -> Result<(), Error> {
    agreed(route, answer, &mut Ignored).map(drop)
}

/// An envelope that has been read.
pub(crate) struct Envelope {
    /// Whether the agent said yes.
    pub(crate) ok: bool,
    /// The agent's own text for its no.
    pub(crate) error: String,
    /// Whether the data is the record that was asked for: none where there is no data.
    pub(crate) data: Option<Result<(), Error>>,
}

impl Envelope {
    /// Reads the envelope in a body, whatever the status, and its data into a record.
    pub(crate) fn read(body: &[u8], data: &mut dyn Record) -> Result<Self, Error> {
        let text = str::from_utf8(body).map_err(|_| Error::BadEnvelope("expected UTF-8".to_string()))?;
        // One pass where all is well; if not, another without the data tells whether that is what is wrong.
        let mut fields = Fields { data: Some(data), ..Fields::zero() };
        let Err(why) = json::read(text, &mut fields) else {
            return Ok(fields.envelope);
        };
        let mut fields = Fields::zero();
        json::read(text, &mut fields).map_err(Error::BadEnvelope)?;
        if let Some(data) = &mut fields.envelope.data {
            *data = Err(Error::Decode(why));
        }
        Ok(fields.envelope)
    }
}

/// The envelope as it stands on the wire.
struct Fields<'a> {
    envelope: Envelope,
    /// Where the data goes, if it is looked at.
    data: Option<&'a mut dyn Record>,
}

impl Record for Fields<'_> {
    fn zero() -> Self {
        Fields { envelope: Envelope { ok: false, error: String::new(), data: None }, data: None }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        match key {
            "ok" => Some(Field::Flag(&mut self.envelope.ok)),
            "error" => Some(Field::Text(&mut self.envelope.error)),
            "data" if self.envelope.data.is_some() && self.data.is_some() => Some(Field::Once),
            "data" => {
                self.envelope.data = Some(Ok(()));
                Some(Field::Record(self.data.as_deref_mut()?))
            }
            _ => None,
        }
    }
}

/// The envelope of an agent that said yes.
fn agreed(route: Route, answer: &Answer, data: &mut dyn Record) -> Result<Envelope, Error> {
    if !route.accepts(answer.status) {
        return Err(Error::HttpStatus(answer.status));
    }
    let envelope = Envelope::read(&answer.body, data)?;
    if envelope.ok { Ok(envelope) } else { Err(Error::Agent(envelope.error)) }
}

/// Data that is not read, whatever it is.
struct Ignored;

impl Record for Ignored {
    fn zero() -> Self {
        Ignored
    }

    fn field(&mut self, _: &str) -> Option<Field<'_>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> String {
        let answer = Answer { status, body: body.into() };
        match record::<Ignored>(Route::Storage, &answer) {
            Ok(Ignored) => "ok".into(),
            Err(Error::BadEnvelope(_)) => "bad-envelope".into(),
            Err(Error::Decode(_)) => "decode".into(),
            Err(Error::Agent(text)) => format!("agent {text}"),
            Err(Error::HttpStatus(status)) => format!("status {status}"),
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
            (500, r#"{"ok":false,"error":"no"}"#, "status 500"),
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
    fn data_that_does_not_matter_may_be_anything() {
        let outcome = |body: &str| nothing(Route::AssignDisk, &Answer { status: 202, body: body.into() });
        assert!(outcome(r#"{"ok":true}"#).is_ok());
        assert!(outcome(r#"{"ok":true,"data":[1]}"#).is_ok());
        assert!(matches!(outcome(r#"{"ok":false,"error":"no"}"#), Err(Error::Agent(text)) if text == "no"));
    }
}
