//! Whether a host can exist: a name, or an IPv4 address.
//!
//! A host that cannot is a slip of the hand, and is better told at once than by a resolver that finds nothing.

use super::EndpointError;

/// Checks a host of letters, digits, `.`, `-` and `_`.
pub(super) fn check(host: &str) -> Result<(), EndpointError> {
    // One final dot says that the name is complete (RFC 1034, section 3.1).
    let name = host.as_bytes();
    let name = name.strip_suffix(b".").unwrap_or(name);
    let (mut why, mut last) = (None, name);
    for label in name.split(|&byte| byte == b'.') {
        why = why.or(label_error(label));
        last = label;
    }
    // No top-level domain is a number, so such a host is meant as an address. Resolvers take `127.1` and `0x7f.1` for
    // one too, each in its own way.
    if is_number(last) {
        return if is_ipv4(host.as_bytes()) { Ok(()) } else { Err(EndpointError::Address(host.into())) };
    }
    if name.len() > MAX_NAME_BYTES {
        why = Some("it is longer than 253 characters");
    }
    why.map_or(Ok(()), |why| Err(EndpointError::Name(host.into(), why)))
}

/// Whether an IPv6 address is in `fe80::/10`.
pub(super) fn is_link_local(address: &str) -> bool {
    matches!(
        address.as_bytes(),
        [b'f' | b'F', b'e' | b'E', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', last, b':', ..] if last.is_ascii_hexdigit()
    )
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
fn is_ipv4(host: &[u8]) -> bool {
    let mut count = 0;
    host.split(|&byte| byte == b'.').all(|digits| {
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
