//! Tables that fit the terminal. Cells are escaped here, so callers can pass the agent's texts as they are.
//!
//! Where the columns do not fit, the most important ones stay in the row, and the others follow below it, each with its
//! heading. Nothing is left out, and no value is broken.

use agentapi_findings::Severity;
use anstyle::Style;

use crate::print::escape::visible;
use crate::print::severity;
use crate::print::wrap::{display_width, wrap};

/// A column, and how important it is: 1 is the first to have a place in the row.
pub(crate) struct Column {
    heading: &'static str,
    importance: u8,
    content: Content,
}

#[derive(Clone, Copy, PartialEq)]
enum Content {
    /// Words, which may stand on several lines.
    Words,
    /// A name, a path, an id: people paste it, so it is never broken.
    Value,
    /// Aligned right.
    Number,
}

impl Column {
    /// A column of words.
    pub(crate) const fn words(heading: &'static str, importance: u8) -> Self {
        Self { heading, importance, content: Content::Words }
    }

    /// A column of names, paths or ids.
    pub(crate) const fn value(heading: &'static str, importance: u8) -> Self {
        Self { heading, importance, content: Content::Value }
    }

    /// A column of numbers.
    pub(crate) const fn number(heading: &'static str, importance: u8) -> Self {
        Self { heading, importance, content: Content::Number }
    }
}

/// A text, and how it is shown.
#[derive(Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A text in a style of its own.
    pub(crate) fn styled(text: &str, style: Style) -> Self {
        Self { text: visible(text).into_owned(), style }
    }

    /// A figure with the sign and the colour of how bad it is.
    pub(crate) fn judged(text: &str, severity: Option<Severity>) -> Self {
        Self::styled(&severity::mark(severity, text), severity::style(severity))
    }

    fn painted(&self, text: &str) -> String {
        let style = self.style;
        format!("{style}{text}{style:#}")
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text.as_ref(), Style::new())
    }
}

/// A table for people, of `N` columns. An empty cell is printed as a dash.
pub(crate) struct Table<const N: usize> {
    columns: &'static [Column; N],
    rows: Vec<[Cell; N]>,
}

/// Which columns stand in the row, and how wide they are: none for one that stands below.
type Widths<const N: usize> = [Option<usize>; N];

impl<const N: usize> Table<N> {
    /// A table with no rows.
    pub(crate) fn new(columns: &'static [Column; N]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: [Cell; N]) {
        self.rows.push(cells);
    }

    /// The table as lines of text, in this many columns of the terminal; none for all in one row, however wide.
    pub(crate) fn render(&self, limit: Option<usize>) -> String {
        let widths = self.widths(limit);
        let headings = self.columns.each_ref().map(|column| Cell::styled(column.heading, Style::new().bold()));
        let mut text = self.render_row(&headings, &widths);
        for cells in &self.rows {
            text.push_str(&self.render_row(cells, &widths));
            text.push_str(&self.render_rest(cells, &widths, limit));
        }
        text
    }

    fn widths(&self, limit: Option<usize>) -> Widths<N> {
        let natural: [usize; N] = std::array::from_fn(|place| self.cell_widths(place).max().unwrap_or(0));
        let natural = self.with_headings(natural);
        let Some(limit) = limit else { return natural.map(Some) };
        if natural.iter().map(|width| width + GAP).sum::<usize>() <= limit + GAP {
            return natural.map(Some);
        }
        let narrow = self.with_headings(std::array::from_fn(|place| self.usual_width(place)));
        let mut by_importance: Vec<_> = self.columns.iter().zip(narrow).enumerate().collect();
        by_importance.sort_by_key(|(_, (column, _))| column.importance);
        let (mut widths, mut used) = ([None; N], 0);
        for (place, (_, width)) in by_importance {
            if used + width <= limit
                && let Some(chosen) = widths.get_mut(place)
            {
                *chosen = Some(width);
                used += width + GAP;
            }
        }
        widths
    }

    fn cell_widths(&self, place: usize) -> impl Iterator<Item = usize> {
        self.rows.iter().filter_map(move |row| row.get(place)).map(|cell| display_width(&cell.text).max(1))
    }

    fn with_headings(&self, mut widths: [usize; N]) -> [usize; N] {
        for (width, column) in widths.iter_mut().zip(self.columns) {
            *width = display_width(column.heading).max(*width);
        }
        widths
    }

    /// The width that is enough for most rows: one long path must not take the column from all the others. Where most
    /// are long, it is the width of them all.
    fn usual_width(&self, place: usize) -> usize {
        let short: Vec<_> = self.cell_widths(place).filter(|width| *width <= LONG).collect();
        if place == 0 || short.len() * 2 > self.rows.len() {
            return short.into_iter().max().unwrap_or(LONG);
        }
        self.cell_widths(place).max().unwrap_or(0)
    }

    /// The row itself. A name that is too long for its column stands in a line of its own above the rest; another cell
    /// that is too long leaves its place empty.
    fn render_row(&self, cells: &[Cell; N], widths: &Widths<N>) -> String {
        let (mut above, mut line) = (String::new(), String::new());
        // Where the line ends so far, and where the next column begins.
        let (mut end, mut begin) = (0, 0);
        for ((place, cell), (column, width)) in cells.iter().enumerate().zip(self.columns.iter().zip(widths)) {
            let Some(width) = width else { continue };
            let shown = if cell.text.is_empty() { "-" } else { &cell.text };
            if let Some(free) = width.checked_sub(display_width(shown)) {
                let start = begin + if column.content == Content::Number { free } else { 0 };
                line.push_str(&" ".repeat(start - end));
                line.push_str(&cell.painted(shown));
                end = start + width - free;
            } else if place == 0 {
                above.push_str(&format!("{}\n", cell.painted(shown)));
            }
            begin += width + GAP;
        }
        above + &line + "\n"
    }

    /// What did not fit, below the row.
    fn render_rest(&self, cells: &[Cell; N], widths: &Widths<N>, limit: Option<usize>) -> String {
        let limit = limit.unwrap_or(usize::MAX);
        let (mut text, mut used) = (String::new(), 0);
        for ((place, cell), (column, width)) in cells.iter().enumerate().zip(self.columns.iter().zip(widths)) {
            let has_place = width.is_some_and(|width| place == 0 || display_width(&cell.text) <= width);
            if has_place || cell.text.is_empty() {
                continue;
            }
            let label = column.heading.to_lowercase();
            let width = display_width(&label) + 2 + display_width(&cell.text);
            let piece = format!("{label}: {}", cell.painted(&cell.text));
            if used > 0 && used + GAP + width <= limit {
                text.push_str(&format!("{:GAP$}{piece}", ""));
                used += GAP + width;
                continue;
            }
            text.push_str(if used > 0 { "\n" } else { "" });
            let piece = format!("{:MARGIN$}{piece}", "");
            used = MARGIN + width;
            text.push_str(&match column.content {
                Content::Words if used > limit => wrap(&piece, Some(limit), 2),
                _ if used > limit => format!("{:MARGIN$}{label}:\n{:MARGIN$}  {}", "", "", cell.painted(&cell.text)),
                _ => piece,
            });
        }
        if used > 0 { text + "\n" } else { text }
    }
}

/// Blanks between two columns.
const GAP: usize = 2;
/// Blanks in front of what did not fit into the row.
const MARGIN: usize = 4;
/// Where the table does not fit, a longer cell does not determine the width of its column.
const LONG: usize = 24;

#[cfg(test)]
mod tests;
