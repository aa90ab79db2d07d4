//! Texts of agent and extension, in the form in which a line of the audit has them.

use agentapi_contract::visible;

use crate::network::Credentials;

/// Most characters of a text. A durable id has some 80, a path of Linux in practice fewer than that, and an agent's
/// refusal is a sentence; what is longer was made to fill the audit.
const MAX_CHARS: usize = 256;

/// Masks the secrets of the run's agent, cuts what is too long, and escapes what could rewrite a terminal or a log.
pub(super) fn clean(credentials: &Credentials, text: &mut String) {
    // Masked first: a token that is cut in two is found by nobody.
    let masked = credentials.mask_text(std::mem::take(text));
    let mut chars = masked.chars();
    let cut: String = chars.by_ref().take(MAX_CHARS).collect();
    text.push_str(&visible(&cut));
    if chars.next().is_some() {
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::{Credentials, clean};

    fn cleaned(text: &str) -> String {
        let token = |text: &str| text.parse().unwrap();
        let credentials = Credentials::new(token("guest-token"), token("the-stand-in")).unwrap();
        let mut text = text.to_owned();
        clean(&credentials, &mut text);
        text
    }

    #[test]
    fn a_text_is_masked_escaped_and_cut() {
        assert_eq!(cleaned("/dev/sdc1"), "/dev/sdc1");
        assert_eq!(cleaned("guest-token, the-stand-in"), "[masked], [masked]");
        assert_eq!(cleaned("it's \"\u{1b}[2J\" \u{202e}\n\\"), "it's \"\\u{1b}[2J\" \\u{202e}\\n\\");
        assert_eq!(cleaned(&"ä".repeat(300)), "ä".repeat(256) + "…");
    }

    #[test]
    fn a_secret_across_the_cut_is_masked_whole() {
        let text = cleaned(&("x".repeat(250) + "guest-token"));
        assert_eq!(text, "x".repeat(250) + "[maske…");
    }
}
