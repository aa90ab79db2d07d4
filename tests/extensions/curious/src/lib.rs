//! An extension with the standard library that looks for more than its calls: variables, arguments, input, files. The
//! tests see that there is nothing. It returns one line for each place where it looked.
#![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated code crosses the component boundary")]
#![allow(clippy::expect_used, reason = "a test looks at how a panic is told")]

use std::collections::HashMap;
use std::fmt::Debug;
use std::io::{Read, stdin};
use std::{env, fs};

wit_bindgen::generate!({ world: "policy-extension", path: "../../../wit" });

struct Curious;

#[cfg(target_arch = "wasm32")]
export!(Curious);

impl exports::felhom::agentapi::policy::Guest for Curious {
    fn run(input: String) -> Result<String, String> {
        if input == "exit" {
            std::process::exit(0);
        }
        if input == "\"panic\"" {
            first_of(&[]);
        }
        println!("looking");
        eprintln!("around");
        let mut text = String::new();
        let lines = [
            format!("variables: {}", env::vars_os().count()),
            format!("arguments: {}", env::args_os().count()),
            found("input", stdin().read_to_string(&mut text).map(|bytes| bytes.to_string())),
            found("folder", fs::read_dir("/").map(|entries| entries.count().to_string())),
            found("file", fs::read_to_string("/etc/hostname")),
            found("new file", fs::write("/tmp/x", "x")),
            found("here", fs::write("x", "x")),
        ];
        Ok(lines.join("\n"))
    }
}

/// A hash map draws a seed from the host as it is made.
#[inline(never)]
fn first_of(names: &[&str]) -> usize {
    let lengths: HashMap<_, _> = names.iter().map(|name| (*name, name.len())).collect();
    *lengths.get("first").expect("nobody is first")
}

fn found<T: Debug, E>(what: &str, outcome: Result<T, E>) -> String {
    outcome.map_or_else(|_| format!("{what}: none"), |found| format!("{what}: {found:?}"))
}
