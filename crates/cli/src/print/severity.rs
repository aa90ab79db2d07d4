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
    use anstyle::Style;

    use super::{mark, style, worst};

    #[test]
    fn each_colour_has_a_sign_besides() {
        for severity in [None, Some(Warning), Some(Critical)] {
            assert_eq!(style(severity) == Style::new(), mark(severity, "x") == "x", "{severity:?}");
        }
        assert_eq!((mark(Some(Warning), "x"), mark(Some(Critical), "x")), ("! x".into(), "!! x".into()));
    }

    #[test]
    fn the_worst_counts() {
        assert_eq!(worst([None, Some(Warning), Some(Critical)]), Some(Critical));
        assert_eq!(worst([None, None]), None);
    }
}
