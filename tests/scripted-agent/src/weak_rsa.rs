//! Signs with an RSA key that the crypto provider refuses, because it is too short to be safe.
//!
//! The recorded cases have such a peer, and only a peer whose signature is right shows what a client does with such a
//! key. Nothing here takes constant time: the keys are thrown away.

use num_bigint::BigUint;
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use sha2::{Digest, Sha256};

use crate::der::rsa_numbers;

/// A private RSA key of any length from 640 bits up.
#[derive(Clone, Debug)]
pub(crate) struct WeakRsaKey {
    modulus: BigUint,
    private_exponent: BigUint,
}

impl WeakRsaKey {
    /// Reads PKCS#8 or PKCS#1; none if the bytes are neither.
    pub(crate) fn from_der(key: &[u8]) -> Option<Self> {
        let (modulus, private_exponent) = rsa_numbers(key)?;
        let modulus = BigUint::from_bytes_be(modulus);
        let private_exponent = BigUint::from_bytes_be(private_exponent);
        (modulus.bits() >= SHORTEST_BITS).then_some(Self { modulus, private_exponent })
    }

    /// RFC 8017, section 5.2.1, on an encoded message.
    fn raise(&self, encoded: &[u8]) -> Vec<u8> {
        let message = BigUint::from_bytes_be(encoded);
        let signature = message.modpow(&self.private_exponent, &self.modulus);
        let digits = signature.to_bytes_be();
        let mut padded = vec![0; self.length() - digits.len()];
        padded.extend(digits);
        padded
    }

    /// Bytes of the modulus.
    fn length(&self) -> usize {
        usize::try_from(self.modulus.bits().div_ceil(8)).unwrap()
    }
}

