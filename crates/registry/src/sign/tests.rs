use super::*;
use crate::signature::{PublicKey, verify};

const WASM: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn a_new_key_signs_and_says_by_which_public_key() {
    for password in [None, Some("pass word")] {
        let new = NewKey::generate(password).unwrap();
        let public: PublicKey = new.public.parse().unwrap();
        assert_eq!(SecretKey::needs_password(&new.secret).unwrap(), password.is_some());
        assert!(
            new.secret.starts_with(&format!("untrusted comment: secret key of {}\n", public.id())),
            "{}",
            new.secret
        );
        let key = SecretKey::open(&new.secret, password).unwrap();
        let signature = key.sign(WASM, "name=x").unwrap();
        assert_eq!(verify(WASM, &signature, &[public]).unwrap().trusted_comment, "name=x");
    }
}

fn refusal(text: &str, password: Option<&str>) -> String {
    SecretKey::open(text, password).err().expect("a refusal").to_string()
}

#[test]
fn a_key_that_cannot_be_opened_says_why() {
    let locked = NewKey::generate(Some("right")).unwrap();
    assert_eq!(refusal(&locked.secret, None), "the key has a password, found none");
    assert_eq!(refusal(&locked.secret, Some("wrong")), "the key cannot be opened: wrong password, or a damaged file");
    for text in ["", "one line", "two\nlines", &locked.public] {
        assert_eq!(refusal(text, None), "expected a secret key of minisign in two lines, found something else");
    }
}

#[test]
fn a_damaged_key_without_a_password_signs_nothing() {
    let new = NewKey::generate(None).unwrap();
    let mut bytes = decode(&new.secret).unwrap();
    // In its seed, so that it no longer belongs to its public half.
    bytes[70] ^= 1;
    let damaged = format!("untrusted comment: x\n{}\n", BASE64_STANDARD.encode(bytes));
    let error = SecretKey::open(&damaged, None).unwrap().sign(WASM, "x").unwrap_err().to_string();
    assert!(error.starts_with("the key cannot be used: "), "{error}");
}

#[test]
fn the_comment_says_what_is_signed_in_one_line() {
    let key = SecretKey::open(&NewKey::generate(None).unwrap().secret, None).unwrap();
    assert!(matches!(key.sign(WASM, "a\nb"), Err(SignError::Comment)));
    let named = Manifest { name: Some("a b=c\n".into()), version: Some("1.0".into()), ..Manifest::default() };
    let sha256 = crate::sha256_hex(WASM);
    assert_eq!(
        trusted_comment(WASM, &named, Some("of ours")),
        format!("name=a_b_c_ version=1.0 sha256={sha256} of ours")
    );
    assert_eq!(trusted_comment(WASM, &Manifest::default(), None), format!("sha256={sha256}"));
}
