//! Walks every key: it takes effect by a reload, or is refused by its name.

use std::collections::BTreeSet;

use super::{AGENT, Folder};
use crate::config::compare;

/// How a change of a key ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Live,
    Restart,
}
use Change::{Live, Restart};

/// Table, key, its value, another one, and what a change of the one to the other is. Tables of the same name are told apart
/// by a number.
const KEYS: &[(&str, &str, &str, &str, Change)] = &[
    ("", "guest", r#""g""#, r#""h""#, Restart),
    ("", "signed_by", KEY, OTHER_KEY, Live),
    ("agent", "endpoint", r#""a""#, r#""b""#, Live),
    ("agent", "fingerprints", PIN, OTHER_PIN, Live),
    ("agent", "token_file", r#""token""#, r#""other-token""#, Live),
    ("backup", "cron", r#""0 2 * * *""#, r#""0 3 * * *""#, Live),
    ("backup", "zone", r#""UTC""#, r#""Europe/Berlin""#, Live),
    ("backup", "window", r#""01:00-05:00""#, r#""01:00-06:00""#, Live),
    ("backup", "jitter", r#""10m""#, r#""20m""#, Live),
    ("backup", "catch_up", r#""one""#, r#""none""#, Live),
    ("backup", "paused", "false", "true", Live),
    ("backup", "even_if_not_due", "false", "true", Live),
    ("backup", "thaw_on", r#""end""#, r#""running""#, Live),
    ("backup", "on_freeze_failure", r#""abort""#, r#""continue""#, Live),
    ("backup", "lease", r#""10m""#, r#""20m""#, Restart),
    ("backup", "give_up_after", r#""4h""#, r#""5h""#, Live),
    ("backup", "alarm_after", r#""26h""#, r#""27h""#, Live),
    ("quiesce", "applications", r#"[{ file_system = "/a" }]"#, r#"[{ file_system = "/b" }]"#, Restart),
    ("quiesce", "journal", r#""j""#, r#""k""#, Restart),
    ("quiesce 1", "applications", r#"[{ hold = "a" }]"#, r#"[{ freeze = "a", thaw = "b" }]"#, Restart),
    ("quiesce 1", "program_timeout", r#""30s""#, r#""31s""#, Restart),
    ("[extension]", "name", r#""e""#, r#""f""#, Live),
    ("[extension]", "file", r#""a.wasm""#, r#""b.wasm""#, Live),
    ("[extension]", "sha256", DIGEST, OTHER_DIGEST, Live),
    ("[extension]", "signed_by", KEY, OTHER_KEY, Live),
    ("[extension]", "functions", r#"["backup.*"]"#, r#"["disks.*"]"#, Live),
    ("[extension]", "ungranted", r#""refuse""#, r#""deny""#, Live),
    ("[extension]", "input", "{ a = 1 }", "{ a = 2 }", Live),
    ("[extension]", "every", r#""10m""#, r#""20m""#, Live),
    ("[extension]", "zone", r#""UTC""#, r#""Europe/Berlin""#, Live),
    ("[extension]", "window", r#""01:00-05:00""#, r#""01:00-06:00""#, Live),
    ("[extension]", "jitter", r#""10m""#, r#""20m""#, Live),
    ("[extension]", "catch_up", r#""one""#, r#""none""#, Live),
    ("[extension]", "paused", "false", "true", Live),
    ("[extension]", "limits.memory_bytes", "1", "2", Live),
    ("[extension]", "limits.cpu_ms", "1", "2", Live),
    ("[extension]", "limits.wall_ms", "1", "2", Live),
    ("[extension]", "limits.agent_calls", "1", "2", Live),
    ("[extension]", "limits.input_bytes", "1", "2", Live),
    ("[extension]", "limits.output_bytes", "1", "2", Live),
    ("[extension]", "limits.log_bytes", "1", "2", Live),
    ("secrets.a", "file", r#""secret""#, r#""other-secret""#, Live),
    ("secrets.a 1", "credential", r#""handed""#, r#""handed-too""#, Live),
    ("[notify]", "kind", r#""webhook""#, r#""ntfy""#, Live),
    ("[notify]", "name", r#""w""#, r#""x""#, Live),
    ("[notify]", "severity", r#""info""#, r#""critical""#, Live),
    ("[notify]", "url", r#""https://a/b""#, r#""https://a/c""#, Live),
    ("[notify] 1", "kind", r#""webhook""#, r#""webhook""#, Live),
    ("[notify] 1", "url", r#""https://a/b""#, r#""https://a/c""#, Live),
    ("[notify] 1", "secret_file", r#""secret""#, r#""other-secret""#, Live),
    ("[notify] 2", "kind", r#""ntfy""#, r#""ntfy""#, Live),
    ("[notify] 2", "url", r#""https://a/b""#, r#""https://a/c""#, Live),
    ("[notify] 2", "token_file", r#""secret""#, r#""other-secret""#, Live),
    ("[notify] 3", "kind", r#""command""#, r#""command""#, Live),
    ("[notify] 3", "command", r#""a b""#, r#""a c""#, Live),
    ("[notify] 4", "kind", r#""smtp""#, r#""smtp""#, Live),
    ("[notify] 4", "server", r#""m:25""#, r#""m:587""#, Live),
    ("[notify] 4", "tls", r#""starttls""#, r#""implicit""#, Live),
    ("[notify] 4", "sender", r#""a@b""#, r#""a@c""#, Live),
    ("[notify] 4", "recipients", r#"["a@b"]"#, r#"["a@b", "c@d"]"#, Live),
    ("[notify] 4", "user", r#""u""#, r#""v""#, Live),
    ("[notify] 4", "password_file", r#""secret""#, r#""other-secret""#, Live),
    ("[notify] 5", "kind", r#""webhook""#, r#""webhook""#, Live),
    ("[notify] 5", "url", r#""https://a/b""#, r#""https://a/c""#, Live),
    ("[notify] 5", "signing_secret", r#""a""#, r#""b""#, Live),
    ("[notify] 6", "kind", r#""ntfy""#, r#""ntfy""#, Live),
    ("[notify] 6", "url", r#""https://a/b""#, r#""https://a/c""#, Live),
    ("[notify] 6", "token_secret", r#""a""#, r#""b""#, Live),
    ("[notify] 7", "kind", r#""smtp""#, r#""smtp""#, Live),
    ("[notify] 7", "server", r#""m:25""#, r#""m:587""#, Live),
    ("[notify] 7", "sender", r#""a@b""#, r#""a@c""#, Live),
    ("[notify] 7", "recipients", r#"["a@b"]"#, r#"["a@b", "c@d"]"#, Live),
    ("[notify] 7", "user", r#""u""#, r#""v""#, Live),
    ("[notify] 7", "password_secret", r#""a""#, r#""b""#, Live),
    ("api", "socket", r#""a.sock""#, r#""b.sock""#, Restart),
    ("api", "socket_ro", r#""c.sock""#, r#""d.sock""#, Restart),
    ("api", "group", r#""a""#, r#""b""#, Restart),
    ("api", "console_hosts", r#"["a"]"#, r#"["b.example"]"#, Restart),
    ("api", "approvers", r#"["a"]"#, r#"["1000"]"#, Restart),
    ("metrics", "listen", r#""127.0.0.1:3""#, r#""[::1]:3""#, Restart),
    ("traces", "url", r#""http://a:4318""#, r#""http://a:4319""#, Restart),
    ("traces", "token_file", r#""secret""#, r#""other-secret""#, Restart),
    ("fleet", "server", r#""a:4222""#, r#""b:4222""#, Restart),
    ("fleet", "fingerprints", PIN, OTHER_PIN, Restart),
    ("fleet", "key_file", r#""secret""#, r#""other-secret""#, Restart),
    ("fleet", "host", r#""pve1""#, r#""pve2""#, Restart),
    ("fleet", "allowed_signers", r#""secret""#, r#""other-secret""#, Restart),
    ("fleet", "ring", "1", "2", Restart),
    ("fleet", "extensions", r#"["e"]"#, r#"["f"]"#, Restart),
    ("fleet", "slots", r#""pve1""#, r#""pbs1""#, Restart),
    ("fleet", "without_bus", r#""run""#, r#""wait""#, Restart),
    ("fleet", "longest_wait", r#""6h""#, r#""7h""#, Restart),
    ("fleet", "coordinator_key_file", r#""secret""#, r#""other-secret""#, Restart),
    ("audit", "file", r#""a""#, r#""b""#, Restart),
    ("state", "folder", r#""s""#, r#""t""#, Restart),
    ("state", "keep_for", r#""90d""#, r#""91d""#, Live),
    ("state", "keep_runs", "10", "11", Live),
];

const PIN: &str = r#"["3f8a000000000000000000000000000000000000000000000000000000000000"]"#;
const OTHER_PIN: &str = r#"["3f8b000000000000000000000000000000000000000000000000000000000000"]"#;
const KEY: &str = r#"["RWRlvaRV70CpJZFNEgC8x3LzVapHGsbk9afKMYEGw/vP9a9tRWCmkcx/"]"#;
const OTHER_KEY: &str = r#"["RWSKCuCxbHSm4Dgo0fqDPDlbIJyqD2VmcgDHnHr/jXBTd1SvMXo6jYcs"]"#;
const DIGEST: &str = r#""3f8a000000000000000000000000000000000000000000000000000000000000""#;
const OTHER_DIGEST: &str = r#""3f8b000000000000000000000000000000000000000000000000000000000000""#;

const SECRETS: &str = "[secrets]\na.file = \"secret\"\nb.file = \"other-secret\"\n";

/// Tables with what they need to be valid by themselves.
fn text(table: &str, changed: Option<&str>) -> String {
    let value = |row: &(&str, &'static str, &'static str, &'static str, Change)| match changed == Some(row.1) {
        true => format!("{} = {}\n", row.1, row.3),
        false => format!("{} = {}\n", row.1, row.2),
    };
    let name = table.trim_end_matches(|c: char| c == ' ' || c.is_ascii_digit());
    let keys: String = KEYS.iter().filter(|row| row.0 == table).map(value).collect();
    match name {
        "" => format!("{keys}{AGENT}[[extension]]\nname = \"e\"\nfile = \"a.wasm\"\n"),
        "agent" => format!("[agent]\n{keys}"),
        "backup" => format!("{AGENT}[backup]\n{keys}[quiesce]\napplications = [{{ file_system = \"/a\" }}]\n"),
        "[notify]" => format!("{AGENT}{SECRETS}[{name}]\n{keys}"),
        "fleet" => {
            let extension = |name| format!("[[extension]]\nname = \"{name}\"\nfile = \"a.wasm\"\nsigned_by = {KEY}\n");
            format!("{AGENT}{}{}[fleet]\ncoordinator = true\n{keys}", extension("e"), extension("f"))
        }
        _ => format!("{AGENT}[{name}]\n{keys}"),
    }
}

#[test]
fn every_key_takes_effect_or_is_refused_by_its_name() {
    let folder = Folder::new();
    for &(table, key, value, other, change) in KEYS.iter().filter(|row| row.2 != row.3) {
        let old = folder.config(&text(table, None));
        let new = folder.config(&text(table, Some(key)));
        let found = match compare(&old, &new) {
            Ok(()) => {
                assert!(new.live != old.live, "{table}.{key}: {value} to {other} changes nothing");
                Live
            }
            Err(mistakes) => {
                let keys: Vec<_> = mistakes.iter().map(|mistake| mistake.key.as_str()).collect();
                let table = table.trim_end_matches(|c: char| c == ' ' || c.is_ascii_digit());
                let name = if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") };
                assert_eq!(keys, [name]);
                assert!(mistakes[0].place.is_some() && mistakes[0].text.starts_with("it needs a restart to change"));
                Restart
            }
        };
        assert_eq!(found, change, "{table}.{key}");
        assert!(compare(&old, &old.clone()).is_ok());
    }
}

/// Every key that is known, found by asking for one that is not: the mistake names them all.
pub(super) fn known_keys() -> BTreeSet<String> {
    let folder = Folder::new();
    let tables: BTreeSet<_> = KEYS.iter().map(|row| row.0).collect();
    let mut known = BTreeSet::new();
    for table in tables {
        // At the end of its table.
        let text = match table {
            "" => format!("qqqqqqqqqqqqqqqqqqqqqq = 1\n{}", text(table, None)),
            "backup" => text(table, None).replace("[quiesce]", "qqqqqqqqqqqqqqqqqqqqqq = 1\n[quiesce]"),
            _ => format!("{}qqqqqqqqqqqqqqqqqqqqqq = 1\n", text(table, None)),
        };
        known.extend(keys_named(&folder, &text));
    }
    let limits = format!("{}limits.qqqqqqqqqqqqqqqqqqqqqq = 1\n", text("[extension]", None));
    known.extend(keys_named(&folder, &limits));
    known
}

fn keys_named(folder: &Folder, text: &str) -> Vec<String> {
    let mistakes = folder.mistakes(text);
    let [mistake] = mistakes.as_slice() else { panic!("{mistakes:#?}") };
    let (place, keys) = mistake.split_once("qqqqqqqqqqqqqqqqqqqqqq: unknown key; there are ").expect("the known keys");
    let table = place.rsplit(' ').next().unwrap_or_default();
    keys.split(", ").map(|key| format!("{table}{key}")).collect()
}

#[test]
fn no_key_is_left_out_of_the_table() {
    let walked: BTreeSet<_> = KEYS
        .iter()
        .map(|(table, key, ..)| {
            let table = table.trim_matches(|c: char| "[] ".contains(c) || c.is_ascii_digit());
            if table.is_empty() { (*key).to_owned() } else { format!("{table}.{key}") }
        })
        .collect();
    let known = known_keys();
    let left_out: Vec<_> = known.difference(&walked).map(String::as_str).collect();
    // The tables themselves, one of two that exclude each other, and what only a check needs.
    let others = ["agent", "api", "audit", "backup", "backup.accept_crash_consistent", "backup.every", "extension"];
    let others = [
        &others[..],
        &["extension.cron", "extension.limits", "fleet", "fleet.coordinator"],
        &["metrics", "notify", "quiesce", "secrets", "state", "traces"],
    ]
    .concat();
    assert_eq!(left_out, others);
    assert!(walked.is_subset(&known));
}

#[test]
fn a_state_folder_that_moves_is_one_mistake() {
    let folder = Folder::new();
    let of = |name: &str| folder.config(&format!("{AGENT}[state]\nfolder = \"{name}\"\n"));
    let mistakes = compare(&of("a"), &of("b")).unwrap_err();
    assert_eq!(mistakes.iter().map(|mistake| mistake.key.as_str()).collect::<Vec<_>>(), ["state.folder"]);
}
