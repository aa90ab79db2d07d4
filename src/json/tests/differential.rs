//! The reader against `serde_json`: the same records, and the same words about what is wrong, of any text.

use core::fmt::Debug;

use fastrand::Rng;

use super::super::{Record, Value, read, write};
use super::reference;
use crate::bindings::felhom::agentapi::types::{BackupStatus, DiskList, EjectResult, FormatResult, MetricsView};

/// Data of an answer, in which everything that JSON has stands somewhere.
const TEXTS: [&str; 8] = [
    r#"{"vmid":101,"disks":[{"name":"sdb1","type":"disk","state":"mounted","backing_device":"/dev/sdb1","mount_path":"/mnt",
"class":"fast","role":"user-data","data_bearing":true,"data_reason":"ext4","total_bytes":4000787030016,"used_bytes":-0,
"used_fraction":0.30000000000000004,"durable_id":"uuid:0f3c"},{"name":"\u0151 \ud83d\udd12\n","x":{"y":[1,2.5e-3,[],{}]}},null]}"#,
    r#"{"vmid": 101, "host": {"node": "pve", "cpu_percent": 12.5, "memory_total_bytes": 9223372036854775807, "loadavg": [
    "0.52", null, "0.1"], "cpu_temp_c": null}, "storage_targets": [{"name": "zfs", "reachable": false, "used_fraction": 1e-7,
 "thin_pool": {"data_used_fraction": 0.1000000000000000055511151231257827, "metadata_used_fraction": 1},
 "smart": {"health": "PASSED", "temperature_c": 41, "percentage_used": 3}}, {"smart": null, "thin_pool": null}]}"#,
    r#"{"vmid":1,"phase":"idle","job_id":"","error":"\"\\\/\b\f\r\t","old":[true,false,null,"\udead",1e999,-1.0E+2]}"#,
    r#"{"vmid":18446744073709551615,"ejected":"/mnt","dependent_guests":[104,null,-9223372036854775808,1e1]}"#,
    r#"{"device":"/dev/sdb1","formatted":false,"pending_op":{"op":"wipe","host_scope":"a","op":"b"},"role":"backup"}"#,
    r#"{"disks":{"a\ud83d\udd12":[1]},"host":[{"a":1},[2],"b"],"loadavg":7,"phase":[],"pending_op":"x","vmid":{}}"#,
    "[{\"vmid\":1}]",
    "null",
];

/// What replaces a part of a text: tokens, and bytes that are wrong where they stand.
const PARTS: [&str; 45] = [
    "",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    " ",
    "\n",
    "\t",
    "\u{1f}",
    "0",
    "7",
    "-",
    ".",
    "e",
    "E+",
    "-0",
    "00",
    "1.",
    "1e",
    "1e5",
    "1e400",
    "1e-400",
    "1e99999999999",
    "0e99999999999",
    "123456789012345678901234567890",
    "-9223372036854775809",
    "0.1234567890123456789012345",
    "true",
    "fals",
    "null",
    "nul",
    "\"a\":",
    "\"x\"",
    "\\u00e9",
    "\\ud83d",
    "\\udd12",
    "\\u12",
    "\\x",
    "\u{151}",
    "é",
    "\"vmid\":",
];

/// A text with a few parts removed, replaced, doubled or cut off.
fn changed(rng: &mut Rng, text: &str) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..rng.usize(0..4) {
        let start = rng.usize(0..=text.len());
        let end = (start + rng.usize(0..4)).min(text.len());
        match rng.u8(0..8) {
            0 => text.truncate(start),
            1 => {
                let again = text[start..end].to_vec();
                text.splice(start..start, again);
            }
            _ => drop(text.splice(start..end, PARTS[rng.usize(0..PARTS.len())].chars())),
        }
    }
    text.into_iter().collect()
}

/// Whether the text is read; both readers are the same in that.
#[track_caller]
fn is_read_alike<T: Record + Default + Debug>(text: &str) -> bool {
    let (mut record, mut expected) = (T::default(), T::default());
    let (outcome, reference) = (read(text, &mut record), reference::read(text, &mut expected));
    assert_eq!(outcome, reference, "{text}");
    if outcome.is_ok() {
        assert_eq!(format!("{record:?}"), format!("{expected:?}"), "{text}");
    }
    outcome.is_ok()
}

