//! Just enough DER to find a public key in a certificate and the numbers in an RSA key.
//!
//! Certificates of the recorded cases are odd on purpose, so this asks for no more structure than it needs.

/// One element: its tag, its contents, and all of its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// The SPKI of a certificate (RFC 5280, section 4.1), or none if it is not shaped like one.
pub(crate) fn spki(certificate: &[u8]) -> Option<&[u8]> {
    let outer = elements(certificate)?;
    let signed = elements(outer.first()?.contents)?;
    let fields = elements(signed.first()?.contents)?;
    let version_fields = usize::from(fields.first()?.tag == VERSION);
    Some(fields.get(version_fields + FIELDS_BEFORE_SPKI)?.whole)
}

/// Modulus and private exponent of an RSA key, in PKCS#8 (RFC 5208) or PKCS#1 (RFC 8017, appendix A.1.2).
pub(crate) fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let fields = elements(elements(key)?.first()?.contents)?;
    match fields.get(2) {
        Some(wrapped) if wrapped.tag == OCTET_STRING => rsa_numbers(wrapped.contents),
        _ => Some((fields.get(1)?.contents, fields.get(3)?.contents)),
    }
}

/// The elements that follow one another in `input`.
pub(crate) fn elements(mut input: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut found = Vec::new();
    while !input.is_empty() {
        let (element, rest) = split_first(input)?;
        found.push(element);
        input = rest;
    }
    Some(found)
}

fn split_first(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, after_tag) = input.split_first()?;
    let (&short, after_short) = after_tag.split_first()?;
    let (length, body) = if short < 0x80 {
        (usize::from(short), after_short)
    } else {
        let (digits, body) = after_short.split_at_checked(usize::from(short & 0x7f))?;
        let length = digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit));
        (length, body)
    };
    let (contents, rest) = body.split_at_checked(length)?;
    let whole = &input[..input.len() - rest.len()];
    Some((Element { tag, contents, whole }, rest))
}

const VERSION: u8 = 0xa0;
const OCTET_STRING: u8 = 0x04;
/// Serial number, signature algorithm, issuer, validity and subject.
const FIELDS_BEFORE_SPKI: usize = 5;

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PublicKeyData};

    use super::{elements, spki};

    #[test]
    fn the_public_key_of_a_certificate_is_found() {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        assert_eq!(spki(certificate.der()), Some(key.subject_public_key_info().as_slice()));
    }

    #[test]
    fn bytes_that_end_early_are_no_element() {
        for cut in [&[0x30][..], &[0x30, 2, 0], &[0x30, 0x82, 1]] {
            assert!(elements(cut).is_none(), "{cut:?}");
        }
    }
}
