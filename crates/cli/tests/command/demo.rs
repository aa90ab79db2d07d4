//! `agentapi demo`: what it shows, and what it leaves behind.

use std::fs;

use agentapi_host::Route;

use crate::support::{Fixture, command, run};

#[test]
fn the_bare_command_is_the_demo_and_shows_every_route_and_a_wrong_pin_refused() {
    for arguments in [&[][..], &["demo"]] {
        let outcome = run(command(arguments));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
        for route in Route::ALL {
            assert!(outcome.stdout.contains(&route.to_string()), "{route}: {}", outcome.stdout);
        }
        for text in [
            "felhom-opsign -op storage_wipe",
            "/dev/sdc1, confirmed: formatted",
            "0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10 is mounted at /mnt/felhom/media",
            "with a wrong pin: refused in the handshake",
            "requests on 9 routes over 1 connection; a wrong pin was refused",
            "agentapi --help",
        ] {
            assert!(outcome.stdout.contains(text), "{text}: {}", outcome.stdout);
        }
        let (_, counts) = outcome.stdout.split_once("the agent saw no request: ").unwrap();
        let (before, after) = counts.lines().next().unwrap().split_once(" before, ").unwrap();
        assert_eq!(format!("{before} after"), after);
    }
}

#[test]
fn the_demo_prints_neither_colours_to_a_pipe_nor_the_token() {
    let outcome = run(command(&["demo", "-vvv"]));
    assert!(!outcome.stdout.contains('\u{1b}'), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("TRACE"), "nothing was logged: {outcome:?}");
    // The mock agent's token is 32 hex digits in lower case; UUIDs and fingerprints have shorter runs.
    let is_lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    for text in [outcome.stdout, outcome.stderr] {
        let longest = text.split(|c| !is_lower_hex(c)).map(str::len).max();
        assert!(longest < Some(32), "{text}");
    }
}

#[test]
fn without_a_home_the_component_is_compiled_and_not_cached() {
    let fixture = Fixture::start();
    let mut demo = command(&["demo"]);
    demo.env_remove("AGENTAPI_CACHE_DIR").env("TMPDIR", fixture.path("")).current_dir(fixture.path(""));
    let outcome = run(demo);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    assert_eq!(fs::read_dir(fixture.path("")).unwrap().count(), 0);
}

#[test]
fn compiled_code_is_cached_in_the_users_cache_directory() {
    let fixture = Fixture::start();
    let mut demo = command(&["demo"]);
    demo.env_remove("AGENTAPI_CACHE_DIR").env("XDG_CACHE_HOME", fixture.path(""));
    assert_eq!(run(demo).status, Some(0));
    let kept = fs::read_dir(fixture.path("agentapi")).unwrap();
    let mut kinds: Vec<_> = kept.map(|file| file.unwrap().path().extension().unwrap().to_owned()).collect();
    kinds.sort();
    assert_eq!(kinds, ["cwasm", "entry"], "the code, and the entry with its SHA-256");
}
