//! Texts that are shown: nothing that a terminal obeys or nobody sees, by the data of crates that the rule itself does not use.
//! Showing is idempotent, and JSON keeps its meaning.
#![no_main]
#![allow(clippy::unwrap_used, reason = "a panic is what is looked for")]

use agentapi_contract::{is_visible, visible, visible_json};
use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, GraphemeExtend};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

fuzz_target!(|text: &str| {
    let shown = visible(text);
    assert_eq!(shown.chars().find(|&c| is_hidden(c)), None);
    let marks = CodePointSetData::new::<GraphemeExtend>();
    // A mark needs a base: the longest run of marks is four, and none is the first character.
    assert!(!shown.chars().next().is_some_and(|c| marks.contains(c)));
    let chars: Vec<char> = shown.chars().collect();
    assert!(!chars.windows(5).any(|five| five.iter().all(|&c| marks.contains(c))));
    assert_eq!(visible(&shown), shown);
    assert_eq!(is_visible(text), shown == text);

    let value = Value::from(text);
    let json = visible_json(value.to_string());
    assert_eq!(json.chars().find(|&c| is_hidden(c)), None);
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
});

fn is_hidden(c: char) -> bool {
    let group = c.general_category_group();
    matches!(group, GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator) && c != ' '
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}
