//! The bytes of an extension with their signature, on the bus: in parts, by their digest. Who has read them verifies both; what
//! the bus says of them is worth nothing.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bus::{Bus, BusError, Expect, Table};

/// An extension as its author has signed it.
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The component.
    pub wasm: Vec<u8>,
    /// The file of minisign that is beside it.
    pub signature: String,
}

/// What lies under the digest.
#[derive(Serialize, Deserialize)]
struct Manifest {
    bytes: usize,
    parts: usize,
    signature: String,
}

/// Why the bytes are not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The bus does not answer. They may be there.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// They are not on the bus.
    #[error("the bus does not have the bytes with the SHA-256 {0}")]
    NotThere(String),
    /// There are too many.
    #[error("expected an extension of up to {MAX_BYTES} bytes, found {0}")]
    TooLarge(usize),
    /// What the bus says of them cannot be read.
    #[error("what the bus says of the bytes with the SHA-256 {0} cannot be read")]
    Unreadable(String, #[source] serde_json::Error),
    /// They are others than the digest says.
    #[error("expected bytes with the SHA-256 {expected}, found {found}")]
    Altered {
        /// The digest that is wanted.
        expected: String,
        /// The one that they have.
        found: String,
    },
}

impl Bundle {
    /// SHA-256 of the component, in hex.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(&self.wasm))
    }

    /// Puts it on the bus. What is there of the same digest already, its signature as well, is replaced.
    ///
    /// # Errors
    ///
    /// [`BundleError`].
    pub async fn put(&self, bus: &dyn Bus) -> Result<String, BundleError> {
        if self.wasm.len() > MAX_BYTES {
            return Err(BundleError::TooLarge(self.wasm.len()));
        }
        let digest = self.digest();
        let parts = self.wasm.chunks(PART_BYTES);
        let manifest = Manifest { bytes: self.wasm.len(), parts: parts.len(), signature: self.signature.clone() };
        for (number, part) in parts.enumerate() {
            bus.put(Table::Extension, &format!("{digest}.{number}"), part.to_vec().into(), Expect::Anything).await?;
        }
        // The last: whoever finds it finds the parts.
        let manifest = serde_json::to_vec(&manifest).unwrap_or_default();
        bus.put(Table::Extension, &digest, manifest.into(), Expect::Anything).await?;
        Ok(digest)
    }

    /// Reads it. Its signature is still to be verified.
    ///
    /// # Errors
    ///
    /// [`BundleError`].
    pub async fn get(bus: &dyn Bus, digest: &str) -> Result<Self, BundleError> {
        let not_there = || BundleError::NotThere(digest.to_owned());
        let manifest = bus.get(Table::Extension, digest).await?.and_then(|entry| entry.value).ok_or_else(not_there)?;
        let manifest: Manifest =
            serde_json::from_slice(&manifest).map_err(|why| BundleError::Unreadable(digest.to_owned(), why))?;
        if manifest.bytes > MAX_BYTES || manifest.parts > MAX_BYTES.div_ceil(PART_BYTES) {
            return Err(BundleError::TooLarge(manifest.bytes));
        }
        let mut wasm = Vec::with_capacity(manifest.bytes);
        for number in 0..manifest.parts {
            let key = format!("{digest}.{number}");
            let part = bus.get(Table::Extension, &key).await?.and_then(|entry| entry.value).ok_or_else(not_there)?;
            wasm.extend_from_slice(&part);
        }
        let bundle = Self { wasm, signature: manifest.signature };
        match bundle.digest() {
            found if found == digest => Ok(bundle),
            found => Err(BundleError::Altered { expected: digest.to_owned(), found }),
        }
    }
}

/// A component that brings a language with it has some ten megabytes.
const MAX_BYTES: usize = 16 << 20;
/// Below what the bus takes as one value.
const PART_BYTES: usize = 192 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use agentapi_controller::clock::SystemClock;

    use super::{Bundle, BundleError, MAX_BYTES, PART_BYTES};
    use crate::bus::memory::MemoryBus;
    use crate::bus::{Bus, Expect, Table};

    #[tokio::test]
    async fn bytes_come_back_as_they_went_and_others_are_found_out() {
        let bus = MemoryBus::new(Arc::new(SystemClock));
        for bytes in [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES] {
            let bundle = Bundle { wasm: vec![7; bytes], signature: "signed".into() };
            let digest = bundle.put(&bus).await.unwrap();
            assert!(Bundle::get(&bus, &digest).await.unwrap() == bundle, "{bytes} bytes");
        }
        let digest = Bundle { wasm: b"right".to_vec(), signature: String::new() }.put(&bus).await.unwrap();
        bus.put(Table::Extension, &format!("{digest}.0"), b"wrong".to_vec().into(), Expect::Anything).await.unwrap();
        assert!(matches!(Bundle::get(&bus, &digest).await, Err(BundleError::Altered { .. })));
        assert!(matches!(Bundle::get(&bus, &"0".repeat(64)).await, Err(BundleError::NotThere(_))));
        bus.put(Table::Extension, &digest, "no manifest".into(), Expect::Anything).await.unwrap();
        assert!(matches!(Bundle::get(&bus, &digest).await, Err(BundleError::Unreadable(..))));
        let lie = format!("{{\"bytes\":{},\"parts\":1,\"signature\":\"\"}}", MAX_BYTES + 1);
        bus.put(Table::Extension, &digest, lie.into_bytes().into(), Expect::Anything).await.unwrap();
        assert!(matches!(Bundle::get(&bus, &digest).await, Err(BundleError::TooLarge(_))));
        let large = Bundle { wasm: vec![0; MAX_BYTES + 1], signature: String::new() };
        assert!(matches!(large.put(&bus).await, Err(BundleError::TooLarge(_))));
    }
}
