//! What can be wrong with a text that is not JSON, in the words of `serde_json`, which read these texts before: operators
//! know them, and recorded exchanges hold them.

/// What is wrong with a text that is not JSON.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    ArrayComma,
    Colon,
    ControlCharacter,
    EndInArray,
    EndInObject,
    EndInString,
    EndInValue,
    Escape,
    Key,
    Literal,
    LoneSurrogate,
    Number,
    NumberTooLarge,
    ObjectComma,
    SurrogateAlone,
    TrailingCharacters,
    TrailingComma,
    Value,
}

impl Fault {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::ArrayComma => "expected `,` or `]`",
            Self::Colon => "expected `:`",
            Self::ControlCharacter => "control character (\\u0000-\\u001F) found while parsing a string",
            Self::EndInArray => "EOF while parsing a list",
            Self::EndInObject => "EOF while parsing an object",
            Self::EndInString => "EOF while parsing a string",
            Self::EndInValue => "EOF while parsing a value",
            Self::Escape => "invalid escape",
            Self::Key => "key must be a string",
            Self::Literal => "expected ident",
            Self::LoneSurrogate => "lone leading surrogate in hex escape",
            Self::Number => "invalid number",
            Self::NumberTooLarge => "number out of range",
            Self::ObjectComma => "expected `,` or `}`",
            Self::SurrogateAlone => "unexpected end of hex escape",
            Self::TrailingCharacters => "trailing characters",
            Self::TrailingComma => "trailing comma",
            Self::Value => "expected value",
        }
    }
}
