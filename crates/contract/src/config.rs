//! Errors of configuration files, without what is in the files.
//!
//! Somebody may name the file with the token where a configuration is expected, or write the token behind a wrong key. The
//! parsers' own errors quote the line, and serde's the value.

use alloc::string::{String, ToString};

/// The error of a parser as `line 3, column 1: what was expected`.
///
/// `offset` is where in `text` the error is, in bytes. Of `message`, serde's or the parser's own words, the part that holds a
/// value is left out; the name of an unknown key stays, because a misspelt key cannot be found without it.
///
/// ```
/// use agentapi_contract::config_error;
///
/// let text = "vmid = 7\nfunctions = \"s3cret\"\n";
/// let why = r#"invalid type: string "s3cret", expected a sequence"#;
/// assert_eq!(config_error(text, Some(21), why), "line 2, column 13: expected a sequence, found string");
/// ```
pub fn config_error(text: &str, offset: Option<usize>, message: &str) -> String {
    let message = without_value(message);
    let Some(before) = offset.and_then(|offset| text.get(..offset)) else {
        return message;
    };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ["line ", &line.to_string(), ", column ", &column.to_string(), ": ", &message].concat()
}

/// The words of serde without the value that they quote: `invalid type: string "x", expected a map` becomes `expected a map,
/// found string`.
fn without_value(message: &str) -> String {
    let Some((_, expected)) = message.rsplit_once(", expected ") else {
        return message.to_string();
    };
    let found = ["invalid type: ", "invalid value: "].into_iter().find_map(|start| message.strip_prefix(start));
    match found {
        Some(found) => {
            let kind = found.split(['"', '`', ',']).next().unwrap_or_default().trim_end();
            ["expected ", expected, ", found ", kind].concat()
        }
        None if message.starts_with("unknown variant ") => ["expected ", expected, ", found another"].concat(),
        None => message.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::config_error;

    #[test]
    fn a_value_is_left_out_and_a_key_stays() {
        let cases = [
            (r#"invalid type: string "s3cret, expected x", expected u32"#, "expected u32, found string"),
            ("invalid type: integer `5`, expected a string", "expected a string, found integer"),
            ("invalid type: map, expected a sequence", "expected a sequence, found map"),
            (r#"invalid value: string "s3cret", expected a route"#, "expected a route, found string"),
            ("unknown variant `s3cret`, expected `refuse` or `deny`", "expected `refuse` or `deny`, found another"),
            ("unknown field `cpu`, expected `cpu_ms`", "unknown field `cpu`, expected `cpu_ms`"),
            ("missing field `x`", "missing field `x`"),
        ];
        for (message, shown) in cases {
            assert_eq!(config_error("", None, message), shown);
        }
    }

    #[test]
    fn the_place_is_counted_in_lines_and_characters_from_one() {
        assert_eq!(config_error("a", Some(0), "x"), "line 1, column 1: x");
        assert_eq!(config_error("\u{e9} = 1\n\u{e9}b", Some(10), "x"), "line 2, column 3: x");
        assert_eq!(config_error("a", Some(7), "x"), "x");
    }
}
