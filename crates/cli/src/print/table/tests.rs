//! What stands in the row, what below it, and what is never broken.

use agentapi_findings::Severity;
use anstream::adapter::strip_str;

use super::{Cell, Column, Table};
use crate::print::wrap::display_width;

const COLUMNS: [Column; 4] =
    [Column::value("NAME", 1), Column::number("SIZE", 2), Column::words("ROLE", 3), Column::value("ID", 4)];

fn table(rows: impl IntoIterator<Item = [&'static str; 4]>) -> Table<4> {
    let mut table = Table::new(&COLUMNS);
    rows.into_iter().for_each(|row| table.row(row.map(Cell::from)));
    table
}

fn lines(table: &Table<4>, limit: Option<usize>) -> Vec<String> {
    strip_str(&table.render(limit)).to_string().lines().map(str::to_owned).collect()
}

#[test]
fn columns_are_aligned_numbers_to_the_right_and_nothing_is_a_dash() {
    let table = table([["a", "1.0 GiB", "🔒 system", "i"], ["longer", "", "x\n\u{1b}[2J", ""]]);
    let expected =
        ["NAME       SIZE  ROLE          ID", "a       1.0 GiB  🔒 system     i", "longer        -  x\\n\\u{1b}[2J  -"];
    assert_eq!(lines(&table, None), expected);
    assert_eq!(lines(&table, Some(34)), expected);
}

#[test]
fn what_does_not_fit_stands_below_and_an_empty_cell_nowhere() {
    let table = table([["a", "1.0 GiB", "two words more", "uuid:0f3c9a52"], ["b", "2.0 GiB", "", ""]]);
    let expected =
        ["NAME     SIZE", "a     1.0 GiB", "    role: two words more", "    id: uuid:0f3c9a52", "b     2.0 GiB"];
    assert_eq!(lines(&table, Some(26)), expected);
    let narrow = [
        "NAME     SIZE",
        "a     1.0 GiB",
        "    role: two",
        "      words more",
        "    id:",
        "      uuid:0f3c9a52",
        "b     2.0 GiB",
    ];
    assert_eq!(lines(&table, Some(16)), narrow);
}

#[test]
fn a_long_name_has_a_line_of_its_own_and_the_row_goes_on_below() {
    let name = "a-name-that-is-longer-than-its-column";
    let table = table([[name, "1.0 GiB", "data", ""], ["b", "2.0 GiB", "", ""]]);
    let expected = ["NAME     SIZE  ROLE", name, "      1.0 GiB  data", "b     2.0 GiB  -"];
    assert_eq!(lines(&table, Some(20)), expected);
}

#[test]
fn one_long_value_does_not_take_the_column_from_the_others() {
    let table = table([
        ["a", "1.0 GiB", "this role is longer than others", "i"],
        ["b", "2.0 GiB", "data", "j"],
        ["c", "2.0 GiB", "data", "k"],
    ]);
    let expected = [
        "NAME     SIZE  ROLE  ID",
        "a     1.0 GiB        i",
        "    role: this role is longer",
        "      than others",
        "b     2.0 GiB  data  j",
        "c     2.0 GiB  data  k",
    ];
    assert_eq!(lines(&table, Some(30)), expected);
}

#[test]
fn wide_and_combining_characters_count_as_on_the_terminal() {
    let table = table([["磁盘", "1.0 GiB", "x", ""], ["e\u{301}", "2.0 GiB", "x", ""]]);
    let lines = lines(&table, None);
    let before = |line: &str| display_width(line.split_once("GiB").unwrap().0);
    assert_eq!(before(&lines[1]), before(&lines[2]));
}

#[test]
fn what_is_bad_has_a_sign_besides_its_colour() {
    let mut table = Table::new(&COLUMNS);
    table.row([Cell::judged("97.0%", Some(Severity::Critical)), "".into(), "".into(), "".into()]);
    let text = table.render(None);
    assert!(text.contains("\u{1b}[31m!! 97.0%\u{1b}[0m"), "{text:?}");
}
