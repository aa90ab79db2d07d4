//! What each command shows on terminals of 80 and 120 columns, with and without colour.
//!
//! The screens are in the folder `layout`, with `␛` for the escape character. With `AGENTAPI_WRITE_SCREENS=1` they are
//! written anew: read the difference before you commit it.

mod scenes;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use agentapi_host::Fingerprint;
use anstream::adapter::strip_str;
use unicode_width::UnicodeWidthStr;

use crate::layout::scenes::{COMMANDS, Scene, scenes};
use crate::support::{Fixture, Process, TOKEN, command, run};

/// The widths that count: what every terminal has, and what many have.
const WIDTHS: [usize; 2] = [80, 120];

/// How a command is run.
#[derive(Clone, Copy)]
enum Terminal {
    /// As wide as this, with colours.
    Coloured(usize),
    /// As wide as this, without colours.
    Plain(usize),
    Pipe,
}

struct Stage {
    fixture: Fixture,
    pins: [Fingerprint; 2],
}

impl Stage {
    fn new() -> Self {
        let fixture = Fixture::with(include_str!("layout/crowded.toml"));
        let pins = [fixture.agent.fingerprint(), fixture.agent.next_fingerprint()];
        Self { fixture, pins }
    }

    /// Both outputs and the status, with what differs from run to run replaced by something of the same width.
    fn show(&self, scene: &Scene, terminal: Terminal) -> String {
        let arguments: Vec<_> = scene.arguments.iter().map(String::as_str).collect();
        let mut command = self.fixture.command(&arguments);
        (scene.prepare)(&mut command, &self.fixture);
        match terminal {
            Terminal::Coloured(columns) => command.env("COLUMNS", columns.to_string()).env("CLICOLOR_FORCE", "1"),
            Terminal::Plain(columns) => command.env("COLUMNS", columns.to_string()),
            Terminal::Pipe => &mut command,
        };
        let outcome = run(command);
        let text = format!("{}{}exit status {}\n", outcome.stdout, outcome.stderr, outcome.status.unwrap());
        assert!(!text.contains(TOKEN), "{text}");
        self.without_what_differs(&text)
    }

    fn without_what_differs(&self, text: &str) -> String {
        let endpoint = self.fixture.agent.endpoint();
        let port = endpoint.rsplit(':').next().unwrap();
        let mut text = text.replace(&endpoint, &format!("127.0.0.1:{}", "9".repeat(port.len())));
        for (pin, pair) in self.pins.iter().zip(["AB", "CD"]) {
            text = text.replace(&pin.to_string(), &[pair; 32].join(":"));
            text = text.replace(&pin.to_string().replace(':', ""), &pair.repeat(32));
        }
        text
    }
}