#[test]
fn any_text_is_read_as_serde_json_reads_it() {
    const TRIES: usize = 60_000;
    let mut rng = Rng::with_seed(18);
    let mut read = 0;
    for _ in 0..TRIES {
        let text = TEXTS[rng.usize(0..TEXTS.len())];
        let text = changed(&mut rng, text);
        read += usize::from(is_read_alike::<DiskList>(&text));
        is_read_alike::<MetricsView>(&text);
        is_read_alike::<BackupStatus>(&text);
        is_read_alike::<EjectResult>(&text);
        is_read_alike::<FormatResult>(&text);
    }
    assert!(read > TRIES / 10 && read < TRIES, "{read} of {TRIES} were read");
}

#[test]
fn any_number_is_the_nearest_double() {
    let mut rng = Rng::with_seed(18);
    for _ in 0..60_000 {
        let number = f64::from_bits(rng.u64(..));
        let (digits, places, exponent) = (rng.u64(..) >> rng.u8(0..64), rng.usize(0..25), rng.i32(-340..320));
        let texts = [
            format!("{number:e}"),
            format!("{:.places$}", rng.f64() * 1000.0),
            format!("{digits}e{exponent}"),
            format!("{}.{digits:0places$}", rng.u32(0..2000)),
            digits.to_string(),
        ];
        for text in texts.iter().filter(|text| !text.contains("NaN")) {
            is_read_alike::<DiskList>(&format!(r#"{{"disks":[{{"used_fraction":{text},"x":{text}}}]}}"#));
        }
    }
}

/// The middle between two doubles goes to the even one, and what is a little beside it to the nearer one, wherever that
/// shows.
#[test]
fn a_number_in_the_middle_of_two_doubles_goes_to_the_even_one() {
    let mut rng = Rng::with_seed(18);
    let smallest =
        "4.940656458412465441765687928682213723650598026143247644255856825006755072702087518652998363616359923797";
    let mut texts = vec![
        format!("{smallest}e-324"),
        "2.4703282292062327208828439643411068618252990130716238221279284125033775363510437593264991818081799618989e-324".into(),
        "2.47032822920623272e-324".into(),
        "2.2250738585072011e-308".into(),
        "2.2250738585072014e-308".into(),
        "1.7976931348623157e308".into(),
        "1.7976931348623158e308".into(),
        "1.7976931348623159e308".into(),
        format!("1{}e-400", "0".repeat(700)),
        format!("0.{}1e800", "0".repeat(900)),
        format!("9007199254740993{}1", "0".repeat(900)),
        format!("9007199254740993.{}", "0".repeat(900)),
        format!("9007199254740993.{}1e0", "0".repeat(900)),
    ];
    for _ in 0..20_000 {
        // An odd number of halves, quarters and eighths, and their neighbours.
        let odd = (1_u64 << 53 | rng.u64(..) >> 11) << 1 | 1;
        let odd = odd >> rng.u8(0..3);
        texts.push(format!("{odd}e0"));
        texts.push(format!("{odd}.0"));
        let (tenths, digits) = (u128::from(odd) * 5, rng.usize(1..5));
        texts.push(format!("{}.{}", tenths / 10, tenths % 10));
        texts.push(format!("{}e-{digits}", odd / 8 * 5_u64.pow(digits as u32) / 2));
    }
    for text in texts {
        is_read_alike::<DiskList>(&format!(r#"{{"disks":[{{"used_fraction":{text}}}]}}"#));
    }
}

#[test]
fn any_text_is_written_as_serde_json_writes_it() {
    let mut rng = Rng::with_seed(18);
    let every: String =
        ('\0'..='\u{2ff}').chain(['\u{2028}', '\u{feff}', '\u{ffff}', '\u{1f512}', char::MAX]).collect();
    let random = (0..2000).map(|_| (0..rng.usize(0..12)).map(|_| rng.char('\0'..='\u{a0}')).collect());
    for text in [every].into_iter().chain(random) {
        let flag = text.len() % 2 == 0;
        let written = write(&[("text", Value::Text(&text)), ("flag", Value::Flag(flag))]);
        let expected = format!(r#"{{"text":{},"flag":{flag}}}"#, serde_json::to_string(&text).unwrap());
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}
