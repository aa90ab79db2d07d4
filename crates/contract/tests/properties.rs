//! Properties that hold for any text, tried on random ones from a fixed seed; `fuzz/` tries them for longer.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use agentapi_contract::{Authority, Fingerprint, Token};
use fastrand::Rng;

const TRIES: usize = 20_000;

/// A text of these characters, and now and then of any.
fn text(rng: &mut Rng, alphabet: &str, longest: usize) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let length = rng.usize(0..=longest);
    (0..length).map(|_| if rng.u8(..) < 4 { rng.char(..) } else { *rng.choice(&alphabet).unwrap() }).collect()
}

#[test]
fn printing_a_fingerprint_and_reading_it_again_is_the_identity() {
    let mut rng = Rng::with_seed(1);
    let mut read = 0;
    for _ in 0..TRIES {
        let mut digits: String = (0..64).map(|_| char::from(*rng.choice(b"0123456789abcdefABCDEF").unwrap())).collect();
        for _ in 0..rng.usize(0..4) {
            digits.insert(rng.usize(0..=64), char::from(*rng.choice(b":: \t0g").unwrap()));
        }
        let Ok(fingerprint) = digits.parse::<Fingerprint>() else { continue };
        read += 1;
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert_eq!(fingerprint.to_string().to_lowercase().replace(':', "").parse(), Ok(fingerprint));
    }
    assert!(read > TRIES / 10 && read < TRIES, "{read} of {TRIES} were fingerprints");
}

#[test]
fn printing_an_authority_and_reading_it_again_is_the_identity_and_it_is_nothing_else_of_a_uri() {
    let mut rng = Rng::with_seed(2);
    let mut read = 0;
    for _ in 0..TRIES {
        let endpoint = text(&mut rng, "abcF0129.-_::[] /@", 12);
        let Ok(authority) = endpoint.parse::<Authority>() else { continue };
        read += 1;
        let printed = authority.to_string();
        assert!(
            printed.is_ascii() && !printed.contains(['/', '?', '#', '@', '%', '\\', ' ']),
            "{endpoint:?}: {printed}"
        );
        assert_eq!(printed.parse(), Ok(authority), "{endpoint:?}");
    }
    assert!(read > TRIES / 100 && read < TRIES, "{read} of {TRIES} were endpoints");
}

#[test]
fn a_token_is_a_header_value_and_a_text_that_is_none_is_not_repeated() {
    let mut rng = Rng::with_seed(5);
    let mut read = 0;
    for _ in 0..TRIES {
        let secret = text(&mut rng, "aZ09-._~+/= \t\n", 12);
        match secret.parse::<Token>() {
            Ok(token) => {
                read += 1;
                assert_eq!(token.reveal(), secret);
                assert!(token.authorization().bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{secret:?}");
                assert!(token.admits([token.authorization().as_bytes()]));
            }
            // The error is that of any other text with the same faults, so it tells nothing of the rest.
            Err(why) => assert_eq!(secret.replace(|c| matches!(c, '!'..='~'), "x").parse::<Token>(), Err(why)),
        }
    }
    assert!(read > TRIES / 10 && read < TRIES, "{read} of {TRIES} were tokens");
}
