//! Where an extension comes from: what its file says of itself, who signed it, and how it travels.
//!
//! | module | holds | feature |
//! | --- | --- | --- |
//! | [`manifest`] | name, version, grants and limits inside the file | |
//! | [`signature`] | checking a signature of minisign | |
//! | [`place`] | the files of an extension: written whole or not at all, with where they came from | |
//! | `sign` | keys, and signatures made with them | `sign` |
//! | `oci` | pushing to and pulling from OCI registries | `oci` |
//!
//! Nothing here compiles or runs an extension. What a file says of itself grants nothing: grants are the operator's.
//!
//! The client of `oci` trusts the certificate authorities of the machine and pins nothing, as registries need. That is why it
//! is a feature, and why neither the host library nor the controller turns it on: the path to an agent has a pin, always.

pub mod manifest;
#[cfg(feature = "oci")]
pub mod oci;
pub mod place;
#[cfg(feature = "sign")]
pub mod sign;
pub mod signature;

pub use manifest::{Manifest, ManifestError, Wishes, embed, manifest_of};

/// SHA-256 in hex, as `sha256sum` prints it.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}
