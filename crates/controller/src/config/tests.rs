mod every_key;
mod fleet;
mod mistakes;
mod reloading;
mod sample;

use std::fs;
use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::{Config, Mistake, Reading, Surroundings};

/// A folder with a token, an extension and other secrets, and a configuration in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["token", "other-token", "a.wasm", "b.wasm", "secret", "other-secret"] {
            fs::write(folder.path().join(name), format!("{name}-{SECRET}\n")).unwrap();
        }
        fs::create_dir(folder.path().join("systemd")).unwrap();
        for name in ["handed", "handed-too", "mail-password"] {
            fs::write(folder.path().join("systemd").join(name), format!("{name}-{SECRET}\n")).unwrap();
        }
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings { host_name: "machine".into(), zone: TimeZone::UTC, credentials: Some(self.file("systemd")) }
    }

    fn read(&self, text: &str) -> Reading {
        Config::check(&self.file("controller.toml"), text, &self.surroundings())
    }

    #[track_caller]
    fn config(&self, text: &str) -> Config {
        self.read(text).result.unwrap_or_else(|mistakes| panic!("{}", list(&mistakes).join("\n")))
    }

    /// The mistakes, without the folder.
    fn mistakes(&self, text: &str) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        let mistakes = self.read(text).result.expect_err("a mistake");
        list(&mistakes).into_iter().map(|line| line.replace(&folder, "")).collect()
    }
}

fn list(mistakes: &[Mistake]) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}

/// In all secrets.
const SECRET: &str = "s3cr3t";
/// `[agent]` and nothing else.
const AGENT: &str = concat!(
    "[agent]\nendpoint = \"10.0.0.1:8443\"\ntoken_file = \"token\"\nfingerprints = [",
    "\"3F:8A:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00\"]\n"
);

#[test]
fn an_agent_and_nothing_else_is_a_valid_file() {
    let folder = Folder::new();
    let config = folder.config(AGENT);
    assert_eq!(config.live.agent.endpoint.to_string(), "10.0.0.1:8443");
    assert_eq!(config.live.agent.token.reveal(), "token-s3cr3t");
    assert_eq!((config.live.backup, config.fixed.quiesce), (None, None));
    assert_eq!(config.fixed.guest, "machine");
    assert_eq!(config.fixed.journal, PathBuf::from("/var/lib/agentapi/freeze.journal"));
}

#[test]
fn a_backup_that_says_nothing_else_is_nightly_and_alarms_after_26_hours() {
    let folder = Folder::new();
    let config = folder.config(&format!("{AGENT}[backup]\naccept_crash_consistent = true\n"));
    let backup = config.live.backup.unwrap();
    let schedule = backup.due.schedule.to_string();
    assert!(schedule.starts_with("cron 0 2 * * * (UTC), ") && schedule.contains(" later of up to 30m"), "{schedule}");
    assert_eq!(backup.alarm_after.as_secs(), 26 * 3600);
    assert!(!backup.input.freeze && !backup.due.paused);
    // What an operator times is on time, and what is frozen has the backup freeze it.
    let text = "[backup]\ncron = \"0 3 * * *\"\n[quiesce]\napplications = [{ file_system = \"/data\" }]\n";
    let config = folder.config(&format!("{AGENT}{text}"));
    let backup = config.live.backup.unwrap();
    assert_eq!(backup.due.schedule.to_string(), "cron 0 3 * * * (UTC), one run for those missed");
    assert!(backup.input.freeze && config.fixed.quiesce.unwrap().applications().is_ok());
}

#[test]
fn the_token_is_the_systemd_credential_where_no_file_is_named() {
    let folder = Folder::new();
    fs::create_dir(folder.file("credentials")).unwrap();
    fs::write(folder.file("credentials/agentapi-token"), "from-systemd").unwrap();
    let surroundings = Surroundings { credentials: Some(folder.file("credentials")), ..folder.surroundings() };
    let text = AGENT.replace("token_file = \"token\"\n", "");
    let reading = Config::check(&folder.file("controller.toml"), &text, &surroundings);
    assert_eq!(reading.result.unwrap().live.agent.token.reveal(), "from-systemd");
    assert!(reading.files.contains(&folder.file("credentials/agentapi-token")));
}

