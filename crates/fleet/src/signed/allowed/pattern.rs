//! Lists of patterns, as OpenSSH has them.

use std::fmt;

/// A list such as `*@example.org,!guest@example.org`: one of the patterns matches, and none of those after a `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Patterns(String);

impl Patterns {
    pub(super) fn new(list: &str) -> Self {
        Self(list.to_owned())
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        let mut is_meant = false;
        for pattern in self.0.split(',') {
            match pattern.strip_prefix('!') {
                Some(pattern) if matches(pattern.as_bytes(), name.as_bytes()) => return false,
                Some(_) => {}
                None => is_meant |= matches(pattern.as_bytes(), name.as_bytes()),
            }
        }
        is_meant
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a name is as the pattern says. Where a `*` is followed by what does not fit, it takes one byte more: only the
/// latest one has to, so this takes as long as both are long, multiplied.
fn matches(mut pattern: &[u8], mut name: &[u8]) -> bool {
    let mut after_star = None;
    loop {
        match (pattern.split_first(), name.split_first()) {
            (Some((b'*', rest)), _) => {
                pattern = rest;
                after_star = Some((rest, name));
            }
            (Some((expected, rest)), Some((found, left))) if *expected == b'?' || expected == found => {
                (pattern, name) = (rest, left);
            }
            (None, None) => return true,
            _ => {
                let Some((rest, [_, left @ ..])) = after_star else { return false };
                (pattern, name) = (rest, left);
                after_star = Some((rest, left));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Patterns;

    #[test]
    fn a_list_matches_what_one_pattern_means_and_none_excludes() {
        for (list, name, expected) in [
            ("alice", "alice", true),
            ("alice", "alice2", false),
            ("alice", "Alice", false),
            ("bob,alice", "alice", true),
            ("*@example.org", "alice@example.org", true),
            ("*@example.org", "alice@example.org.evil", false),
            ("*@example.org,!eve@*", "eve@example.org", false),
            ("!eve", "alice", false),
            ("a?c*e", "abcde", true),
            ("a?c*e", "abce", true),
            ("a?c*e", "ace", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*", "", true),
            ("", "", true),
            ("", "alice", false),
        ] {
            assert_eq!(Patterns::new(list).matches(name), expected, "{list} {name}");
        }
    }
}
