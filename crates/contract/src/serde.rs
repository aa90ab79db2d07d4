//! `Deserialize` and `Serialize`, for configurations: each type is read from the text that people write, by its own
//! `FromStr`, so that a wrong value has the same message in a file as on a command line.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::{Authority, Fingerprint, Pins, Token};

impl<'de> Deserialize<'de> for Authority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

/// From a list of one to eight texts.
impl<'de> Deserialize<'de> for Pins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Fingerprint>::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

/// There is no `Serialize` for a token: a configuration that is written out must not hold it.
///
/// No error made here shows any of the value, not even where it is of another type. A format's own error may all the
/// same quote the line of the file: print its message alone.
impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `deserialize_str`: serde_json answers that itself where the value is a number, and quotes the number.
        deserializer.deserialize_any(TextVisitor(PhantomData))
    }
}

impl Serialize for Authority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Pins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

/// Parses a text without keeping a copy of it: it may be a token.
struct TextVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_string<E: Error>(self, text: String) -> Result<T, E> {
        // A format that had to decode escapes hands its copy over; serde's default would free it without wiping it.
        self.visit_str(&Zeroizing::new(text))
    }

    // A token of digits alone, written without quotes, is a number. Serde's default would print it in the error.
    fn visit_i64<E: Error>(self, _: i64) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("a number"), &self))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("a number"), &self))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("a number"), &self))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, from_value, json, to_value};

    use super::*;

    /// The message for a value that is refused, borrowed from a text and owned.
    #[track_caller]
    fn refusal<T: DeserializeOwned + fmt::Debug>(value: Value) -> String {
        // `serde_json` adds the place to an error of a text, and none to one of a value.
        let borrowed = serde_json::from_str::<T>(&value.to_string()).unwrap_err().to_string();
        let owned = from_value::<T>(value).unwrap_err().to_string();
        assert_eq!(borrowed.split(" at line ").next(), Some(&*owned));
        owned
    }

    #[test]
    fn what_is_read_is_what_the_text_parses_to_and_is_written_as_it_is_printed() {
        let pin = "ab".repeat(32);
        let printed = pin.parse::<Fingerprint>().unwrap().to_string();
        let authority: Authority = from_value(json!(" Agent ")).unwrap();
        assert_eq!(to_value(&authority).unwrap(), json!("agent:443"));
        let pins: Pins = from_value(json!([pin, printed])).unwrap();
        assert_eq!(to_value(&pins).unwrap(), json!([printed, printed]));
        let token: Token = from_value(json!("se cret")).unwrap();
        assert_eq!(token.reveal(), "se cret");
        let escaped: Token = serde_json::from_str(r#""se\u0063ret""#).unwrap();
        assert_eq!(escaped.reveal(), "secret");
    }

    #[test]
    fn a_wrong_value_has_the_message_of_the_parser() {
        for endpoint in ["", "https://agent", "agent:0", "::1"] {
            let expected = endpoint.parse::<Authority>().unwrap_err().to_string();
            assert_eq!(refusal::<Authority>(json!(endpoint)), expected);
        }
        for pin in ["", "SHA", "ab"] {
            let expected = pin.parse::<Fingerprint>().unwrap_err().to_string();
            assert_eq!(refusal::<Fingerprint>(json!(pin)), expected);
            assert_eq!(refusal::<Pins>(json!([pin])), expected);
        }
        for token in ["", " a", "a\nb", "\u{e9}"] {
            let expected = token.parse::<Token>().unwrap_err().to_string();
            assert_eq!(refusal::<Token>(json!(token)), expected);
        }
    }

    #[test]
    fn a_list_of_pins_has_one_to_eight() {
        let pins = |count: usize| json!(vec!["ab".repeat(32); count]);
        assert_eq!(from_value::<Pins>(pins(8)).unwrap().as_slice().len(), 8);
        assert_eq!(refusal::<Pins>(pins(0)), "expected 1 to 8, found 0");
        assert_eq!(refusal::<Pins>(pins(9)), "expected 1 to 8, found 9");
        assert_eq!(refusal::<Pins>(json!(null)), "invalid type: null, expected a sequence");
    }

    #[test]
    fn neither_debug_text_nor_an_error_shows_a_token() {
        let token: Token = from_value(json!("20010911")).unwrap();
        assert_eq!(format!("{token:?}"), "Token(***)");
        for wrong in [json!("20010911\n"), json!(20010911), json!(-20010911), json!(20010911.5), json!(["20010911"])] {
            let message = refusal::<Token>(wrong);
            assert!(message.contains("expected") && !message.contains("2001"), "{message}");
        }
    }
}
