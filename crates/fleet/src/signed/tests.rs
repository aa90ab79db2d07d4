use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};
use ssh_key::public::{Ed25519PublicKey, KeyData, SkEd25519};
use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, Signature, SshSig};

use super::allowed::AllowedSigners;
use super::{Refusal, SignError, Signed, Statement, canonical};
use crate::order::{Op, Order};

fn now() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

fn order() -> Order {
    Order::new("g1".parse().unwrap(), Op::Backup, "alice", now(), SignedDuration::from_hours(1))
}

#[test]
fn the_signed_text_is_canonical() {
    let text = canonical(&order()).unwrap();
    let expected = format!(
        "{{\"guest\":\"g1\",\"id\":\"{}\",\"issued_by\":\"alice\",\"not_after\":\"2026-11-27T13:00:00Z\",\
         \"not_before\":\"2026-11-27T11:55:00Z\",\"op\":\"backup\",\"seq\":{}}}",
        order().id,
        now().as_microsecond()
    );
    assert_eq!(text, expected);
    let later = Order::new(
        "g1".parse().unwrap(),
        Op::Backup,
        "alice",
        now() + SignedDuration::from_micros(1),
        SignedDuration::from_hours(1),
    );
    assert!(later.id != order().id && later.seq > order().seq);
}

/// What a hardware key does, in software: it signs the application, the flags and a counter too.
fn sign_as_hardware(key: &Ed25519KeyPair, flags: u8, text: &str) -> Signed {
    let application = "ssh:";
    let message = SshSig::signed_data(Order::NAMESPACE, HashAlg::Sha512, text.as_bytes()).unwrap();
    let trailer = [flags, 0, 0, 0, 7];
    let signed = [&Sha256::digest(application)[..], &trailer, &Sha256::digest(message)].concat();
    let bytes = [key.sign(&signed).as_ref(), &trailer].concat();
    let signature = Signature::new(Algorithm::SkEd25519, bytes).unwrap();
    let signature = SshSig::new(hardware_key(key), Order::NAMESPACE, HashAlg::Sha512, signature).unwrap();
    Signed { text: text.to_owned(), signature: signature.to_pem(LineEnding::LF).unwrap() }
}

fn hardware_key(key: &Ed25519KeyPair) -> KeyData {
    let key: [u8; 32] = key.public_key().as_ref().try_into().unwrap();
    KeyData::SkEd25519(SkEd25519::new(Ed25519PublicKey(key), "ssh:"))
}

#[test]
fn a_hardware_key_signs_if_somebody_has_touched_it() {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let line = format!("alice {}", PublicKey::from(hardware_key(&key)).to_openssh().unwrap());
    let signers = AllowedSigners::parse(&line, &TimeZone::UTC).unwrap();
    let text = canonical(&order()).unwrap();
    let verify = |signed: &Signed| signed.verify::<Order>(&signers, &"g1".parse().unwrap(), now());

    let touched = sign_as_hardware(&key, 1, &text);
    assert_eq!(verify(&touched).unwrap().statement, order());
    let not_touched = verify(&sign_as_hardware(&key, 0, &text)).unwrap_err();
    assert_eq!(
        not_touched.to_string(),
        "expected an SSH signature by a key of a known kind: expected a hardware key that was touched, found one that was not"
    );
    let altered = Signed { text: text.replace("backup", "Backup"), ..touched };
    assert!(matches!(verify(&altered), Err(Refusal::Altered { .. })));
}

#[test]
fn a_key_that_is_not_there_does_not_sign() {
    let refused = Signed::by_ssh_keygen(&order(), Path::new("/nonexistent/key")).unwrap_err();
    assert!(matches!(refused, SignError::Refused(_)), "{refused:?}");
    assert!(refused.to_string().starts_with("ssh-keygen did not sign: it ended with exit status"), "{refused}");
}