impl SigningKey for WeakRsaKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let schemes = [SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256];
        let scheme = schemes.into_iter().find(|known| offered.contains(known))?;
        Some(Box::new(WeakRsaSigner { key: self.clone(), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct WeakRsaSigner {
    key: WeakRsaKey,
    scheme: SignatureScheme,
}

impl Signer for WeakRsaSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let encoded = if self.scheme == SignatureScheme::RSA_PSS_SHA256 {
            pss_encoded(message, self.key.modulus.bits() - 1)
        } else {
            pkcs1_encoded(message, self.key.length())
        };
        Ok(self.key.raise(&encoded))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// RFC 8017, section 9.2.
fn pkcs1_encoded(message: &[u8], length: usize) -> Vec<u8> {
    let digest = Sha256::digest(message);
    let mut encoded = vec![0, 1];
    encoded.resize(length - 1 - SHA256_INFO.len() - digest.len(), 0xff);
    encoded.push(0);
    encoded.extend_from_slice(&SHA256_INFO);
    encoded.extend_from_slice(&digest);
    encoded
}

/// RFC 8017, section 9.1.1, with a salt of zeros: a signature need not be unguessable to be right.
fn pss_encoded(message: &[u8], bits: u64) -> Vec<u8> {
    let length = usize::try_from(bits.div_ceil(8)).unwrap();
    let salted = [&[0; 8], &Sha256::digest(message)[..], &SALT].concat();
    let digest = Sha256::digest(&salted);
    let mut encoded = vec![0; length - digest.len() - SALT.len() - 2];
    encoded.push(1);
    encoded.extend_from_slice(&SALT);
    for (byte, mask) in encoded.iter_mut().zip(mask(&digest)) {
        *byte ^= mask;
    }
    encoded[0] &= 0xff >> (8 * length as u64 - bits);
    encoded.extend_from_slice(&digest);
    encoded.push(0xbc);
    encoded
}

/// The mask generation function MGF1, RFC 8017, appendix B.2.1.
fn mask(seed: &[u8]) -> impl Iterator<Item = u8> {
    (0_u32..).flat_map(move |counter| Sha256::digest([seed, &counter.to_be_bytes()].concat()))
}

/// PSS with SHA-256 needs 66 bytes; TLS asks for a salt as long as the digest (RFC 8446, section 4.2.3).
const SHORTEST_BITS: u64 = 640;
const SALT: [u8; 32] = [0; 32];
/// `DigestInfo` of SHA-256 without the digest itself (RFC 8017, section 9.2, note 1).
const SHA256_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use rustls::SignatureScheme;
    use rustls::sign::SigningKey;

    use super::WeakRsaKey;

    fn key() -> WeakRsaKey {
        WeakRsaKey::from_der(&STANDARD.decode(THROW_AWAY_KEY).unwrap()).unwrap()
    }

    #[test]
    fn signatures_are_those_that_another_implementation_makes_or_accepts() {
        for (scheme, expected) in
            [(SignatureScheme::RSA_PKCS1_SHA256, PKCS1_SIGNATURE), (SignatureScheme::RSA_PSS_SHA256, PSS_SIGNATURE)]
        {
            let signer = key().choose_scheme(&[scheme]).unwrap();
            let signature = signer.sign(b"signed by a weak key").unwrap();
            let digits: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!((signer.scheme(), digits.as_str()), (scheme, expected));
        }
    }

    #[test]
    fn a_scheme_that_it_cannot_do_is_not_chosen() {
        assert!(key().choose_scheme(&[SignatureScheme::RSA_PSS_SHA512]).is_none());
    }

    #[test]
    fn what_is_no_rsa_key_is_not_read() {
        assert!(WeakRsaKey::from_der(&[0x30, 0]).is_none());
        assert!(WeakRsaKey::from_der(b"key").is_none());
    }

    /// 1024 bits, PKCS#1.
    const THROW_AWAY_KEY: &str = "\
        MIICXQIBAAKBgQDG4Qe2Z6w8kp1J7yHxfBcW8cB25U2ZzE2ApKy/rGVZ9vpjf3BU9G1qToD1nRVMvU8ciTaXG58P\
        J1QhWEwfHGRdVij969PKe3JBmKjSRJ5V/nfjBrjHahEBreqV55jLJ6U+82Y3CxbYZ3ro55PL+up2PUbjZwXCNyku\
        xR1uNYdIiQIDAQABAoGAYluQkOmdCSgJmjMmOmQAl1xgr2yggFvGSMUomnMMfP3kv6ibSajJJDZHGTHjAtztb1N9\
        KCaE992fgg5FN223RIFerSjJbVCb76e60CRlSzXLyikpc1ZODrj7rYYZ0JC7bQoOAkLlj9FEnBhYzHdKZHiNUUxG\
        dm5r/TS6/0vXOnECQQD89CMdpZYV0z+BVhJT2fvJNuPGk3xFKNFhNxBd1laKu7/bfSNBlLkCgLNIJajYypA8EMqE\
        G5Uk4GRd/wurZdDTAkEAyUYt7nLG6QoDKvyAUWY9PoTD0PDIGOwRB6asy2JL1mlvYT7x+ahkZz+sFwDpuklh28px\
        xvTleWKzNSsNuI2HswJBAKGDaWCmuDxbVHNK+AzeZOzHxYyn43NtarP+Ks8f6sZOt2R4dKiNQ8ybTN5GXZd/T7Vq\
        q0TLL+IJ/Uwfa94W9s0CQQClsqnjkQgiF8UN4Xu+B35J9sDCRUdmBQnsE5JTiaPHa1tvYoOQtcmamneRJIZGf10Z\
        tas/UKON7+x6y+vq0FEzAkASEIyCld4ZlqRFkRqtcPUg7HieMzeFu+1dmd4kftx1L0lEGOtZ7l7q5PnbBbMEMX9/\
        LSN3bbF6YUXuwXwKWw9V";
    const PKCS1_SIGNATURE: &str = "\
        2e8a80524cac1fb151baa615260c00e2e023a509bd10d6445caf3cb82eaa9f7b874c07933dd0f531bfd70b0b\
        4c0e48142c6279606751ca0cb8a334143579bfa6340f12d753669d358c3cd1dbb89edbb57164dce04b055a58\
        f8ebc883d74cd47d016164ce1d3d64f7af2181d822b32ef5fd39ea651049751e3da5884e64fddd3f";
    /// With the salt of zeros.
    const PSS_SIGNATURE: &str = "\
        be9a5c0158e91630f0ff06c932de373acf5ebdf3f723dfee067b028a480d12be09b1810caffe9adb08968069\
        7c93af8ae1ab76d3f15d446716fe56854cc3291d8fba297fbf03608f4fd67d4f28e342a0ee0cdfc8c9fb5fba\
        d993344e420bba513cdf7f1285e57ffe0ed6da0f0998f63eaa5ffff49a04b66f1c01bf7be5b8d428";
}
