//! How it is shown how bad a figure is: by a sign, and by a colour for those who see it.

use agentapi_findings::Severity;
use anstyle::{AnsiColor, Style};

/// The sign in front of a figure. Never the colour alone: it is lost in a pipe, and not everybody sees it.
pub(crate) fn mark(severity: Option<Severity>, text: &str) -> String {
    match severity {
        Some(Severity::Critical) => format!("!! {text}"),
        Some(Severity::Warning) => format!("! {text}"),
        None => text.into(),
    }
}

/// The severity that the controller names so.
pub(crate) fn from_word(word: Option<&str>) -> Option<Severity> {
    match word {
        Some("critical") => Some(Severity::Critical),
        Some("warning") => Some(Severity::Warning),
        _ => None,
    }
}

/// The sign alone, for a column of signs in front of lines.
pub(crate) fn margin(severity: Option<Severity>) -> String {
    let style = style(severity);
    format!("{style}{:<3}{style:#}", mark(severity, ""))
}

/// The colour of a figure: named ones, which a terminal chooses to fit its background.
pub(crate) fn style(severity: Option<Severity>) -> Style {
    let colour = match severity {
        Some(Severity::Critical) => AnsiColor::Red,
        Some(Severity::Warning) => AnsiColor::Yellow,
        None => return Style::new(),
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

/// The worst of several. What is more urgent is less in the order of [`Severity`].
pub(crate) fn worst(all: impl IntoIterator<Item = Option<Severity>>) -> Option<Severity> {
    all.into_iter().flatten().min()
}

/// Explains the signs, below a table that has one.
pub(crate) const LEGEND: &str = "\n! warning, !! critical: `agentapi check` says why.\n";

#[cfg(test)]
mod tests {
    use agentapi_findings::Severity::{Critical, Warning};
    use anstream::adapter::strip_str;
    use anstyle::Style;

    use super::{from_word, margin, mark, style, worst};

    #[test]
    fn each_colour_has_a_sign_besides() {
        for severity in [None, Some(Warning), Some(Critical)] {
            assert_eq!(style(severity) == Style::new(), mark(severity, "x") == "x", "{severity:?}");
        }
        assert_eq!((mark(Some(Warning), "x"), mark(Some(Critical), "x")), ("! x".into(), "!! x".into()));
    }

    #[test]
    fn a_margin_is_as_wide_for_each_severity() {
        let margins = [None, Some(Warning), Some(Critical)].map(|severity| strip_str(&margin(severity)).to_string());
        assert_eq!(margins, ["   ", "!  ", "!! "]);
        assert_eq!(
            ["critical", "warning", "info"].map(|word| from_word(Some(word))),
            [Some(Critical), Some(Warning), None]
        );
    }

    #[test]
    fn the_worst_counts() {
        assert_eq!(worst([None, Some(Warning), Some(Critical)]), Some(Critical));
        assert_eq!(worst([None, None]), None);
    }
}
