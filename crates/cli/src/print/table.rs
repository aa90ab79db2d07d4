//! Tables with aligned columns. Cells are escaped here, so callers can pass the agent's texts as they are.

use anstyle::Style;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement};

use crate::print::escape::visible;

/// A table for people. An empty cell is printed as a dash.
pub(crate) struct Table {
    table: comfy_table::Table,
    styles: Vec<Style>,
}

impl Table {
    /// A table with these headings and no rows.
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        let mut table = comfy_table::Table::new();
        // Cells are never wrapped: a durable id over two lines could not be copied.
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(headings);
        Self { table, styles: vec![Style::new().bold()] }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.row_in(Style::new(), cells);
    }

    /// Adds a row in a style of its own.
    pub(crate) fn row_in<const N: usize>(&mut self, style: Style, cells: [&str; N]) {
        self.table.add_row(cells.map(|cell| match cell {
            "" => "-".into(),
            text => visible(text),
        }));
        self.styles.push(style);
    }

    /// The table as lines of text. The columns under the headings in `numbers` are aligned right.
    pub(crate) fn render(mut self, numbers: &[&str]) -> String {
        let headings: Vec<_> = self.table.header().into_iter().flat_map(|row| row.cell_iter()).collect();
        let is_number = |heading: &comfy_table::Cell| numbers.contains(&heading.content().as_str());
        let alignments: Vec<_> = headings.into_iter().map(is_number).collect();
        for (column, is_number) in self.table.column_iter_mut().zip(alignments) {
            column.set_padding((0, GAP));
            column.set_cell_alignment(if is_number { CellAlignment::Right } else { CellAlignment::Left });
        }
        // Without its padding the last column causes no empty line on a terminal that is just wide enough.
        let lines = self.table.lines().zip(&self.styles);
        lines.map(|(line, style)| format!("{style}{}{style:#}\n", line.trim_end())).collect()
    }
}

/// Blanks between two columns.
const GAP: u16 = 2;

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::Table;

    #[test]
    fn columns_are_aligned_numbers_to_the_right_and_nothing_is_a_dash() {
        let mut table = Table::new(["NAME", "SIZE", "ROLE"]);
        table.row(["a", "1.0 GiB", "🔒 system"]);
        table.row(["longer", "", "x\n\u{1b}[2J"]);
        let text = strip_str(&table.render(&["SIZE"])).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines, ["NAME       SIZE  ROLE", "a       1.0 GiB  🔒 system", "longer        -  x\\n\\u{1b}[2J"]);
    }
}
