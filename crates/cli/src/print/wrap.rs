//! Breaks lines between words.

use anstream::adapter::strip_str;
use unicode_width::UnicodeWidthStr;

/// Breaks the lines of a text that are longer than `columns`. What goes on below is indented by `indent` more blanks than
/// the line itself. A word that is longer than a line is not broken, and neither is a command in backticks, because
/// people paste both.
pub(crate) fn wrap(text: &str, columns: Option<usize>, indent: usize) -> String {
    let Some(columns) = columns else { return text.into() };
    text.split('\n').map(|line| wrap_line(line, columns, indent)).collect::<Vec<_>>().join("\n")
}

/// The columns that a text takes on a terminal: two for a CJK character or an emoji, none for a combining one or an
/// escape sequence.
pub(crate) fn display_width(text: &str) -> usize {
    strip_str(text).map(UnicodeWidthStr::width).sum()
}

fn wrap_line(line: &str, columns: usize, indent: usize) -> String {
    if display_width(line) <= columns {
        return line.into();
    }
    let text = line.trim_start_matches(' ');
    let margin = line.len() - text.len();
    let (mut wrapped, mut column) = (" ".repeat(margin), margin);
    for (place, word) in words(text).into_iter().enumerate() {
        let width = display_width(&word);
        if place > 0 && column + 1 + width > columns {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(margin + indent));
            column = margin + indent;
        } else if place > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(&word);
        column += width;
    }
    wrapped
}

/// The words of a line. What is between two backticks belongs to one word.
fn words(line: &str) -> Vec<String> {
    let has_pairs = line.matches('`').count().is_multiple_of(2);
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in line.split(' ') {
        match words.last_mut() {
            Some(last) if is_open => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.into()),
        }
        is_open ^= has_pairs && !word.matches('`').count().is_multiple_of(2);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{display_width, wrap};

    #[test]
    fn lines_break_between_words_and_go_on_indented() {
        let text = "  one two three\nfour";
        assert_eq!(wrap(text, Some(10), 2), "  one two\n    three\nfour");
        assert_eq!(wrap(text, Some(80), 2), text);
        assert_eq!(wrap(text, None, 2), text);
    }

    #[test]
    fn what_people_paste_is_not_broken() {
        let word = "byid:nvme-Samsung_SSD";
        assert_eq!(wrap(&format!("the disk {word} is"), Some(12), 0), format!("the disk\n{word}\nis"));
        assert_eq!(wrap("see `agentapi disks list`, then", Some(20), 2), "see\n  `agentapi disks list`,\n  then");
        assert_eq!(wrap("a ` that is alone", Some(8), 0), "a ` that\nis alone");
    }

    #[test]
    fn the_width_is_that_on_the_terminal() {
        assert_eq!(
            (display_width("磁盘🔒"), display_width("e\u{301}"), display_width("\u{1b}[1mab\u{1b}[0m")),
            (6, 1, 2)
        );
        assert_eq!(wrap("磁盘 磁盘", Some(8), 0), "磁盘\n磁盘");
    }
}
