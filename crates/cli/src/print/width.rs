//! How many columns there are to print in.

use std::env;
use std::io;

use terminal_size::{Width, terminal_size_of};

/// The columns of stdout. None where it is no terminal: what is piped stays in one line, so that it can be searched.
pub(crate) fn stdout_columns() -> Option<usize> {
    columns(env::var("COLUMNS").ok().as_deref(), terminal_size_of(io::stdout()).map(|(Width(width), _)| width))
}

/// The same of stderr.
pub(crate) fn stderr_columns() -> Option<usize> {
    columns(env::var("COLUMNS").ok().as_deref(), terminal_size_of(io::stderr()).map(|(Width(width), _)| width))
}

/// `COLUMNS` comes first, as with `ls`: who exports it wants this width.
fn columns(variable: Option<&str>, terminal: Option<u16>) -> Option<usize> {
    let variable = variable.and_then(|text| text.trim().parse::<u16>().ok()).filter(|columns| *columns > 0);
    // A terminal that does not know its size says 0.
    let known = variable.or(terminal.filter(|columns| *columns > 0))?;
    Some(usize::from(known).max(NARROWEST))
}

/// Below this nothing is laid out any more, and the terminal breaks the lines.
const NARROWEST: usize = 40;

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn the_variable_comes_first_and_what_is_no_width_is_none() {
        assert_eq!(columns(Some("80"), Some(120)), Some(80));
        assert_eq!(columns(None, Some(120)), Some(120));
        assert_eq!(columns(None, None), None);
        for wrong in ["", "0", "-1", "wide", "99999"] {
            assert_eq!(columns(Some(wrong), Some(120)), Some(120), "{wrong}");
        }
        assert_eq!(columns(None, Some(0)), None);
        assert_eq!(columns(Some("3"), None), Some(40));
    }
}
