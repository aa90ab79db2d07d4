//! `[agent]`: where it listens, how it is recognised, and where the token is.
//!
//! | key | default |
//! | --- | --- |
//! | `endpoint` | none |
//! | `fingerprints` | none; one to eight |
//! | `token_file` | the systemd credential `agentapi-token` |

use std::path::{Path, PathBuf};

use agentapi_host::{Authority, Fingerprint, Pins, Target, Token};

use super::Surroundings;
use super::secret::read_secret;
use super::section::Section;

pub(super) fn check(section: Section<'_>, surroundings: &Surroundings) -> Option<Target> {
    section.require("endpoint", "a text such as \"10.0.0.1:8443\"");
    section.require("fingerprints", "a list of one or two texts");
    let endpoint = section.parsed::<Authority>("endpoint");
    // The file is written by people, who paste what tools print.
    let parse = |text: &str| Fingerprint::from_pasted(text).map_err(|error| error.to_string());
    let pins = section.list("fingerprints", parse);
    let pins = pins.and_then(|pins| section.checked("fingerprints", Pins::try_from(pins)));
    let token = token_file(&section, surroundings).and_then(|file| section.checked("token_file", read_token(&file)));
    section.finish();
    Some(Target { endpoint: endpoint?, token: token?, pins: pins? })
}

fn token_file(section: &Section<'_>, surroundings: &Surroundings) -> Option<PathBuf> {
    let named = section.file("token_file");
    if section.has("token_file") {
        return named;
    }
    match surroundings.credentials.as_deref().and_then(credential_in) {
        Some(file) => {
            section.watch(&file);
            Some(file)
        }
        None => {
            section.mistake(
                "token_file",
                format!("expected a file, or the systemd credential {CREDENTIAL}, found neither"),
            );
            None
        }
    }
}

/// The messages name neither the file nor what is in it: somebody may have given the token itself in its place.
fn read_token(file: &Path) -> Result<Token, String> {
    let text =
        read_secret(file, "token_file").map_err(|error| format!("expected a file that can be read, found: {error}"))?;
    text.parse().map_err(|error| format!("the file holds no token: {error}"))
}

/// The agent's token among the credentials that systemd has put into this folder, which `$CREDENTIALS_DIRECTORY` names.
pub fn credential_in(folder: &Path) -> Option<PathBuf> {
    let file = folder.join(CREDENTIAL);
    (file.is_absolute() && file.exists()).then_some(file)
}

/// The name of the credential, as `LoadCredential=agentapi-token:/path` and `SetCredentialEncrypted=` have it.
const CREDENTIAL: &str = "agentapi-token";
