//! The sections of a wasm binary, as far as they must be known to leave some out.

/// The component without its custom sections: names for debuggers, of which the optimiser has left few.
pub(crate) fn without_custom(wasm: &[u8]) -> Result<Vec<u8>, String> {
    const HEADER_BYTES: usize = 8;
    const CUSTOM: u8 = 0;
    let malformed = || "the component's sections cannot be read".to_string();
    let (header, mut rest) = wasm.split_at_checked(HEADER_BYTES).ok_or_else(malformed)?;
    let mut kept = header.to_vec();
    while let Some((&id, after_id)) = rest.split_first() {
        let (length, digits) = leb128(after_id).ok_or_else(malformed)?;
        let (section, after) = rest.split_at_checked(1 + digits + length).ok_or_else(malformed)?;
        if id != CUSTOM {
            kept.extend_from_slice(section);
        }
        rest = after;
    }
    Ok(kept)
}

/// An unsigned LEB128 number, and how many bytes it has.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate().take(5) {
        number |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, place + 1));
        }
    }
    None
}