#[test]
fn an_extension_is_signed_by_the_keys_of_the_file_unless_it_names_its_own() {
    const KEYS: [&str; 2] = [
        "RWRlvaRV70CpJZFNEgC8x3LzVapHGsbk9afKMYEGw/vP9a9tRWCmkcx/",
        "RWSKCuCxbHSm4Dgo0fqDPDlbIJyqD2VmcgDHnHr/jXBTd1SvMXo6jYcs",
    ];
    let folder = Folder::new();
    fs::write(folder.file("other.pub"), format!("untrusted comment: of a test\n{}\n", KEYS[1])).unwrap();
    let extensions = "[[extension]]\nname = \"e\"\nfile = \"a.wasm\"\n\
        [[extension]]\nname = \"f\"\nfile = \"b.wasm\"\nsigned_by = [\"other.pub\"]\n";
    let keys = |config: &Config| {
        let keys = |index: usize| config.live.extensions[index].signed_by.iter().map(|key| key.as_str().to_owned());
        [keys(0).collect::<Vec<_>>(), keys(1).collect()]
    };
    let text = format!("signed_by = [\"{}\"]\n{AGENT}{extensions}", KEYS[0]);
    let reading = folder.read(&text);
    // A signature that comes after its extension, or another key in the file, is a change of the configuration.
    for file in ["a.wasm.minisig", "b.wasm.minisig", "other.pub"] {
        assert!(reading.files.contains(&folder.file(file)), "{file}: {:?}", reading.files);
    }
    assert_eq!(keys(&reading.result.unwrap()), [vec![KEYS[0].to_owned()], vec![KEYS[1].to_owned()]]);
    assert_eq!(keys(&folder.config(&format!("{AGENT}{extensions}"))), [vec![], vec![KEYS[1].to_owned()]]);
    let mistakes = folder.mistakes(&format!("signed_by = [\"nothing\"]\n{AGENT}{extensions}"));
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(
        mistakes[0].starts_with("controller.toml:1:14: signed_by: expected a public key of minisign"),
        "{mistakes:?}"
    );
}

#[test]
fn a_secret_is_used_by_its_name_and_its_file_is_watched() {
    let folder = Folder::new();
    let secrets = "[secrets]\nntfy = { file = \"secret\" }\nmail = { credential = \"handed\" }\n";
    let notify = |keys: &str| format!("{AGENT}{secrets}[[notify]]\n{keys}\n");
    let ntfy = "kind = \"ntfy\"\nurl = \"https://a/b\"\n";
    let reading = folder.read(&notify(&format!("{ntfy}token_secret = \"ntfy\"")));
    assert!([folder.file("secret"), folder.file("systemd/handed")].iter().all(|file| reading.files.contains(file)));
    let by_name = reading.result.unwrap().live.notify;
    assert_eq!(by_name, folder.config(&notify(&format!("{ntfy}token_file = \"secret\""))).live.notify);
    let smtp = "kind = \"smtp\"\nserver = \"m:25\"\nsender = \"a@b\"\nrecipients = [\"a@b\"]\n";
    let mail = folder.config(&notify(&format!("{smtp}user = \"u\"\npassword_secret = \"mail\""))).live.notify;
    assert!(format!("{mail:?}").contains("systemd/handed"), "{mail:?}");
    let webhook = "kind = \"webhook\"\nurl = \"https://a/b\"\nsigning_secret = \"ntfy\"";
    assert!(format!("{:?}", folder.config(&notify(webhook)).live.notify).contains("/secret"));

    // The name is not repeated: it may be the secret itself.
    let unknown = folder.mistakes(&notify(&format!("{ntfy}token_secret = \"tk_s3cr3t\"")));
    let expected =
        "notify.token_secret: expected the name of a secret in [secrets], which has mail, ntfy; found another";
    assert!(unknown.len() == 1 && unknown[0].ends_with(expected), "{unknown:?}");
    let both = folder.mistakes(&notify(&format!("{ntfy}token_secret = \"ntfy\"\ntoken_file = \"secret\"")));
    assert!(both.len() == 1 && both[0].ends_with("expected token_file or token_secret, found both"), "{both:?}");
    for (wrong, found) in [
        ("a = { file = \"secret\", credential = \"handed\" }", "expected file or credential, found both"),
        ("a = {}", "expected file or credential, found neither"),
        ("a = \"s3cr3t\"", "secrets.a: expected a table, found text"),
        (
            "a = { file = \"nowhere\" }",
            "secrets.a.file: expected a file that can be read, found: No such file or directory (os error 2)",
        ),
        (
            "a = { credential = \"none\" }",
            "expected a credential that systemd has handed over, found none of this name",
        ),
        ("a = { path = \"x\" }", "expected file or credential, found neither"),
    ] {
        let mistakes = folder.mistakes(&format!("{AGENT}[secrets]\n{wrong}\n"));
        assert!(mistakes[0].ends_with(found) && !mistakes.concat().contains("s3cr3t"), "{wrong}: {mistakes:?}");
    }
}
