//! What an extension's file says of itself, in custom sections, which no runtime looks at.
//!
//! | section | holds |
//! | --- | --- |
//! | `component-name` | the name |
//! | `version`, `description`, `licenses`, `authors`, `homepage`, `source`, `revision` | that text, as `wasm-tools metadata` reads it |
//! | [`SECTION`] | the functions that it calls and the limits that it needs, in the form of a grants file |
//!
//! It is the author's word, for a person who writes the grants. Only the outermost component counts: sections of what is
//! nested in it are those of libraries.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentSection, CustomSection};
use wasm_metadata::{AddMetadata, AddMetadataField};
use wasmparser::{ComponentName, KnownCustom, Parser, Payload};

/// The custom section with [`Wishes`], a TOML text.
pub const SECTION: &str = "felhom:agentapi/manifest";

/// What a file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manifest {
    /// What it is called.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What it does, in a sentence.
    pub description: Option<String>,
    /// An SPDX expression.
    pub licenses: Option<String>,
    /// Who wrote it, and how to reach them.
    pub authors: Option<String>,
    /// A URL with more about it.
    pub homepage: Option<String>,
    /// The URL of its sources.
    pub source: Option<String>,
    /// The revision of its sources.
    pub revision: Option<String>,
    /// What it calls and needs.
    pub wishes: Wishes,
}

/// What an extension calls and needs, in the form of a grants file. Keys that a later version adds are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    /// Functions such as `backup.due`, or `backup.*`.
    pub functions: Vec<String>,
    /// `refuse` or `deny`: what it can live with where a function is not granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ungranted: Option<String>,
    /// Limits under their names in a grants file.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
}

/// Why a manifest can be neither read nor written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The bytes are no WebAssembly.
    #[error("expected a WebAssembly component, found something else")]
    NotWasm(#[source] wasmparser::BinaryReaderError),
    /// The bytes are a module, which is no extension.
    #[error("expected a WebAssembly component, found a core module")]
    Module,
    /// A section of text is not UTF-8.
    #[error("section {0}: expected text in UTF-8, found other bytes")]
    NotText(String),
    /// [`SECTION`] cannot be read.
    #[error("section {SECTION}: expected the keys functions, ungranted and limits, found: {0}")]
    Wishes(String),
    /// A name or version that cannot stand in a signature's comment and a tag.
    #[error("{field}: expected 1 to {MAX_WORD} letters, digits, '-', '_', '.', '+' and '/', found {found:?}")]
    Word {
        /// Which of them.
        field: &'static str,
        /// What was found.
        found: String,
    },
    /// The name cannot be written.
    #[error("the component's name cannot be written: {0}")]
    Name(String),
}

/// What a component imports and exports: names of interfaces, as the config of an OCI artifact tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// What it imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
}

/// Puts a manifest into a component. What it said of itself before is replaced, field by field; a field that is `None` is
/// taken out, save the name. All else stays as it is, to the byte.
///
/// # Errors
///
/// [`ManifestError`] if these bytes are no component, or a name or version cannot stand in a tag.
pub fn embed(wasm: &[u8], manifest: &Manifest) -> Result<Vec<u8>, ManifestError> {
    for (field, text) in [("name", &manifest.name), ("version", &manifest.version)] {
        text.as_deref().map_or(Ok(()), |text| check_word(field, text))?;
    }
    sections(wasm)?;
    let named = match &manifest.name {
        Some(name) => with_name(wasm, name)?,
        None => wasm.to_vec(),
    };
    let is_ours = |name: &str| name == SECTION || TEXTS.iter().any(|text| text.name == name);
    let kept = sections(&named)?.into_iter().filter(|section| !section.custom.is_some_and(|(name, _)| is_ours(name)));
    let mut out: Vec<u8> = kept.filter_map(|section| named.get(section.whole)).flatten().copied().collect();
    for text in TEXTS {
        if let Some(value) = (text.of)(manifest) {
            append(&mut out, text.name, value);
        }
    }
    if manifest.wishes != Wishes::default() {
        let toml = toml::to_string(&manifest.wishes).map_err(|error| ManifestError::Wishes(error.to_string()))?;
        append(&mut out, SECTION, &toml);
    }
    Ok(out)
}

