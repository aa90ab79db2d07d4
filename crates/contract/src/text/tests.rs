use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, GraphemeExtend};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::*;

/// What another crate's copy of the Unicode data says of a character.
fn is_hidden_by_unicode(c: char) -> bool {
    use GeneralCategory as Category;
    match c.general_category() {
        Category::Control
        | Category::Format
        | Category::Surrogate
        | Category::PrivateUse
        | Category::Unassigned
        | Category::LineSeparator
        | Category::ParagraphSeparator => true,
        Category::SpaceSeparator => c != ' ',
        _ => CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c),
    }
}

/// If this fails after an update of Rust, `unicode-properties` in the workspace's `Cargo.toml` has an older version of
/// Unicode than `char::UNICODE_VERSION`, or is too new.
#[test]
fn every_code_point_is_judged_by_its_categories_and_properties() {
    let marks = CodePointSetData::new::<GraphemeExtend>();
    let wrong = ('\0'..=char::MAX).filter(|&c| {
        let is_hidden = is_hidden_by_unicode(c) || is_blank(c);
        match Kind::of(c) {
            Kind::Hidden => !is_hidden,
            Kind::Mark => is_hidden || !marks.contains(c),
            Kind::Base | Kind::Punctuation => is_hidden || marks.contains(c),
        }
    });
    let wrong: Vec<_> = wrong.map(u32::from).collect();
    assert!(wrong.is_empty(), "{} are judged wrongly, the first: {:x?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

#[test]
fn what_a_terminal_would_obey_or_nobody_would_see_is_written_out() {
    let cases = [
        // As it is.
        ("", ""),
        ("/mnt/felhom/ő 🔒", "/mnt/felhom/ő 🔒"),
        ("कि ไม่ ְ", "कि ไม่ \\u{5b0}"),
        (r"C:\ \u{1b} 'a' \x20", r"C:\ \u{1b} 'a' \x20"),
        // Controls: ESC, C0, DEL, C1.
        ("a\u{1b}[2Jb\r\n\tc", r"a\u{1b}[2Jb\r\n\tc"),
        ("\0\u{7f}\u{9b}31m", r"\u{0}\u{7f}\u{9b}31m"),
        // Format characters: bidi, soft hyphen, zero width, tags, invisible operators, a byte-order mark.
        ("\u{202e}x\u{2066}\u{200e}\u{61c}", r"\u{202e}x\u{2066}\u{200e}\u{61c}"),
        ("sd\u{ad}a\u{200b}\u{2060}\u{2063}\u{feff}", r"sd\u{ad}a\u{200b}\u{2060}\u{2063}\u{feff}"),
        ("\u{e0041}\u{e007f}", r"\u{e0041}\u{e007f}"),
        // Fillers, joiners and variation selectors.
        ("\u{115f}\u{1160}\u{3164}\u{ffa0}\u{34f}", r"\u{115f}\u{1160}\u{3164}\u{ffa0}\u{34f}"),
        ("a\u{fe0f}b\u{e0100}c\u{180b}\u{17b4}", r"a\u{fe0f}b\u{e0100}c\u{180b}\u{17b4}"),
        // Separators and blanks, and what only looks blank.
        ("\u{2028}\u{2029}\u{a0}\u{3000}\u{2800}", r"\u{2028}\u{2029}\u{a0}\u{3000}\u{2800}"),
        // Private use, not assigned, no character.
        ("\u{e000}\u{378}\u{ffff}\u{10ffff}", r"\u{e000}\u{378}\u{ffff}\u{10ffff}"),
        // Marks: behind a letter, behind nothing, behind punctuation, behind what is hidden, and too many.
        ("e\u{301}a\u{302}\u{323}", "e\u{301}a\u{302}\u{323}"),
        ("\u{301}a", r"\u{301}a"),
        ("/\u{338} \u{301}", r"/\u{338} \u{301}"),
        ("e\u{200b}\u{301}", r"e\u{200b}\u{301}"),
        ("z\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}", "z\u{301}\u{302}\u{303}\u{304}\\u{305}\\u{306}"),
    ];
    for (text, shown) in cases {
        assert_eq!(visible(text), shown, "{text:?}");
        assert_eq!(visible(shown), shown, "{text:?}, a second time");
        assert_eq!(is_visible(text), text == shown, "{text:?}");
    }
}

#[test]
fn json_keeps_its_meaning() {
    let value = serde_json::json!({ "a": "\u{1b}[m\u{7f}\u{9b}\u{2028}\u{202e}é\u{e0041}\u{301}", "b\u{fe0f}": [] });
    let safe = visible_json(value.to_string());
    assert_eq!(safe, r#"{"a":"\u001b[m\u007f\u009b\u2028\u202eé\udb40\udc41\u0301","b\ufe0f":[]}"#);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&visible_json(pretty)).unwrap(), value);
}

#[test]
fn a_value_is_shown_whole_or_not_at_all() {
    assert_eq!(excerpt("n/a\n"), r#""n/a\n""#);
    assert_eq!(excerpt(&"é".repeat(128)).chars().count(), 130);
    assert_eq!(excerpt(&"é".repeat(129)), "a text of 129 characters");
}
