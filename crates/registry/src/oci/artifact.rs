//! What an extension is in a registry: an image manifest with a config that describes the component, and its bytes as the
//! only layer.
//!
//! | part | media type |
//! | --- | --- |
//! | config | `application/vnd.wasm.config.v0+json`; read also as `application/vnd.wasm.config.v1+json`, which older tools write |
//! | layer | `application/wasm` |
//!
//! The manifest's annotations repeat what the [manifest](crate::manifest) in the file says, for those who list a registry.
//! The same file gives the same manifest, and so the same digest, whoever pushes it and when.

use std::collections::BTreeMap;

use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE,
    OciDescriptor, OciImageManifest,
};
use serde::Deserialize;
use serde_json::json;

use super::digest_of;
use crate::manifest::{Interfaces, Manifest, ManifestError, interfaces_of};

/// The config's media type.
pub const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The one that older tools write.
const OLD_CONFIG: &str = "application/vnd.wasm.config.v1+json";
/// The layer's media type.
pub const LAYER: &str = "application/wasm";
/// The type of a signature, of its layer too.
const SIGNATURE: &str = "application/vnd.felhom.agentapi.minisign.v1";
/// That of a config with nothing in it.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// What a registry may answer with. Indexes too: then they are refused by name, and are not "not found".
pub(super) const ANSWERED: &[&str] =
    &[OCI_IMAGE_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE];

/// What a manifest says.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// What describes it; nobody has checked that it is so.
    pub annotations: BTreeMap<String, String>,
    /// Size of the extension in bytes.
    pub size: u64,
    /// Digest of the extension.
    pub wasm_digest: String,
    pub(super) layer: OciDescriptor,
}

/// Why a manifest is not that of an extension.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WrongArtifact {
    /// It is no manifest.
    #[error("expected an image manifest, found something else")]
    NoManifest,
    /// It is a list of manifests, or something newer.
    #[error("expected a manifest of the type {OCI_IMAGE_MEDIA_TYPE}, found {0}")]
    Manifest(String),
    /// The config has another type.
    #[error("expected a config of the type {CONFIG}, found {0}")]
    Config(String),
    /// It has no layer, or several.
    #[error("expected exactly one layer, found {0}")]
    Layers(usize),
    /// The layer has another type.
    #[error("expected a layer of the type {LAYER}, found {0}")]
    Layer(String),
    /// The digest of the layer is not one of SHA-256.
    #[error("expected a layer with a digest of SHA-256, found {0}")]
    Digest(String),
    /// What should be a signature is none.
    #[error("expected one layer with a signature of minisign, found something else")]
    Signature,
}

/// What is pushed for a file, beside the file.
pub(super) struct New {
    pub(super) config: Vec<u8>,
    pub(super) manifest: Vec<u8>,
}

pub(super) struct Blob<'a> {
    pub(super) media_type: &'static str,
    pub(super) bytes: &'a [u8],
}

impl Artifact {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, WrongArtifact> {
        let manifest = parse(bytes)?;
        if ![CONFIG, OLD_CONFIG].contains(&manifest.config.media_type.as_str()) {
            return Err(WrongArtifact::Config(manifest.config.media_type));
        }
        let layer = one_layer(manifest.layers).map_err(WrongArtifact::Layers)?;
        if layer.media_type != LAYER {
            return Err(WrongArtifact::Layer(layer.media_type));
        }
        let hex = layer.digest.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WrongArtifact::Digest(layer.digest));
        }
        Ok(Self {
            annotations: manifest.annotations.unwrap_or_default(),
            size: u64::try_from(layer.size).unwrap_or(u64::MAX),
            wasm_digest: layer.digest.clone(),
            layer,
        })
    }
}

/// The manifest and the config of an extension.
pub(super) fn extension(wasm: &[u8], manifest: &Manifest) -> Result<New, ManifestError> {
    let digest = digest_of(wasm);
    let Interfaces { imports, exports } = interfaces_of(wasm)?;
    let config = json!({
        // There has to be one; of now, it would give the same file another digest at each push.
        "created": "1970-01-01T00:00:00Z",
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [digest],
        "component": { "exports": exports, "imports": imports, "target": null },
    });
    let config = config.to_string().into_bytes();
    let mut layer = descriptor(&Blob { media_type: LAYER, bytes: wasm });
    let title = format!("{}.wasm", manifest.name.as_deref().unwrap_or("extension").replace('/', "-"));
    layer.annotations = Some(BTreeMap::from([(TITLE.to_owned(), title)]));
    let config_descriptor = descriptor(&Blob { media_type: CONFIG, bytes: &config });
    let manifest = image(config_descriptor, layer, annotations(manifest));
    Ok(New { manifest: bytes_of(&manifest), config })
}

