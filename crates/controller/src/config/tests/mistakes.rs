use super::{AGENT, Folder, SECRET};

/// Each text after `[agent]`, which has the lines 1 to 4, and all that is said of it.
#[test]
fn every_mistake_is_named_with_its_place_and_what_was_expected() {
    let folder = Folder::new();
    for (text, expected) in TABLE {
        let mistakes = folder.mistakes(&format!("{AGENT}{text}"));
        assert_eq!(mistakes, *expected, "{text}");
    }
}

#[test]
fn all_mistakes_are_named_at_once_in_the_order_of_the_file() {
    let folder = Folder::new();
    let text = "gest = \"a\"\n[agent]\nendpoint = \"https://10.0.0.1\"\ntoken_file = 7\n[backup]\nwindow = \"1-5\"\njitter = \"x\"\n[state]\nkeep_runs = -1\n";
    let expected = [
        "controller.toml:1:1: gest: unknown key; did you mean guest?",
        "controller.toml:2:2: agent.fingerprints: expected a list of one or two texts, found none",
        "controller.toml:3:12: agent.endpoint: expected host, host:port, [v6] or [v6]:port, found a scheme ('/'): drop https://",
        "controller.toml:4:14: agent.token_file: expected text, found a whole number",
        "controller.toml:5:2: backup.accept_crash_consistent: expected a table [quiesce] with what to freeze, or accept_crash_consistent = true, found neither",
        "controller.toml:6:10: backup.window: expected two different times of day such as 01:00-05:00 or 22:30-04:00, found \"1-5\"",
        "controller.toml:7:10: backup.jitter: expected a duration such as 90s, 10m, 1h30m, 26h or 7d, found \"x\"",
        "controller.toml:9:13: state.keep_runs: expected a whole number from 0 to 18446744073709551615",
    ];
    assert_eq!(folder.mistakes(text), expected);
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_other_mistakes() {
    let folder = Folder::new();
    let mistakes = folder.mistakes(&format!("{AGENT}[backup]\nwindow = \"1-5\"\ncron = \n[state\n"));
    assert!(mistakes.iter().any(|line| line.starts_with("controller.toml:7:")), "{mistakes:#?}");
    assert!(mistakes.iter().any(|line| line.contains("controller.toml:6:10: backup.window: ")), "{mistakes:#?}");
    let file = folder.file("not-there.toml");
    let mistakes = super::Config::read(&file, &folder.surroundings()).result.unwrap_err();
    assert!(mistakes[0].to_string().ends_with(
        "not-there.toml: expected a file of text that can be read, found: No such file or directory (os error 2)"
    ));
}

#[test]
fn a_file_without_an_agent_is_refused_without_a_place() {
    let folder = Folder::new();
    assert_eq!(folder.mistakes(""), ["controller.toml: agent: expected a table [agent], found none"]);
    assert_eq!(folder.mistakes("agent = 1\n"), ["controller.toml:1:9: agent: expected a table, found a whole number"]);
    // Line ends of Windows count as one.
    let text = format!("{AGENT}[state]\nkep_for = 1\n").replace('\n', "\r\n");
    assert_eq!(folder.mistakes(&text), ["controller.toml:6:1: state.kep_for: unknown key; did you mean keep_for?"]);
}

#[test]
fn what_nobody_would_see_is_shown_as_rust_writes_it() {
    let folder = Folder::new();
    let text =
        format!("{AGENT}[backup]\naccept_crash_consistent = true\nzone = \"\u{202e}\"\n\"\u{200b}\\u001b\" = 1\n");
    let mistakes = folder.mistakes(&text);
    assert!(mistakes[0].ends_with(r#"found "\u{202e}""#), "{mistakes:#?}");
    assert!(
        mistakes[1].starts_with(r"controller.toml:8:1: backup.\u{200b}\u{1b}: unknown key; there are "),
        "{mistakes:#?}"
    );
}

#[test]
fn no_mistake_repeats_what_may_be_a_secret() {
    let folder = Folder::new();
    for text in [
        format!("token = \"{SECRET}\"\n[x]\n"),
        format!(
            "[[notify]]\nkind = \"webhook\"\nurl = \"hooks/{SECRET}\"\nsecret = \"{SECRET}\"\nsecret_file = \"{SECRET}\"\n"
        ),
        format!("[quiesce]\napplications = [{{ hold = \"mysql -p'{SECRET}\" }}]\n"),
        format!("[[notify]]\nkind = \"smtp\"\npassword = \"{SECRET}\"\nserver = \"{SECRET}/\"\n"),
        format!("[traces]\nurl = \"http://a:4318/{SECRET}?key={SECRET}\"\ntoken_file = \"{SECRET}\"\n"),
        format!("token_file = \"{SECRET}\"\n"),
        format!("token = \"{SECRET}\n"),
        format!("token = {SECRET}\n"),
        format!("token '{SECRET}'\n"),
    ] {
        let mistakes = folder.mistakes(&format!("{AGENT}{text}")).join("\n");
        assert!(!mistakes.is_empty() && !mistakes.contains(SECRET), "{mistakes}");
    }
    // A token in place of the file's name, and a file that holds none.
    let named = AGENT.replace("\"token\"", &format!("\"{SECRET}\""));
    let expected = "controller.toml:3:14: agent.token_file: expected a file that can be read, found: No such file or directory (os error 2)";
    assert_eq!(folder.mistakes(&named), [expected]);
    std::fs::write(folder.file("token"), format!("{SECRET}\n{SECRET}")).unwrap();
    let mistakes = folder.mistakes(AGENT).join("\n");
    assert!(mistakes.starts_with("controller.toml:3:14: agent.token_file: the file holds no token: "), "{mistakes}");
    assert!(!mistakes.contains(SECRET), "{mistakes}");
}

type Case = (&'static str, &'static [&'static str]);

const TABLE: &[Case] = &[
    ("gest = 1\n", &["controller.toml:5:1: agent.gest: unknown key; there are endpoint, fingerprints, token_file"]),
    ("[bakcup]\n", &["controller.toml:5:2: bakcup: unknown key; did you mean backup?"]),
    (
        "extension = 1\n",
        &["controller.toml:5:1: agent.extension: unknown key; there are endpoint, fingerprints, token_file"],
    ),
    (
        "[[extension]]\nfile = \"c.wasm\"\nsha = \"x\"\n",
        &[
            "controller.toml:5:1: extension.name: expected a text, found none",
            "controller.toml:6:8: extension.file: expected a file that can be read, found: No such file or directory (os error 2)",
            "controller.toml:7:1: extension.sha: unknown key; there are name, file, sha256, signed_by, functions, ungranted, limits, input, cron, every, zone, window, jitter, catch_up, paused",
        ],
    ),
    (
        "[[extension]]\nname = \"e\"\nfile = \"a.wasm\"\nsigned_by = [\"secret\", \"nothing.pub\", 1]\n[[extension]]\nname = \"f\"\nfile = \"a.wasm\"\nsigned_by = []\n",
        &[
            "controller.toml:8:14: extension.signed_by: expected a public key of minisign, 56 characters that begin with RW, or a file with one, found something else",
            "controller.toml:8:24: extension.signed_by: expected a public key of minisign, 56 characters that begin with RW, or a file with one that can be read: No such file or directory (os error 2)",
            "controller.toml:8:39: extension.signed_by: expected text, found a whole number",
            "controller.toml:12:13: extension.signed_by: expected at least one key, found none; without signed_by, nobody has to have signed it",
        ],
    ),
    (
        "[[extension]]\nname = \"backup\"\nfile = \"a.wasm\"\n[[extension]]\nname = \"-x\"\nfile = \"a.wasm\"\n[[extension]]\nname = \"e\"\nfile = \".\"\n[[extension]]\nname = \"e\"\nfile = \"\"\n[[extension]]\nname = \"wipe\"\nfile = \"\"\n",
        &[
            "controller.toml:6:8: extension.name: expected a name that nothing else has, found \"backup\"",
            "controller.toml:9:8: extension.name: expected up to 63 letters, digits, '-', '_' and '.', the first a letter or digit",
            "controller.toml:13:8: extension.file: expected a file that can be read, found: something else",
            "controller.toml:15:8: extension.name: expected a name that nothing else has, found \"e\"",
            "controller.toml:16:8: extension.file: expected a path, found an empty text",
            "controller.toml:18:8: extension.name: expected a name that nothing else has, found \"wipe\"",
            "controller.toml:19:8: extension.file: expected a path, found an empty text",
        ],
    ),
    (
        "[[extension]]\nname = \"e\"\nfile = \"a.wasm\"\nsha256 = \"abc\"\nfunctions = [\"backup.dew\", 1]\nungranted = \"no\"\ninput = [1]\nlimits = { cpu = 1, memory_bytes = \"1\" }\n",
        &[
            "controller.toml:8:10: extension.sha256: expected 64 hex digits, as sha256sum prints them, found 3 digits",
            "controller.toml:9:14: extension.functions: expected a grant such as backup.due or backup.*, found \"backup.dew\"; there are storage.mounts, backup.due, backup.start, backup.status, disks.list, disks.assign, disks.eject, disks.format, disks.fs-uuid, disks.opsign-command, host-metrics.collect, quiesce.freeze, quiesce.thaw, state.get, state.set, state.delete, state.list, notify.send, notify.clear",
            "controller.toml:9:28: extension.functions: expected text, found a whole number",
            "controller.toml:10:13: extension.ungranted: expected \"refuse\" or \"deny\", found \"no\"",
            "controller.toml:11:9: extension.input: expected a table, found a list",
            "controller.toml:12:12: extension.limits.cpu: unknown key; there are memory_bytes, cpu_ms, wall_ms, agent_calls, input_bytes, output_bytes, log_bytes",
            "controller.toml:12:36: extension.limits.memory_bytes: expected a whole number, found text",
        ],
    ),
    (
        "[[extension]]\nname = \"e\"\nfile = \"a.wasm\"\ninput = { a = inf }\nwindow = \"01:00-05:00\"\npaused = true\n",
        &[
            "controller.toml:8:9: extension.input: expected finite numbers, which JSON has, found another",
            "controller.toml:9:10: extension.window: expected cron or every beside it, found neither",
            "controller.toml:10:10: extension.paused: expected cron or every beside it, found neither",
        ],
    ),
    (
        "[[extension]]\nname = \"e\"\nfile = \"a.wasm\"\ncron = \"0 2 * * *\"\nevery = \"10m\"\n",
        &["controller.toml:9:9: extension.every: expected either cron or every, found both"],
    ),
    (
        "[[extension]]\nname = \"e\"\nfile = \"a.wasm\"\nevery = \"500ms\"\n[[extension]]\nname = \"f\"\nfile = \"a.wasm\"\ncron = \"61 * * * *\"\nzone = \"Europe/Berln\"\ncatch_up = \"two\"\n",
        &[
            "controller.toml:8:9: extension.every: expected a second or more, found 500ms",
            "controller.toml:12:8: extension.cron: expected five fields: minute, hour, day of the month, month, day of the week; found \"61 * * * *\": component error: number out of bounds",
            "controller.toml:13:8: extension.zone: expected a time zone of this machine such as \"Europe/Berlin\" or \"UTC\", found \"Europe/Berln\"",
            "controller.toml:14:12: extension.catch_up: expected \"one\" or \"none\", found \"two\"",
        ],
    ),
    (
        "[backup]\naccept_crash_consistent = true\ncron = \"0 0 31 2 *\"\njitter = \"0s\"\nlease = 600\nthaw_on = \"done\"\n",
        &[
            "controller.toml:7:8: backup.cron: expected a cron expression that comes due, found \"0 0 31 2 *\", which never does",
            "controller.toml:8:10: backup.jitter: expected more than nothing, found \"0s\"",
            "controller.toml:9:9: backup.lease: expected a duration such as \"10m\", found a whole number",
            "controller.toml:10:11: backup.thaw_on: expected \"end\" or \"running\", found \"done\"",
        ],
    ),
    (
        "[backup]\naccept_crash_consistent = false\n",
        &[
            "controller.toml:6:27: backup.accept_crash_consistent: expected a table [quiesce] with what to freeze, or accept_crash_consistent = true, found neither",
        ],
    ),
    (
        "[backup]\naccept_crash_consistent = \"yes\"\nalarm-after = \"1h\"\n",
        &[
            "controller.toml:6:27: backup.accept_crash_consistent: expected true or false, found text",
            "controller.toml:7:1: backup.alarm-after: unknown key; did you mean alarm_after?",
        ],
    ),
    (
        "[quiesce]\n",
        &[
            "controller.toml:5:2: quiesce.applications: expected a list of tables such as { file_system = \"/data\" }, found none",
        ],
    ),
    (
        "[quiesce]\napplications = []\n",
        &["controller.toml:6:16: quiesce.applications: expected one at least, found none"],
    ),
    (
        "[quiesce]\napplications = [{ file_system = \"/a\", hold = \"b\" }, { freeze = \"a\" }, {}, 1, { hold = \"\" }, { filesystem = \"/a\" }]\n",
        &[
            "controller.toml:6:17: quiesce.applications: expected either file_system, or hold, or freeze and thaw",
            "controller.toml:6:53: quiesce.applications: expected either file_system, or hold, or freeze and thaw",
            "controller.toml:6:71: quiesce.applications: expected either file_system, or hold, or freeze and thaw",
            "controller.toml:6:75: quiesce.applications: expected a table, found a whole number",
            "controller.toml:6:87: quiesce.applications.hold: expected a program to run, found none",
            "controller.toml:6:93: quiesce.applications: expected either file_system, or hold, or freeze and thaw",
            "controller.toml:6:95: quiesce.applications.filesystem: unknown key; did you mean file_system?",
        ],
    ),
    (
        "[[notify]]\nurl = \"https://a/b\"\n",
        &["controller.toml:5:1: notify.kind: expected \"webhook\", \"ntfy\", \"command\" or \"smtp\", found none"],
    ),
    (
        "[[notify]]\nkind = \"mail\"\n",
        &[
            "controller.toml:6:8: notify.kind: expected \"webhook\" or \"ntfy\" or \"command\" or \"smtp\", found \"mail\"",
        ],
    ),
    (
        "[[notify]]\nkind = \"webhook\"\nurl = \"a/b\"\ntoken_file = \"x\"\nseverity = \"error\"\n[[notify]]\nkind = \"webhook\"\nurl = \"https://a/b\"\n",
        &[
            "controller.toml:7:7: notify.url: expected a URL with http:// or https://, a host, and no user or blank",
            "controller.toml:8:1: notify.token_file: unknown key; there are kind, severity, name, url, secret_file, signing_secret",
            "controller.toml:9:12: notify.severity: expected \"info\" or \"warning\" or \"critical\", found \"error\"",
            "controller.toml:10:1: notify.name: expected a name that no other [[notify]] has",
        ],
    ),
    (
        "[[notify]]\nkind = \"smtp\"\nserver = \"m/\"\nsender = \"a\"\nrecipients = []\nuser = \"u\"\n",
        &[
            "controller.toml:7:10: notify.server: expected host, host:port, [v6] or [v6]:port, found a path ('/'): drop the final /",
            "controller.toml:8:10: notify.sender: expected a mail address such as ops@example.org, found \"a\"",
            "controller.toml:9:14: notify.recipients: expected one mail address at least, found none",
            "controller.toml:10:8: notify.user: expected password_file beside it, found none",
        ],
    ),
    (
        "[[notify]]\nkind = \"command\"\n[[notify]]\nkind = \"ntfy\"\n",
        &[
            "controller.toml:5:1: notify.command: expected a command line, found none",
            "controller.toml:7:1: notify.url: expected a URL, found none",
        ],
    ),
    (
        "[api]\nsocket = \"a\"\nsocket_ro = \"a\"\ngroup = \"a b\"\napprovers = [\"99999999999\", \"a b\"]\n",
        &[
            "controller.toml:7:13: api.socket_ro: expected another path than that of socket, found the same",
            "controller.toml:8:9: api.group: expected up to 63 letters, digits, '-', '_' and '.', the first a letter or digit",
            "controller.toml:9:14: api.approvers: expected a user's name or number, found \"99999999999\"",
            "controller.toml:9:29: api.approvers: expected up to 63 letters, digits, '-', '_' and '.', the first a letter or digit",
        ],
    ),
    (
        "[traces]\ntoken_file = \"\"\nsample = 1\n",
        &[
            "controller.toml:5:2: traces.url: expected a URL such as \"http://127.0.0.1:4318\", found none",
            "controller.toml:6:14: traces.token_file: expected a path, found an empty text",
            "controller.toml:7:1: traces.sample: unknown key; there are url, token_file",
        ],
    ),
    (
        "[traces]\nurl = \"http://a:4318/?key=1\"\n",
        &["controller.toml:6:7: traces.url: expected a URL without '?' and '#', because /v1/traces is added to it"],
    ),
    (
        "[metrics]\nlisten = \"localhost:9420\"\n[audit]\nfile = \"\"\npath = \"x\"\n[state]\nfolder = 1\nkeep_for = \"90 days\"\nkeep_runs = 1.5\n",
        &[
            "controller.toml:6:10: metrics.listen: expected an address of loopback such as \"127.0.0.1:9300\" or \"[::1]:9300\", found \"localhost:9420\"",
            "controller.toml:8:8: audit.file: expected a path, found an empty text",
            "controller.toml:9:1: audit.path: unknown key; there are file",
            "controller.toml:11:10: state.folder: expected text, found a whole number",
            "controller.toml:12:12: state.keep_for: expected a duration such as 90s, 10m, 1h30m, 26h or 7d, found \"90 days\"",
            "controller.toml:13:13: state.keep_runs: expected a whole number, found a fraction",
        ],
    ),
];