/// Reads what a component says of itself. Reads nothing but custom sections, and runs nothing.
///
/// # Errors
///
/// [`ManifestError`] if these bytes are no component, or a section is not what its name says.
pub fn manifest_of(wasm: &[u8]) -> Result<Manifest, ManifestError> {
    let mut manifest = Manifest::default();
    for (name, data) in sections(wasm)?.into_iter().filter_map(|section| section.custom) {
        let utf8 = || std::str::from_utf8(data).map_err(|_| ManifestError::NotText(name.to_owned()));
        if name == SECTION {
            manifest.wishes =
                toml::from_str(utf8()?).map_err(|error| ManifestError::Wishes(error.message().to_owned()))?;
        } else if let Some(text) = TEXTS.iter().find(|text| text.name == name) {
            *(text.of_mut)(&mut manifest) = Some(utf8()?.to_owned());
        }
    }
    manifest.name = name_of(wasm);
    Ok(manifest)
}

/// What a component imports and exports.
///
/// # Errors
///
/// [`ManifestError::NotWasm`], [`ManifestError::Module`].
pub fn interfaces_of(wasm: &[u8]) -> Result<Interfaces, ManifestError> {
    sections(wasm)?;
    let (mut found, mut depth) = (Interfaces::default(), 0_usize);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(ManifestError::NotWasm)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(reader) if depth == 0 => {
                for import in reader {
                    found.imports.push(import.map_err(ManifestError::NotWasm)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(reader) if depth == 0 => {
                for export in reader {
                    found.exports.push(export.map_err(ManifestError::NotWasm)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// A section that holds one text.
struct Text {
    name: &'static str,
    of: fn(&Manifest) -> Option<&str>,
    of_mut: fn(&mut Manifest) -> &mut Option<String>,
}

const TEXTS: &[Text] = &[
    Text { name: "version", of: |m| m.version.as_deref(), of_mut: |m| &mut m.version },
    Text { name: "description", of: |m| m.description.as_deref(), of_mut: |m| &mut m.description },
    Text { name: "licenses", of: |m| m.licenses.as_deref(), of_mut: |m| &mut m.licenses },
    Text { name: "authors", of: |m| m.authors.as_deref(), of_mut: |m| &mut m.authors },
    Text { name: "homepage", of: |m| m.homepage.as_deref(), of_mut: |m| &mut m.homepage },
    Text { name: "source", of: |m| m.source.as_deref(), of_mut: |m| &mut m.source },
    Text { name: "revision", of: |m| m.revision.as_deref(), of_mut: |m| &mut m.revision },
];

/// One piece of the outermost component.
struct Section<'a> {
    /// With its header, so that all pieces together are the file.
    whole: Range<usize>,
    /// Name and content of a custom section.
    custom: Option<(&'a str, &'a [u8])>,
}

fn sections(wasm: &[u8]) -> Result<Vec<Section<'_>>, ManifestError> {
    let (mut sections, mut depth, mut end) = (Vec::new(), 0_usize, 0);
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(ManifestError::NotWasm)?;
        let (range, custom) = match &payload {
            Payload::Version { encoding: wasmparser::Encoding::Module, .. } if depth == 0 => {
                return Err(ManifestError::Module);
            }
            Payload::Version { range, .. } => (range.clone(), None),
            Payload::CustomSection(section) => (section.range(), Some((section.name(), section.data()))),
            Payload::End(_) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            other => match other.as_section() {
                Some((_, range)) => (range, None),
                // Entries of the code section, which is a piece itself.
                None => continue,
            },
        };
        if depth == 0 {
            sections.push(Section { whole: end..range.end, custom });
            end = range.end;
        }
        if matches!(payload, Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) {
            depth += 1;
        }
    }
    Ok(sections)
}

/// The last one counts, as for `wasm-tools`. A name that cannot be read is none: it is for debugging.
fn name_of(wasm: &[u8]) -> Option<String> {
    let (mut depth, mut found) = (0_usize, None);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.ok()? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 => {
                if let KnownCustom::ComponentName(names) = section.as_known() {
                    for name in names.into_iter().flatten() {
                        if let ComponentName::Component { name, .. } = name {
                            found = Some(name.to_owned());
                        }
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn with_name(wasm: &[u8], name: &str) -> Result<Vec<u8>, ManifestError> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(name.to_owned());
    metadata.to_wasm(wasm).map_err(|error| ManifestError::Name(error.to_string()))
}

fn append(out: &mut Vec<u8>, name: &str, text: &str) {
    CustomSection { name: name.into(), data: text.as_bytes().into() }.append_to_component(out);
}

fn check_word(field: &'static str, text: &str) -> Result<(), ManifestError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+/".contains(&byte);
    match (1..=MAX_WORD).contains(&text.len()) && text.bytes().all(is_allowed) {
        true => Ok(()),
        false => Err(ManifestError::Word { field, found: text.to_owned() }),
    }
}

/// Length of a name or version in bytes: as long as a tag may be.
const MAX_WORD: usize = 128;

#[cfg(test)]
mod tests;
