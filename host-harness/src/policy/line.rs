//! What a key or a title of an extension has to be, so that it can be shown, compared and stored.

/// Why a text is not one line of so many bytes: what was expected and what was found.
pub(super) fn check_line(what: &str, line: &str, max_bytes: usize) -> Result<(), String> {
    let found = match line {
        "" => "an empty one".to_owned(),
        _ if line.len() > max_bytes => format!("{} bytes", line.len()),
        _ if line.chars().any(char::is_control) => "a control character".to_owned(),
        _ => return Ok(()),
    };
    Err(format!("expected {what} of 1 to {max_bytes} bytes without control characters, found {found}"))
}
