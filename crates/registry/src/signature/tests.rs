use std::io::Cursor;

use minisign::KeyPair;

use super::*;

const WASM: &[u8] = b"\0asm\x0d\0\x01\0";

fn key() -> (KeyPair, PublicKey) {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let public = pair.pk.to_base64().parse().unwrap();
    (pair, public)
}

fn sign(pair: &KeyPair, wasm: &[u8], comment: &str) -> String {
    minisign::sign(None, &pair.sk, Cursor::new(wasm), Some(comment), None).unwrap().into_string()
}

/// The text with the last character but one of a line turned into another.
fn damage(signature: &str, line: usize) -> String {
    let mut lines: Vec<_> = signature.lines().map(str::to_owned).collect();
    let place = lines[line].len() - 6;
    let other = if lines[line].as_bytes()[place] == b'A' { "B" } else { "A" };
    lines[line].replace_range(place..=place, other);
    lines.join("\n") + "\n"
}

#[test]
fn a_signature_by_one_of_the_keys_holds() {
    let ((pair, public), (_, other)) = (key(), key());
    let signature = sign(&pair, WASM, "name=nightly");
    let signed = verify(WASM, &signature, &[other, public.clone()]).unwrap();
    assert_eq!(signed, Signed { key: public.id(), trusted_comment: "name=nightly".into() });
    assert_eq!(unchecked(&signature).unwrap(), signed);
}

#[test]
fn each_reason_to_refuse_has_a_message_of_its_own() {
    let ((pair, public), (_, other)) = (key(), key());
    let (id, keys) = (public.id(), [public]);
    let signature = sign(&pair, WASM, "name=nightly");
    let refusal =
        |wasm: &[u8], signature: &str, keys: &[PublicKey]| verify(wasm, signature, keys).unwrap_err().to_string();

    let found = sha256_hex(b"other");
    assert_eq!(
        refusal(b"other", &signature, &keys),
        format!("changed bytes: the signature by key {id} is for other bytes (name=nightly), found sha256={found}")
    );
    let expected = format!("wrong signature: it names key {id}, which did not make it");
    // The comment, the first signature, and the second.
    assert_eq!(refusal(WASM, &signature.replace("nightly", "daily"), &keys), expected);
    assert_eq!(refusal(WASM, &damage(&signature, 1), &keys), expected);
    assert_eq!(refusal(WASM, &damage(&signature, 3), &keys), expected);
    assert_eq!(
        refusal(WASM, &signature, std::slice::from_ref(&other)),
        format!("unknown key: expected a signature by key {}, found one by key {id}", other.id())
    );
    let malformed = "expected a signature of minisign in four lines, found something else";
    let cut = signature.lines().take(3).collect::<Vec<_>>().join("\n");
    for text in ["", "text", &cut, &signature.replace("trusted comment: name", "comment: name")] {
        assert_eq!(refusal(WASM, text, &keys), malformed);
    }
    let missing = missing(&[keys[0].clone(), other.clone()], "x.wasm.minisig").to_string();
    assert_eq!(
        missing,
        format!("expected a signature by key {id} or key {}, found none: there is no x.wasm.minisig", other.id())
    );
}

#[test]
fn a_key_that_takes_the_number_of_another_is_not_taken_for_it() {
    let ((pair, public), (impostor, _)) = (key(), key());
    let mut bytes = BASE64_STANDARD.decode(impostor.pk.to_base64()).unwrap();
    let of_public = BASE64_STANDARD.decode(public.as_str()).unwrap();
    bytes[2..10].copy_from_slice(&of_public[2..10]);
    let impostor: PublicKey = BASE64_STANDARD.encode(bytes).parse().unwrap();
    assert_eq!(impostor.id(), public.id());
    let signature = sign(&pair, WASM, "x");
    assert!(matches!(verify(WASM, &signature, std::slice::from_ref(&impostor)), Err(SignatureError::Forged { .. })));
    assert!(verify(WASM, &signature, &[impostor, public]).is_ok(), "both have this number, and one has made it");
}

#[test]
fn a_signature_without_a_hash_is_refused_by_name() {
    // Made by minisign 0.11 with -l over WASM.
    let key: PublicKey = LEGACY_KEY.parse().unwrap();
    assert_eq!(
        verify(WASM, LEGACY_SIGNATURE, &[key]).unwrap_err().to_string(),
        "expected a prehashed signature, found one in the old form: sign it again"
    );
}

#[test]
fn a_key_is_a_word_or_a_file_of_two_lines() {
    let (pair, public) = key();
    let file = pair.pk.to_box().unwrap().into_string();
    assert_eq!(file.parse::<PublicKey>().unwrap(), public);
    assert_eq!(format!("{public:?}"), format!("PublicKey({})", public.id()));
    assert!(file.contains(&public.id().to_string()), "minisign writes the number the same way: {file}");
    let secret = pair.sk.to_box(None).unwrap().into_string();
    for text in ["", "RW", "untrusted comment: x\n", &secret, &format!("{}\n{}", public.as_str(), public.as_str())] {
        assert!(matches!(text.parse::<PublicKey>(), Err(PublicKeyError::NoKey)), "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pub"), file).unwrap();
    assert_eq!(PublicKey::from_text_or_file("a.pub", folder.path()).unwrap(), public);
    assert!(matches!(PublicKey::from_text_or_file("b.pub", folder.path()), Err(PublicKeyError::Unreadable(_))));
}

#[test]
fn the_signature_is_looked_for_beside_the_file() {
    let (pair, public) = key();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.wasm");
    let keys = [public];
    assert!(matches!(verify_beside(&file, WASM, &keys), Err(SignatureError::Missing { .. })));
    fs::write(folder.path().join("x.wasm.minisig"), sign(&pair, WASM, "x")).unwrap();
    assert!(verify_beside(&file, WASM, &keys).is_ok());
    fs::write(folder.path().join("x.wasm.minisig"), [0xff]).unwrap();
    assert!(matches!(verify_beside(&file, WASM, &keys), Err(SignatureError::Malformed)));
}

const LEGACY_KEY: &str = "RWSKCuCxbHSm4Dgo0fqDPDlbIJyqD2VmcgDHnHr/jXBTd1SvMXo6jYcs";
const LEGACY_SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RWSKCuCxbHSm4JZwPfFw8YZjgpDGBTiF+8Mt2KT4lqPthKct3ivo0vnurhwIqJf6DUXZeOONzRbb/NrFynju+7zB5UUOlWuaSA8=
trusted comment: old form
NZTeIxbkHAJjbD8/3lPfmcK9YeNT/mFFENEc1LgTbVBs6Kb3wnog16sVuGUcaeKRytcjiH9Q75kw64MR4EEoDA==
";
