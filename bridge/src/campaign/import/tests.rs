//! What spreadsheets, exports and people make of lists: whole files, and what comes of each row.

use proptest::prelude::*;
use serde_json::json;

use super::csv::{Reader, Row, rows, separator};
use super::mapping::{Mapping, header_faults};
use super::row::{Maker, draft};
use super::text::{Decoder, Sniffer};
use crate::campaign::settings::Settings;

/// What becomes of each row: its numbers and its name, or the reason why it is refused.
fn read(bytes: &[u8]) -> Vec<String> {
    let settings: Settings =
        serde_json::from_value(json!({"region": "IN", "languages": ["hi", "en"]})).unwrap();
    let (tenant, campaign) = ("ten_a".parse().unwrap(), "cmp_a".parse().unwrap());
    let now = "2026-11-30T12:00:00Z".parse().unwrap();
    let maker = Maker {
        tenant: &tenant,
        campaign: &campaign,
        settings: &settings,
        partitions: 16,
        now,
        import: None,
    };
    let mut sniffer = Sniffer::default();
    sniffer.hear(bytes);
    let (mut decoder, mut text) = (Decoder::new(sniffer.encoding()), String::new());
    decoder.decode(bytes, &mut text);
    decoder.finish(&mut text);
    let mut rows = rows(&text, separator(&text)).into_iter();
    let header: Vec<String> = rows
        .next()
        .map(|row| row.cells.iter().map(|name| name.trim().to_owned()).collect())
        .unwrap_or_default();
    if !header_faults(&header).is_empty() {
        return vec!["header".into()];
    }
    let rows: Vec<Row> = rows.collect();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.cells.clone()).collect();
    let mapping = Mapping::guess(&header, &cells, Some("IN"));
    if !mapping.faults(&header, Some("IN")).is_empty() {
        return vec!["mapping".into()];
    }
    let roles = mapping.columns(&header);
    let outcome = |row: &Row| match draft(&roles, row).and_then(|draft| maker.make(draft)) {
        Ok((_, contact)) => {
            let numbers: Vec<&str> = contact.numbers.iter().map(|number| number.number.as_str()).collect();
            let name = contact.variables.get("name").and_then(|name| name.as_str()).unwrap_or_default();
            format!("{} {name}", numbers.join("/")).trim().to_owned()
        }
        Err(fault) => fault.code.to_owned(),
    };
    rows.iter().map(outcome).collect()
}

