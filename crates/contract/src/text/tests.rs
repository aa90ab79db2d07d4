use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, GraphemeExtend};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::*;

/// What other crates' copies of the Unicode data say of a character.
fn kind_by_unicode(c: char) -> Kind {
    use GeneralCategory as Category;
    let is_hidden = match c.general_category() {
        Category::Control
        | Category::Format
        | Category::Surrogate
        | Category::PrivateUse
        | Category::Unassigned
        | Category::LineSeparator
        | Category::ParagraphSeparator => true,
        Category::SpaceSeparator => c != ' ',
        _ => CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) || is_blank(c),
    };
    match c {
        _ if is_hidden => Kind::Hidden,
        _ if CodePointSetData::new::<GraphemeExtend>().contains(c) => Kind::Mark,
        _ => Kind::Base,
    }
}

/// Symbols whose shape is blank, which no property of Unicode tells: the Braille cell without dots, the musical note
/// without head, the filler of Khitan and the blanks of hieroglyphs.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{1d159}' | '\u{16fe4}' | '\u{13441}'..='\u{13442}')
}

/// The table as it should be. Surrogates, which no text holds, count as hidden.
fn table() -> Vec<u8> {
    let mut bytes = Vec::new();
    let kinds = (0x80..=u32::from(char::MAX)).map(|code| char::from_u32(code).map_or(Kind::Hidden, kind_by_unicode));
    let kinds: Vec<Kind> = kinds.collect();
    let mut before = Kind::Hidden;
    // A run cannot be of the kind before it, and the first one is.
    assert_eq!(kinds[0], before);
    let mut runs = vec![(Kind::Base, 0_usize)];
    for kind in kinds {
        match runs.last_mut() {
            Some((last, length)) if *last == kind => *length += 1,
            _ => runs.push((kind, 1)),
        }
    }
    for (kind, mut length) in runs {
        let is_second = before.another(true) == kind;
        assert!(is_second || before.another(false) == kind);
        before = kind;
        let mut byte = u8::from(is_second) | (length as u8 & 0x3f) << 1;
        length >>= 6;
        while length > 0 {
            bytes.push(byte | 0x80);
            byte = length as u8 & 0x7f;
            length >>= 7;
        }
        bytes.push(byte);
    }
    bytes
}

/// Every code point is judged by its categories and properties, as the crates know them. With `AGENTAPI_UPDATE_TABLE` in the
/// environment the table is written: after an update of `unicode-properties` in the workspace's `Cargo.toml`, which is held
/// at one version of Unicode.
#[test]
fn every_code_point_is_judged_by_its_categories_and_properties() {
    if std::env::var_os("AGENTAPI_UPDATE_TABLE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/text/kinds.bin"), table()).unwrap();
    }
    let mut run = Run::ASCII;
    let wrong = ('\u{80}'..=char::MAX).filter(|&c| {
        // As `Judge` does it: a run is looked up once.
        if !run.contains(c) {
            run = Run::of(c);
        }
        run.kind != kind_by_unicode(c)
    });
    let wrong: Vec<_> = wrong.map(u32::from).collect();
    assert!(wrong.is_empty(), "{} are judged wrongly, the first: {:x?}", wrong.len(), &wrong[..wrong.len().min(20)]);
    assert_eq!(TABLE, table());
    for c in '\0'..='\u{7f}' {
        let is_hidden = kind_by_unicode(c) == Kind::Hidden;
        assert_eq!(is_visible(c.encode_utf8(&mut [0; 4])), !is_hidden, "{c:?}");
    }
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
    assert_eq!(excerpt(&"é".repeat(64)), format!("\"{}\"", "é".repeat(64)));
    assert_eq!(excerpt(&"é".repeat(65)), "a text of 130 bytes");
}
