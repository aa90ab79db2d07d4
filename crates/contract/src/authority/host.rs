//! Whether a host can exist: a name, or an IPv4 address.
//!
//! A host that cannot is a slip of the hand, and is better told at once than by a resolver that finds nothing.

use super::EndpointError;

/// Checks a host of letters, digits, `.`, `-` and `_`.
pub(super) fn check(host: &str) -> Result<(), EndpointError> {
    // One final dot says that the name is complete (RFC 1034, section 3.1).
    let name = host.strip_suffix('.').unwrap_or(host);
    let mut labels = name.as_bytes().split(|&byte| byte == b'.');
    // No top-level domain is a number, so such a host is meant as an address. Resolvers take `127.1` and `0x7f.1` for
    // one too, each in its own way.
    if name.as_bytes().rsplit(|&byte| byte == b'.').next().is_some_and(is_number) {
        return if is_ipv4(host) { Ok(()) } else { Err(EndpointError::Address(host.into())) };
    }
    let why = if name.len() > MAX_NAME_BYTES {
        "it is longer than 253 characters"
    } else if let Some(why) = labels.find_map(label_error) {
        why
    } else {
        return Ok(());
    };
    Err(EndpointError::Name(host.into(), why))
}

/// Whether an IPv6 address is in `fe80::/10`.
pub(super) fn is_link_local(address: &str) -> bool {
    let mut bytes = address.bytes();
    let mut next_is = |allowed: &[u8]| bytes.next().is_some_and(|byte| allowed.contains(&byte));
    next_is(b"fF") && next_is(b"eE") && next_is(b"89aAbB") && next_is(b"0123456789abcdefABCDEF") && next_is(b":")
}

fn label_error(label: &[u8]) -> Option<&'static str> {
    match label {
        [] => Some("there is nothing between two dots, or before the first"),
        [b'-', ..] | [.., b'-'] => Some("a part begins or ends with '-'"),
        _ if label.len() > MAX_LABEL_BYTES => Some("a part is longer than 63 characters"),
        _ => None,
    }
}

/// Whether a label is a decimal number, or a hexadecimal one that begins with `0x`.
fn is_number(label: &[u8]) -> bool {
    match label {
        [b'0', b'x' | b'X', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        _ => !label.is_empty() && label.iter().all(u8::is_ascii_digit),
    }
}

/// Whether a text is four decimal numbers up to 255, without zeroes in front, which some resolvers take for octal.
fn is_ipv4(host: &str) -> bool {
    let mut count = 0;
    let mut numbers = host.as_bytes().split(|&byte| byte == b'.');
    numbers.all(|digits| {
        count += 1;
        let has_zero_in_front = matches!(digits, [b'0', _, ..]);
        matches!(digits.len(), 1..=3)
            && digits.iter().all(u8::is_ascii_digit)
            && !has_zero_in_front
            && digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')) < 256
    }) && count == 4
}

/// The longest name and the longest label (RFC 1035, section 2.3.4; the name without its final dot).
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;
