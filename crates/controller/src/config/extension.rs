//! `[[extension]]`: one extension, what it may do, and when it runs.
//!
//! | key | default |
//! | --- | --- |
//! | `name`, `file` | none; a fleet that may change the extension has put its own bytes in place of the file |
//! | `sha256` | any bytes |
//! | `signed_by` | that of the whole file; without it, nobody has to have signed it |
//! | `functions` | none are granted |
//! | `ungranted` | `"refuse"` |
//! | `input` | `{}` |
//! | `[extension.limits]` | those of [`Limits`]; `wall_ms` is 20 minutes where `disks.format` is granted |
//! | `cron` or `every`, and the others of [`due`] | it runs when asked to |

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use agentapi_host::Route;
use agentapi_host::policy::{Grant, Grants, Limits, Ungranted};
use agentapi_registry::signature::{PublicKey, beside};
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::due::{Defaults, Due, Unless};
use super::section::Section;
use super::{check_name, due, fleet, optional_key};

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its name, which no other has.
    pub name: String,
    /// The component. It was there when the configuration was checked.
    pub file: PathBuf,
    /// SHA-256 of its bytes in hex, which is compared when they are loaded.
    pub sha256: Option<String>,
    /// One of these keys has to have signed its bytes, with the signature in the file beside it; where there are none, nobody
    /// has to.
    pub signed_by: Vec<PublicKey>,
    /// What it may call.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// Its input, a JSON text.
    pub input: String,
    /// When it runs by itself.
    pub due: Option<Due>,
}

/// What an extension takes from the rest of the file.
pub(super) struct Common<'a> {
    pub(super) due: Defaults<'a>,
    pub(super) signed_by: Vec<PublicKey>,
    /// The extensions whose bytes a fleet may change.
    pub(super) of_fleet: &'a [String],
    /// The state's folder, below which such bytes lie.
    pub(super) state: Option<&'a Path>,
}

pub(super) fn check_all(sections: Vec<Section<'_>>, common: &Common<'_>) -> Option<Vec<Extension>> {
    let mut names = BTreeSet::from([BACKUP.to_owned(), WIPE.to_owned()]);
    let checked: Vec<_> = sections.into_iter().map(|section| check(section, &mut names, common)).collect();
    checked.into_iter().collect()
}

/// The file that a fleet has chosen in place of the one that is named, if it may and has. Its signature lies beside it.
fn chosen(section: &Section<'_>, name: &str, common: &Common<'_>) -> Option<PathBuf> {
    if !common.of_fleet.iter().any(|of_fleet| of_fleet == name) {
        return None;
    }
    if section.has("sha256") {
        section.mistake("sha256", "expected no digest of an extension that [fleet] may change, found one");
    }
    let link = fleet::chosen(common.state?, name);
    section.watch(&link);
    // The link's own target, so that bytes and signature are of one choice.
    match link.canonicalize() {
        Ok(target) => Some(target),
        // The fleet has chosen nothing.
        Err(why) if why.kind() == ErrorKind::NotFound => None,
        // The extension's own file would run although the fleet may have chosen another.
        Err(why) => {
            let link = link.display();
            section.mistake("file", format!("expected what the fleet has chosen, or nothing, at {link}, found: {why}"));
            None
        }
    }
}

fn check(section: Section<'_>, names: &mut BTreeSet<String>, common: &Common<'_>) -> Option<Extension> {
    section.require("name", "a text");
    section.require("file", "the path of a component");
    let name = section.text("name").and_then(|name| section.checked("name", check_name(name)));
    if name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
        section.mistake(
            "name",
            format!("expected a name that nothing else has, found {:?}", name.as_deref().unwrap_or("")),
        );
    }
    let file = section.file("file");
    let chosen = name.as_deref().and_then(|name| chosen(&section, name, common));
    let file = file.map(|file| chosen.unwrap_or(file));
    let sha256 =
        optional_key(&section, "sha256", |section| section.checked("sha256", check_digest(section.text("sha256")?)));
    let signed_by = check_signed_by(&section).map(|keys| keys.unwrap_or_else(|| common.signed_by.clone()));
    if let (Some(file), Some([_, ..])) = (&file, signed_by.as_deref()) {
        // It may be written after the extension: that is looked at again then.
        section.watch(&beside(file));
    }
    let functions = section.list("functions", |text| text.parse::<Grant>().map_err(|error| error.to_string()));
    let functions = if section.has("functions") { functions } else { Some(Vec::new()) };
    let ungranted = optional_key(&section, "ungranted", |section| {
        section.choice("ungranted", &[("refuse", Ungranted::Refuse), ("deny", Ungranted::Deny)])
    });
    let grants = functions.map(Grants::new);
    let defaults = limits_for(grants.as_ref());
    let limits = super::optional(section.section("limits"), |section| check_limits(section, defaults));
    let input = match section.table("input") {
        Some(table) => section.checked("input", json_of_table(table).map(|json| json.to_string())),
        None => (!section.has("input")).then(|| "{}".to_owned()),
    };
    let schedule_name = name.as_deref().unwrap_or_default();
    let due =
        due::check(&section, schedule_name, &common.due, &Unless { cron: None, jitter: std::time::Duration::ZERO });
    if signed_by.as_ref().is_some_and(Vec::is_empty) && name.as_ref().is_some_and(|name| common.of_fleet.contains(name))
    {
        section.mistake("signed_by", "expected a key for an extension that [fleet] may change, found none");
    }
    section.finish();
    let grants = grants?.ungranted(ungranted?.unwrap_or_default());
    let (limits, sha256) = (limits?.unwrap_or(defaults), sha256?);
    let signed_by = signed_by?;
    Some(Extension { name: name?, file: file?, sha256, signed_by, grants, limits, input: input?, due: due? })
}