fn utf16(text: &str, is_big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|u| if is_big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

const A: &str = "+919876543210";
const B: &str = "+919812345678";

#[test]
fn texts_are_read_as_they_are_meant() {
    for (text, expected) in [
        // Separators, line ends, quotes.
        ("phone,name\n9876543210,Asha", vec![format!("{A} Asha")]),
        ("phone;name\r\n9876543210;Asha\r\n", vec![format!("{A} Asha")]),
        ("phone\tname\r9876543210\tAsha\r", vec![format!("{A} Asha")]),
        ("phone|name\n9876543210|Asha\n\n\n", vec![format!("{A} Asha")]),
        ("\"phone\",\"name\"\n\"9876543210\",\"Asha\"", vec![format!("{A} Asha")]),
        ("phone,name\n9876543210,\"Asha, K.\"", vec![format!("{A} Asha, K.")]),
        ("phone,name\n9876543210,\"Asha \"\"K\"\"\"", vec![format!("{A} Asha \"K\"")]),
        ("phone,name\n9876543210,\"two\r\nlines\"", vec![format!("{A} two\r\nlines")]),
        ("phone,name\n9876543210,6\" pipe", vec![format!("{A} 6\" pipe")]),
        (
            "phone;name\n9876543210;Asha, K.\n9812345678;B, C.",
            vec![format!("{A} Asha, K."), format!("{B} B, C.")],
        ),
        ("phone,name\n9876543210", vec![A.to_owned()]),
        ("phone,name\n9876543210,Asha,,,", vec![format!("{A} Asha")]),
        ("phone,name\n9876543210,Asha,extra", vec!["malformed_row".into()]),
        ("phone,name\n,,\n9876543210,Asha", vec![format!("{A} Asha")]),
        (" phone , name \n 9876543210 , Asha ", vec![format!("{A} Asha")]),
        ("PHONE,Name\n9876543210,Asha", vec![format!("{A} Asha")]),
        ("phone,name\n9876543210,=1+1", vec![format!("{A} =1+1")]),
        // Headers.
        ("phone,phone\n1,2", vec!["header".into()]),
        (",,\n9876543210,a,b", vec!["mapping".into()]),
        ("name\nAsha", vec!["mapping".into()]),
        ("", vec!["header".into()]),
        ("phone\n", vec![]),
        ("Telefonnummer\n+493090227060", vec!["+493090227060".into()]),
        ("Teléfono,Nombre\n+34912345678,Ana", vec!["+34912345678".into()]),
        ("who,where to\nAsha,9876543210", vec![A.to_owned()]),
        // Numbers.
        ("phone\n+91 98765 43210", vec![A.to_owned()]),
        ("phone\n+91-98765-43210", vec![A.to_owned()]),
        ("phone\n(0)98765 43210", vec![A.to_owned()]),
        ("phone\n0091 98765 43210", vec![A.to_owned()]),
        ("phone\n919876543210", vec![A.to_owned()]),
        ("phone\n91 9876543210.0", vec!["invalid_number".into()]),
        ("phone\n9876543210.0", vec![A.to_owned()]),
        ("phone\n'9876543210", vec![A.to_owned()]),
        ("phone\n\u{a0}9876543210\u{a0}", vec![A.to_owned()]),
        ("phone\n98765\u{200b}43210", vec![A.to_owned()]),
        ("phone\n\u{202a}+919876543210\u{202c}", vec![A.to_owned()]),
        ("phone\n९८७६५४३२१०", vec![A.to_owned()]),
        ("phone\n٩٨٧٦٥٤٣٢١٠", vec![A.to_owned()]),
        ("phone\n９８７６５４３２１０", vec![A.to_owned()]),
        ("phone\n＋９１９８７６５４３２１０", vec![A.to_owned()]),
        ("phone\n+91‑98765‑43210", vec![A.to_owned()]),
        ("phone\n+919876543210 / +919812345678", vec!["two_numbers".into()]),
        ("phone\n\"9876543210, 9812345678\"", vec!["two_numbers".into()]),
        ("phone,phone 2\n9876543210,9812345678", vec![format!("{A}/{B}")]),
        ("phone,phone 2\n9876543210,09876543210", vec![A.to_owned()]),
        ("phone,phone 2\nx,9812345678", vec![B.to_owned()]),
        ("phone,phone 2\n,", vec![]),
        ("phone,name\n,Asha", vec!["no_phone".into()]),
        ("phone\nn/a", vec!["letters".into()]),
        ("phone\n#REF!", vec!["letters".into()]),
        ("phone\n9876543210\na@b.example\n9812345678", vec![A.to_owned(), "email".into(), B.to_owned()]),
        ("phone\n12345", vec!["invalid_number".into()]),
        ("phone\n+1 900 234 5678", vec!["not_callable".into()]),
        // Spreadsheets.
        ("phone\n9.19877E+11", vec!["damaged_by_spreadsheet".into()]),
        ("phone\n\"9,19877E+11\"\n", vec!["damaged_by_spreadsheet".into()]),
        ("phone\n9E+11", vec!["damaged_by_spreadsheet".into()]),
        ("phone\n4.1E9", vec!["damaged_by_spreadsheet".into()]),
        ("phone\n=\"9876543210\"", vec![A.to_owned()]),
        // The rest of a row.
        ("phone,country\n4155552671,us", vec!["+14155552671".into()]),
        ("phone,country\n4155552671,USA", vec!["bad_region".into()]),
        ("phone,language\n9876543210,klingon", vec!["unknown_language".into()]),
        ("phone,timezone\n9876543210,Asia/Calcutta", vec![A.to_owned()]),
        ("phone,timezone\n9876543210,IST", vec!["unknown_time_zone".into()]),
        ("phone,expiry\n9876543210,24.12.2026", vec!["bad_time".into()]),
        ("phone,expiry\n9876543210,2026-11-29", vec!["expired".into()]),
        ("phone,prio\n9876543210,high", vec!["bad_priority".into()]),
    ] {
        assert_eq!(read(text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn bytes_are_read_as_they_were_written() {
    let mut latin = b"phone,name\n9876543210,Ren".to_vec();
    latin.extend([0xe9, b'e', b'\n']);
    for (bytes, expected) in [
        (latin, format!("{A} Renée")),
        ("\u{feff}phone,name\n9876543210,आशा".as_bytes().to_vec(), format!("{A} आशा")),
        (utf16("\u{feff}phone\tname\r\n9876543210\tआशा\r\n", false), format!("{A} आशा")),
        (utf16("\u{feff}phone\tname\r\n9876543210\tआशा\r\n", true), format!("{A} आशा")),
        (utf16("phone,name\n9876543210,Asha", false), format!("{A} Asha")),
        (b"\x70hone,name\n9876543210,\x80 10".to_vec(), format!("{A} € 10")),
    ] {
        assert_eq!(read(&bytes), [expected], "{bytes:x?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes, nothing panics, and the pieces in which they come make no difference.
    #[test]
    fn pieces_make_no_difference(
        bytes in proptest::collection::vec(
            prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(b'9'), Just(0), any::<u8>()],
            0..400,
        ),
        size in 1_usize..40,
    ) {
        read(&bytes);
        let (mut whole, mut sniffer) = (Sniffer::default(), Sniffer::default());
        whole.hear(&bytes);
        bytes.chunks(size).for_each(|piece| sniffer.hear(piece));
        prop_assert_eq!(whole.encoding(), sniffer.encoding());
        let (mut decoder, mut text) = (Decoder::new(sniffer.encoding()), String::new());
        decoder.decode(&bytes, &mut text);
        decoder.finish(&mut text);
        let (mut decoder, mut reader, mut found) = (Decoder::new(sniffer.encoding()), Reader::new(','), Vec::new());
        for piece in bytes.chunks(size) {
            let mut part = String::new();
            decoder.decode(piece, &mut part);
            reader.read(&part, &mut found);
        }
        let mut part = String::new();
        decoder.finish(&mut part);
        reader.read(&part, &mut found);
        reader.finish(&mut found);
        prop_assert_eq!(found, rows(&text, ','));
    }
}