/// The manifest and the config of a signature.
pub(super) fn signature(text: &str, of: &Blob<'_>) -> New {
    let config = b"{}".to_vec();
    let layer = descriptor(&Blob { media_type: SIGNATURE, bytes: text.as_bytes() });
    let mut manifest = image(descriptor(&Blob { media_type: EMPTY, bytes: &config }), layer, BTreeMap::new());
    manifest.artifact_type = Some(SIGNATURE.to_owned());
    manifest.subject = Some(descriptor(of));
    New { manifest: bytes_of(&manifest), config }
}

pub(super) fn layer_of_signature(bytes: &[u8]) -> Result<OciDescriptor, WrongArtifact> {
    let layer = one_layer(parse(bytes)?.layers).map_err(|_| WrongArtifact::Signature)?;
    if layer.media_type == SIGNATURE { Ok(layer) } else { Err(WrongArtifact::Signature) }
}

fn parse(bytes: &[u8]) -> Result<OciImageManifest, WrongArtifact> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Kind {
        media_type: Option<String>,
        #[serde(default)]
        manifests: Option<serde::de::IgnoredAny>,
    }
    let kind: Kind = serde_json::from_slice(bytes).map_err(|_| WrongArtifact::NoManifest)?;
    match kind.media_type {
        Some(found) if ![OCI_IMAGE_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE].contains(&found.as_str()) => {
            Err(WrongArtifact::Manifest(found))
        }
        None if kind.manifests.is_some() => Err(WrongArtifact::Manifest(OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned())),
        _ => serde_json::from_slice(bytes).map_err(|_| WrongArtifact::NoManifest),
    }
}

fn one_layer(layers: Vec<OciDescriptor>) -> Result<OciDescriptor, usize> {
    let [layer] = <[_; 1]>::try_from(layers).map_err(|layers| layers.len())?;
    Ok(layer)
}

fn image(config: OciDescriptor, layer: OciDescriptor, annotations: BTreeMap<String, String>) -> OciImageManifest {
    OciImageManifest {
        media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
        config,
        layers: vec![layer],
        annotations: (!annotations.is_empty()).then_some(annotations),
        ..OciImageManifest::default()
    }
}

fn descriptor(blob: &Blob<'_>) -> OciDescriptor {
    OciDescriptor {
        media_type: blob.media_type.to_owned(),
        digest: digest_of(blob.bytes),
        // No slice in memory is longer than half of what can be addressed.
        size: blob.bytes.len() as i64,
        ..OciDescriptor::default()
    }
}

fn bytes_of(manifest: &OciImageManifest) -> Vec<u8> {
    // Texts and numbers under names that are texts: this does not fail.
    serde_json::to_vec(manifest).unwrap_or_default()
}

/// The annotations of a manifest: the names that all registries know, and ours.
pub fn annotations(manifest: &Manifest) -> BTreeMap<String, String> {
    let limits: Vec<_> = manifest.wishes.limits.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let texts = [
        (TITLE, manifest.name.clone()),
        ("org.opencontainers.image.version", manifest.version.clone()),
        ("org.opencontainers.image.description", manifest.description.clone()),
        ("org.opencontainers.image.licenses", manifest.licenses.clone()),
        ("org.opencontainers.image.authors", manifest.authors.clone()),
        ("org.opencontainers.image.url", manifest.homepage.clone()),
        ("org.opencontainers.image.source", manifest.source.clone()),
        ("org.opencontainers.image.revision", manifest.revision.clone()),
        (FUNCTIONS, Some(manifest.wishes.functions.join(","))),
        (UNGRANTED, manifest.wishes.ungranted.clone()),
        (LIMITS, Some(limits.join(","))),
    ];
    let set = texts.into_iter().filter_map(|(name, text)| Some((name, text.filter(|text| !text.is_empty())?)));
    set.map(|(name, text)| (name.to_owned(), text)).collect()
}

/// What annotations say, in the other direction.
pub fn manifest_of(annotations: &BTreeMap<String, String>) -> Manifest {
    let text = |name: &str| annotations.get(name).cloned();
    let list = |name: &str| {
        let words = annotations.get(name).map(String::as_str).unwrap_or_default().split(',');
        words.map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let limit = |text: &String| {
        let (name, value) = text.split_once('=')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    Manifest {
        name: text(TITLE),
        version: text("org.opencontainers.image.version"),
        description: text("org.opencontainers.image.description"),
        licenses: text("org.opencontainers.image.licenses"),
        authors: text("org.opencontainers.image.authors"),
        homepage: text("org.opencontainers.image.url"),
        source: text("org.opencontainers.image.source"),
        revision: text("org.opencontainers.image.revision"),
        wishes: crate::Wishes {
            functions: list(FUNCTIONS),
            ungranted: text(UNGRANTED),
            limits: list(LIMITS).iter().filter_map(limit).collect(),
        },
    }
}

const TITLE: &str = "org.opencontainers.image.title";
const FUNCTIONS: &str = "felhom.agentapi.functions";
const UNGRANTED: &str = "felhom.agentapi.ungranted";
const LIMITS: &str = "felhom.agentapi.limits";

#[cfg(test)]
mod tests;