/// `signed_by`, of an extension or of the whole file: public keys, or files with one. `Some(None)` where it is not there.
pub(super) fn check_signed_by(section: &Section<'_>) -> Option<Option<Vec<PublicKey>>> {
    optional_key(section, "signed_by", |section| {
        let keys = section.list("signed_by", |text| section.public_key(text))?;
        // Not for "nobody has to": a list that lost its last key must not let everything pass.
        let some = "expected at least one key, found none; without signed_by, nobody has to have signed it";
        section.checked("signed_by", if keys.is_empty() { Err(some) } else { Ok(keys) })
    })
}

fn check_digest(text: &str) -> Result<String, String> {
    let found = match text.chars().find(|c| !c.is_ascii_hexdigit()) {
        None if text.len() == 64 => return Ok(text.to_ascii_lowercase()),
        None => format!("{} digits", text.len()),
        Some(other) => format!("the character {other:?}"),
    };
    Err(format!("expected 64 hex digits, as sha256sum prints them, found {found}"))
}

/// Of a time that passes while a person decides, an extension that may ask one needs more.
fn limits_for(grants: Option<&Grants>) -> Limits {
    let may_ask = grants.is_some_and(|grants| grants.allows(Route::FormatDisk.function()));
    let limits = Limits::default();
    if may_ask { Limits { wall: WALL_WITH_A_PERSON, ..limits } } else { limits }
}

fn check_limits(section: Section<'_>, mut limits: Limits) -> Option<Limits> {
    let mut is_right = true;
    let mut number = |key: &'static str, set: &mut dyn FnMut(u64)| match section.number(key) {
        Some(number) => set(number),
        None => is_right &= !section.has(key),
    };
    let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let milliseconds = std::time::Duration::from_millis;
    number("memory_bytes", &mut |number| limits.memory_bytes = size(number));
    number("cpu_ms", &mut |number| limits.cpu = milliseconds(number));
    number("wall_ms", &mut |number| limits.wall = milliseconds(number));
    number("agent_calls", &mut |number| limits.agent_calls = number);
    number("input_bytes", &mut |number| limits.input_bytes = size(number));
    number("output_bytes", &mut |number| limits.output_bytes = size(number));
    number("log_bytes", &mut |number| limits.log_bytes = size(number));
    section.finish();
    is_right.then_some(limits)
}

fn json_of_table(table: &DeTable<'_>) -> Result<Value, String> {
    let members = table.iter().map(|(key, value)| Ok((key.get_ref().to_string(), json_of(value.get_ref())?)));
    Ok(Value::Object(members.collect::<Result<Map<_, _>, String>>()?))
}

fn json_of(value: &DeValue<'_>) -> Result<Value, String> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| json_of(item.get_ref())).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => json_of_table(table)?,
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            number.map(Value::from).map_err(|_| "expected whole numbers of 64 bits, found a larger one")?
        }
        DeValue::Float(number) => {
            let finite = number.as_str().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            Value::Number(finite.ok_or("expected finite numbers, which JSON has, found another")?)
        }
    })
}

/// Twenty minutes: the quarter of an hour in which a wipe can be approved, and what the extension does besides.
const WALL_WITH_A_PERSON: std::time::Duration = std::time::Duration::from_secs(20 * 60);

/// What the backup loop is called beside extensions.
pub const BACKUP: &str = "backup";
/// What the runs are called in which a user of the API has a disk wiped.
pub const WIPE: &str = "wipe";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_ask_for_a_wipe_has_the_time_that_a_person_has() {
        let wall = |functions: &[&str]| {
            limits_for(Some(&Grants::new(functions.iter().map(|text| text.parse().unwrap())))).wall
        };
        assert_eq!(wall(&["disks.list"]), Limits::default().wall);
        for functions in [["disks.format"], ["disks.*"]] {
            assert_eq!(wall(&functions).as_secs(), 1200);
        }
    }

    #[test]
    fn the_input_is_json_of_the_same_shape() {
        let text = "a = 1\nb = [true, -2.5, \"x\"]\nc = { d = 2026-01-01, e = 0xff }\n";
        let document = DeTable::parse(text).unwrap();
        let expected = r#"{"a":1,"b":[true,-2.5,"x"],"c":{"d":"2026-01-01","e":255}}"#;
        assert_eq!(json_of_table(document.get_ref()).unwrap().to_string(), expected);
        for (text, part) in [("a = inf", "finite"), ("a = 99999999999999999999", "64 bits")] {
            let document = DeTable::parse(text).unwrap();
            assert!(json_of_table(document.get_ref()).unwrap_err().contains(part));
        }
    }
}
