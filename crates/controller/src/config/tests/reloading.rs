use std::fs;
use std::os::unix::fs::symlink;

use super::{AGENT, Folder, list};
use crate::clock::VirtualClock;
use crate::config::{LOOK_EVERY, Reload};

/// A configuration that is followed.
struct Followed {
    folder: Folder,
    clock: VirtualClock,
    reload: Reload,
}

impl Followed {
    fn new(text: &str) -> Self {
        let folder = Folder::new();
        fs::write(folder.file("controller.toml"), text).unwrap();
        let reload = Reload::new(folder.file("controller.toml"), folder.surroundings());
        Self { folder, clock: VirtualClock::new("2026-01-01T00:00:00Z".parse().unwrap()), reload }
    }

    /// A file under a new name, renamed to its own as editors do.
    fn save(&self, name: &str, text: &str) {
        fs::write(self.folder.file("new"), text).unwrap();
        fs::rename(self.folder.file("new"), self.folder.file(name)).unwrap();
    }

    /// After the time between two looks: the guest's name, or the first mistake, or none where nothing has changed.
    fn look(&mut self) -> Option<String> {
        self.clock.advance(LOOK_EVERY);
        let result = self.reload.look(&self.clock, None)?;
        Some(result.map_or_else(|mistakes| list(&mistakes)[0].clone(), |config| config.fixed.guest))
    }
}

fn named(guest: &str) -> String {
    format!("guest = \"{guest}\"\n{AGENT}[[extension]]\nname = \"e\"\nfile = \"a.wasm\"\n")
}

#[test]
fn a_change_of_any_file_is_noticed_once() {
    let mut followed = Followed::new(&named("a"));
    assert_eq!(followed.look().as_deref(), Some("a"));
    assert_eq!(followed.look(), None);
    followed.save("controller.toml", &named("b"));
    assert_eq!(followed.look().as_deref(), Some("b"));
    for name in ["token", "a.wasm"] {
        // Of the same size.
        let text = fs::read_to_string(followed.folder.file(name)).unwrap().replace("s3", "S3");
        followed.save(name, &text);
        assert_eq!(followed.look().as_deref(), Some("b"), "{name}");
        assert_eq!(followed.look(), None);
    }
    followed.save("b.wasm", "another extension");
    assert_eq!(followed.look(), None);
}

#[test]
fn files_are_looked_at_every_few_seconds_and_read_at_once_when_asked_to() {
    let mut followed = Followed::new(&named("a"));
    followed.look();
    followed.save("controller.toml", &named("b"));
    assert!(followed.reload.look(&followed.clock, None).is_none());
    assert_eq!(followed.reload.read(&followed.clock, None).unwrap().fixed.guest, "b");
    assert_eq!(followed.look(), None);
    // SIGHUP reads what has not changed, too.
    assert!(followed.reload.read(&followed.clock, None).is_ok());
}

#[test]
fn what_is_wrong_is_said_once_and_what_mends_it_is_noticed_wherever_it_is() {
    let mut followed = Followed::new(&named("a"));
    followed.look();
    fs::remove_file(followed.folder.file("a.wasm")).unwrap();
    assert!(followed.look().unwrap().contains("extension.file: expected a file that can be read"));
    assert_eq!(followed.look(), None);
    followed.save("a.wasm", "back again");
    assert_eq!(followed.look().as_deref(), Some("a"));
    fs::remove_file(followed.folder.file("controller.toml")).unwrap();
    assert!(followed.look().unwrap().contains("expected a file of text that can be read"));
    assert_eq!(followed.look(), None);
    followed.save("controller.toml", &named("b"));
    assert_eq!(followed.look().as_deref(), Some("b"));
}

#[test]
fn a_link_that_leads_to_another_file_is_noticed() {
    let mut followed = Followed::new(&named("a"));
    for (version, name) in [("v1", "a"), ("v2", "b")] {
        fs::write(followed.folder.file(version), named(name)).unwrap();
    }
    let link = |followed: &Followed, version: &str| {
        symlink(version, followed.folder.file("link")).unwrap();
        fs::rename(followed.folder.file("link"), followed.folder.file("controller.toml")).unwrap();
    };
    link(&followed, "v1");
    assert_eq!(followed.look().as_deref(), Some("a"));
    link(&followed, "v2");
    assert_eq!(followed.look().as_deref(), Some("b"));
    assert_eq!(followed.look(), None);
}

#[test]
fn what_needs_a_restart_is_refused_by_name_and_the_one_in_use_goes_on() {
    let mut followed = Followed::new(&named("a"));
    let in_use = followed.reload.read(&followed.clock, None).unwrap();
    followed.save("controller.toml", &named("b"));
    followed.clock.advance(LOOK_EVERY);
    let mistakes = followed.reload.look(&followed.clock, Some(&in_use)).unwrap().unwrap_err();
    let text = list(&mistakes).join("\n");
    let expected = "controller.toml:1:9: guest: it needs a restart to change, found another value than the one in use";
    assert!(text.ends_with(expected), "{text}");
    followed.save("controller.toml", &named("a"));
    followed.clock.advance(LOOK_EVERY);
    assert!(followed.reload.look(&followed.clock, Some(&in_use)).unwrap().is_ok());
}
