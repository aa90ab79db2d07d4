//! `[traces]`: where traces of runs are sent, by OTLP over HTTP. All of it needs a restart to change.
//!
//! | key | default |
//! | --- | --- |
//! | `url` | none: it has to be given |
//! | `token_file` | no token |

use std::path::PathBuf;

use super::notify::Url;
use super::optional_key;
use super::section::Section;

/// Who takes traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// The base, to which `/v1/traces` is added.
    pub url: Url,
    /// Holds a token, which is read for each request.
    pub token_file: Option<PathBuf>,
}

pub(super) fn check(section: Section<'_>) -> Option<Collector> {
    section.require("url", "a URL such as \"http://127.0.0.1:4318\"");
    let url: Option<Url> = section.parsed("url");
    let token_file = optional_key(&section, "token_file", |section| section.file("token_file"));
    let is_base = url.as_ref().is_none_or(|url| !url.reveal().contains(['?', '#']));
    if !is_base {
        section.mistake("url", "expected a URL without '?' and '#', because /v1/traces is added to it");
    }
    section.finish();
    Some(Collector { url: url.filter(|_| is_base)?, token_file: token_file? })
}
