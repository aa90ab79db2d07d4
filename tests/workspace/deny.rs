//! What dependencies may be: the rules of `deny.toml`, checked against `cargo metadata`.
//!
//! `deny.toml` is the file of cargo-deny, and means the same to it. cargo-deny itself takes longer to build than everything
//! that is checked here. A rule that this reader does not know is an error, so that none is written down and not checked.
//! Not checked are advisories and yanked versions, which need a registry.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use spdx::{Expression, LicenseReq, Licensee, ParseMode};

/// The registry from which crates come unless `deny.toml` allows another, as cargo calls it in a lock file.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// `deny.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    graph: Graph,
    licenses: Licenses,
    sources: Sources,
    bans: Bans,
    /// For cargo-deny alone.
    #[serde(rename = "advisories")]
    _advisories: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Graph {
    all_features: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Licenses {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Licences that one crate may have, besides those that all may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: Level,
    unknown_git: Level,
    #[serde(default)]
    allow_git: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    multiple_versions: Level,
    wildcards: Level,
    deny: Vec<String>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Level {
    Allow,
    Deny,
}

/// A package, as `cargo metadata` tells of it.
#[derive(Clone, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) license: Option<String>,
    /// None for what is in a folder of this machine.
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: String,
}

/// Why a package may not be used.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    Banned,
    License(String),
    NoLicense,
    Source(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Banned => f.write_str("is banned"),
            Self::License(license) => write!(f, "has a licence that is not allowed: {license}"),
            Self::NoLicense => f.write_str("names no licence"),
            Self::Source(source) => write!(f, "comes from {source}"),
        }
    }
}

impl Rules {
    /// Reads `deny.toml`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let rules: Self = toml::from_str(text).map_err(|why| why.to_string())?;
        // The levels at which nothing is left to check, and the ones that are checked here, are the only ones.
        let is_known = rules.bans.multiple_versions == Level::Allow && rules.bans.wildcards == Level::Allow;
        let is_strict = rules.sources.unknown_registry == Level::Deny && rules.sources.unknown_git == Level::Deny;
        if is_known && is_strict && rules.graph.all_features {
            Ok(rules)
        } else {
            Err("a level is not checked here".into())
        }
    }

    /// Each reason against a package of the workspace at `root`.
    pub(crate) fn refusals(&self, package: &Package, root: &str) -> Vec<Refusal> {
        let is_banned = self.bans.deny.contains(&package.name).then_some(Refusal::Banned);
        [is_banned, self.license_refusal(package), self.source_refusal(package, root)].into_iter().flatten().collect()
    }

    fn license_refusal(&self, package: &Package) -> Option<Refusal> {
        let Some(license) = &package.license else { return Some(Refusal::NoLicense) };
        // Lax, because older crates write `MIT/Apache-2.0`.
        let allows = |expression: Expression| expression.evaluate(|asked| self.allows_license(&package.name, asked));
        let is_allowed = Expression::parse_mode(license, ParseMode::LAX).is_ok_and(allows);
        (!is_allowed).then(|| Refusal::License(license.clone()))
    }

    fn allows_license(&self, name: &str, asked: &LicenseReq) -> bool {
        let exceptions = self.licenses.exceptions.iter().filter(|exception| exception.name == name);
        let mut allowed = self.licenses.allow.iter().chain(exceptions.flat_map(|exception| &exception.allow));
        allowed.any(|license| Licensee::parse(license).expect("a licence in deny.toml").satisfies(asked))
    }

    fn source_refusal(&self, package: &Package, root: &str) -> Option<Refusal> {
        let Some(source) = &package.source else {
            let is_inside = package.manifest_path.starts_with(root);
            return (!is_inside).then(|| Refusal::Source(package.manifest_path.clone()));
        };
        let is_allowed_git = self.sources.allow_git.iter().any(|url| source.starts_with(&format!("git+{url}")));
        (source != CRATES_IO && !is_allowed_git).then(|| Refusal::Source(source.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        graph.all-features = true
        sources = { unknown-registry = "deny", unknown-git = "deny" }
        bans = { multiple-versions = "allow", wildcards = "allow", deny = ["openssl"] }
        advisories = {}
        [licenses]
        allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]
        exceptions = [{ crate = "rooted", allow = ["MPL-2.0"] }]
    "#;

    fn refusals(name: &str, license: Option<&str>, source: Option<&str>) -> Vec<Refusal> {
        let package = Package {
            name: name.into(),
            version: "1.0.0".into(),
            license: license.map(String::from),
            source: source.map(String::from),
            manifest_path: "/elsewhere/Cargo.toml".into(),
        };
        Rules::parse(RULES).unwrap().refusals(&package, "/workspace/")
    }

    #[test]
    fn a_licence_is_allowed_if_one_of_its_choices_is() {
        let allowed =
            ["MIT", "MIT/Apache-2.0", "GPL-3.0-only OR MIT", "Apache-2.0 WITH LLVM-exception", "MIT AND Apache-2.0"];
        for license in allowed {
            assert_eq!(refusals("any", Some(license), Some(CRATES_IO)), [], "{license}");
        }
        let refused = [
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "MPL-2.0",
            "no licence",
            "Apache-2.0 WITH Classpath-exception-2.0",
        ];
        for license in refused {
            assert_eq!(refusals("any", Some(license), Some(CRATES_IO)), [Refusal::License(license.into())]);
        }
        assert_eq!(refusals("any", None, Some(CRATES_IO)), [Refusal::NoLicense]);
    }

    #[test]
    fn an_exception_is_for_its_crate_alone() {
        assert_eq!(refusals("rooted", Some("MPL-2.0"), Some(CRATES_IO)), []);
        assert_eq!(refusals("root", Some("MPL-2.0"), Some(CRATES_IO)), [Refusal::License("MPL-2.0".into())]);
    }

    #[test]
    fn a_banned_crate_is_refused_whatever_its_licence() {
        assert_eq!(refusals("openssl", Some("MIT"), Some(CRATES_IO)), [Refusal::Banned]);
        assert_eq!(refusals("openssl-probe", Some("MIT"), Some(CRATES_IO)), []);
    }

    #[test]
    fn another_registry_a_repository_and_a_folder_elsewhere_are_refused() {
        for source in
            ["registry+https://example.org/index", "sparse+https://example.org/", "git+https://example.org/a?rev=1#2"]
        {
            assert_eq!(refusals("any", Some("MIT"), Some(source)), [Refusal::Source(source.into())]);
        }
        assert_eq!(refusals("any", Some("MIT"), None), [Refusal::Source("/elsewhere/Cargo.toml".into())]);
    }

    #[test]
    fn a_rule_that_is_not_checked_is_an_error() {
        assert!(Rules::parse(&RULES.replace("deny = [", "skip = [], deny = [")).is_err());
        assert!(Rules::parse(&RULES.replace("unknown-git = \"deny\"", "unknown-git = \"allow\"")).is_err());
        assert!(Rules::parse(&RULES.replace("multiple-versions = \"allow\"", "multiple-versions = \"deny\"")).is_err());
    }
}