#[test]
fn each_command_shows_what_is_in_the_folder() {
    let stage = Stage::new();
    let (mut differences, mut expected_files) = (Vec::new(), BTreeSet::new());
    for scene in scenes() {
        for columns in WIDTHS {
            let shown = stage.show(&scene, Terminal::Coloured(columns)).replace('\u{1b}', "␛");
            let file = folder().join(format!("{}.{columns}.txt", scene.name));
            expected_files.insert(file.clone());
            if std::env::var_os("AGENTAPI_WRITE_SCREENS").is_some() {
                fs::write(&file, &shown).unwrap();
            }
            if fs::read_to_string(&file).unwrap_or_default() != shown {
                differences.push(format!("{} at {columns} columns is now\n{shown}", scene.name));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let screens: BTreeSet<_> = files.filter(|file| file.extension().is_some_and(|ending| ending == "txt")).collect();
    assert_eq!(screens, expected_files, "screens that no command shows, or commands without a screen");
}

#[test]
fn no_command_is_left_out() {
    for name in COMMANDS {
        let words: Vec<_> = name.split(' ').filter(|word| !word.is_empty()).collect();
        let help = run(command(&[&words[..], &["-h"]].concat())).stdout;
        let Some((_, list)) = help.split_once("Commands:\n") else { continue };
        let lines = list.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
        for inner in lines.filter_map(|line| line.split(' ').next()).filter(|inner| !["", "help"].contains(inner)) {
            let inner = [&words[..], &[inner]].concat().join(" ");
            assert!(COMMANDS.contains(&inner.as_str()), "{inner} has no screens");
        }
    }
}

#[test]
fn nothing_is_wider_than_the_terminal_and_no_word_is_broken() {
    let stage = Stage::new();
    for scene in scenes() {
        let in_a_pipe = words(&stage.show(&scene, Terminal::Pipe));
        for columns in WIDTHS {
            let shown = stage.show(&scene, Terminal::Plain(columns));
            for line in shown.lines().filter(|line| line.width() > columns) {
                assert!(is_one_value(line), "{} at {columns} columns: {line}", scene.name);
            }
            assert_eq!(words(&shown), in_a_pipe, "{} at {columns} columns:\n{shown}", scene.name);
        }
    }
}

#[test]
fn without_colours_the_same_is_said_and_colours_are_the_terminals_own() {
    let stage = Stage::new();
    for scene in scenes() {
        let coloured = stage.show(&scene, Terminal::Coloured(80));
        let plain = stage.show(&scene, Terminal::Plain(80));
        assert_eq!(strip_str(&coloured).to_string(), plain, "{}", scene.name);
        assert!(!plain.contains('\u{1b}'), "{}: {plain:?}", scene.name);
        for code in coloured.split("\u{1b}[").skip(1).map(|rest| rest.split('m').next().unwrap()) {
            // Bold, underlined, and the named colours that can be read on a dark and on a light background.
            assert!(["0", "1", "4", "31", "32", "33", "36"].contains(&code), "{}: {code}", scene.name);
        }
    }
}

#[test]
fn no_color_wins() {
    let stage = Stage::new();
    let mut command = stage.fixture.command(&["metrics"]);
    command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    assert!(!run(command).stdout.contains('\u{1b}'));
}

#[test]
fn what_is_red_or_yellow_has_a_sign_or_a_word_for_it() {
    let stage = Stage::new();
    let mut painted = 0;
    for scene in scenes().into_iter().filter(|scene| ["metrics", "disks-list", "check"].contains(&scene.name.as_str()))
    {
        let shown = stage.show(&scene, Terminal::Coloured(80));
        for part in ["\u{1b}[31m", "\u{1b}[33m"].into_iter().flat_map(|colour| shown.split(colour).skip(1)) {
            let text = part.split("\u{1b}[0m").next().unwrap();
            let has_word = ["critical", "warning"].iter().any(|word| text.to_lowercase().contains(word));
            assert!(text.contains("! ") || has_word, "{}: {text}", scene.name);
            painted += 1;
        }
    }
    assert!(painted > 10, "only {painted}");
}

#[test]
fn with_wide_a_row_is_one_line_on_a_terminal_too() {
    let stage = Stage::new();
    for arguments in [&["storage"][..], &["disks", "list"], &["metrics"]] {
        let piped = stage.fixture.succeed(arguments);
        let mut wide = stage.fixture.command(&[arguments, &["--wide"]].concat());
        wide.env("COLUMNS", "80");
        assert_eq!(run(wide).stdout, piped, "{arguments:?}");
    }
}

#[test]
fn the_tour_and_the_lines_of_a_mock_agent_fit_80_columns() {
    let mut tour = command(&["demo"]);
    tour.env("COLUMNS", "80");
    let mut mock = Process::spawn(command(&["mock"]));
    let lines = BufReader::new(mock.stdout()).lines().take(6).map(Result::unwrap);
    let lines: Vec<_> = run(tour).stdout.lines().map(str::to_owned).chain(lines).collect();
    assert!(lines.len() > 40, "{lines:?}");
    for line in lines {
        assert!(line.width() <= 80 || is_one_value(&line), "{line}");
    }
}

/// The words of a screen, whatever their case is and wherever they stand. Headings are followed by a colon where they
/// stand in front of their values, empty cells are then left out, and fingerprints may be without colons.
fn words(shown: &str) -> BTreeSet<String> {
    let words = shown.split_whitespace().map(|word| word.to_lowercase().replace(':', ""));
    words.filter(|word| word != "-").collect()
}

/// What is pasted as a whole, and stands in a line of its own: a path may hold blanks.
fn is_one_value(line: &str) -> bool {
    let text = line.trim_start();
    !text.contains(' ') || ["felhom-opsign ", "export ", "/mnt/"].iter().any(|start| text.starts_with(start))
}

fn folder() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/command/layout").into()
}
