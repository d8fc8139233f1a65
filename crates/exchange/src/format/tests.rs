use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Reads all of it in windows of that size, which grow where that is too little.
fn all(shape: &Shape, file: &[u8], window_bytes: usize) -> (Vec<Row>, Option<Unreadable>) {
    let (mut rows, mut at, mut len) = (Vec::new(), Position::default(), window_bytes.max(1));
    loop {
        let begin = usize::try_from(at.byte).unwrap().min(file.len());
        let end = (begin + len).min(file.len());
        let rest = if end < file.len() { Rest::More } else { Rest::Nothing };
        match read(shape, &at, &file[begin..end], rest) {
            Err(fault) => return (rows, Some(fault)),
            Ok(Chunk { rows: more, next: None }) => {
                rows.extend(more);
                return (rows, None);
            }
            Ok(Chunk { rows: more, next: Some(next) }) => {
                assert!(more.len() <= ROWS_MAX);
                if next == at {
                    assert!(more.is_empty() && rest == Rest::More && len < WINDOW_BYTES_MAX, "stuck");
                    len *= 2;
                    continue;
                }
                assert!(next.byte > at.byte || next.within != at.within, "it does not go on");
                // Where it is goes through a row of the database.
                at = serde_json::from_value(serde_json::to_value(&next).unwrap()).unwrap();
                assert_eq!(at, next);
                rows.extend(more);
                len = window_bytes.max(1);
            }
        }
    }
}

fn whole(shape: &Shape, file: &str) -> Vec<Row> {
    let (rows, fault) = all(shape, file.as_bytes(), WINDOW_BYTES_MAX);
    assert_eq!(fault, None);
    rows
}

fn fault(shape: &Shape, file: &[u8]) -> Unreadable {
    all(shape, file, WINDOW_BYTES_MAX).1.expect("it is read to its end")
}

fn csv(key: &[&str]) -> Shape {
    shape(Format::Csv(Csv::default()), key)
}

fn shape(format: Format, key: &[&str]) -> Shape {
    Shape { format, encoding: Encoding::Utf8, key: key.iter().map(|name| (*name).to_owned()).collect() }
}

fn records(rows: &[Row]) -> Vec<Value> {
    let record = |row: &Row| match &row.what {
        What::Record(record) => record.clone(),
        What::Removed(record) => json!({ "removed": record }),
        What::Unreadable { why, .. } => json!(why),
    };
    rows.iter().map(record).collect()
}

const VISITS: &str = "\u{feff}subject,visit,note\r\n\
    S-1,1,\"said \"\"well\"\", and left\"\r\n\
    S-1,2,\"two\r\nlines\"\r\n\
    S-2,1\r\n\
    \r\n\
    ,2,x\r\n\
    S-3,1,naïve";

#[test]
fn a_table_is_read_row_by_row_and_what_is_wrong_with_one_is_told() {
    let rows = whole(&csv(&["subject", "visit"]), VISITS);
    assert_eq!(
        records(&rows),
        [
            json!({"subject": "S-1", "visit": "1", "note": "said \"well\", and left"}),
            json!({"subject": "S-1", "visit": "2", "note": "two\r\nlines"}),
            json!("the row has another number of fields than there are columns"),
            json!("a member that tells records apart is missing or empty"),
            json!({"subject": "S-3", "visit": "1", "note": "naïve"}),
        ]
    );
    let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, [r#"["S-1","1"]"#, r#"["S-1","2"]"#, "line 5", "line 7", r#"["S-3","1"]"#]);
    let lines: Vec<String> = rows.iter().map(|row| row.place.to_string()).collect();
    assert_eq!(lines, ["line 2", "line 3", "line 5", "line 7", "line 8"]);
}

#[test]
fn delimiters_quotes_headers_and_characters_are_as_they_are_set() {
    let table = Csv { delimiter: b';', quote: b'\'', header: Header::Numbered };
    let latin = Shape { encoding: Encoding::Latin1, ..shape(Format::Csv(table), &["c1"]) };
    let (rows, fault) = all(&latin, b"a;'b;\xe9'\nc;\xfc\n", 7);
    assert_eq!(fault, None);
    assert_eq!(records(&rows), [json!({"c1": "a", "c2": "b;é"}), json!({"c1": "c", "c2": "ü"})]);
    assert_eq!(whole(&csv(&[]), ""), []);
    assert_eq!(whole(&csv(&[]), "a,b\n"), []);
}

#[test]
fn a_table_that_is_none_is_told_of() {
    assert_eq!(fault(&csv(&[]), b"a,a\n1,2\n").0, "two of its columns have the same name");
    assert_eq!(fault(&csv(&[]), b"a,,b\n").0, "its first row leaves a column without a name");
    assert_eq!(fault(&csv(&[]), b"a,b\n1,\xff\n"), text::BROKEN);
    assert_eq!(fault(&csv(&[]), b"\xff\xfea\0").0, "it is written in UTF-16, which is not read");
    let many: String = (0..=COLUMNS_MAX).map(|nth| format!("c{nth},")).collect();
    assert_eq!(fault(&csv(&[]), many.trim_end_matches(',').as_bytes()).0, "it has too many columns");
    let long = format!("a,b\n\"{}", "x".repeat(WINDOW_BYTES_MAX + 1));
    assert_eq!(fault(&csv(&[]), long.as_bytes()), TOO_LONG);
}

const DATASET: &str = r#"{"datasetJSONCreationDateTime": "2026-03-01T10:00:00", "datasetJSONVersion": "1.1.0",
 "sourceSystem": {"name": "a \"rows\": [ of no meaning", "version": "1"}, "studyOID": "S", "records": 3, "itemGroupOID": "IG.VS", "name": "VS",
 "label": "Vital Signs", "columns": [
  {"itemOID": "IT.USUBJID", "name": "USUBJID", "label": "Subject", "dataType": "string", "length": 5, "keySequence": 1},
  {"itemOID": "IT.VSORRES", "name": "VSORRES", "label": "Result", "dataType": "decimal"},
  {"itemOID": "IT.VSSEQ", "name": "VSSEQ", "label": "Number", "dataType": "integer", "keySequence": 2}],
 "rows": [["S-1", "120.50", 1], ["S-1", null, 2],
   ["S-2", 7]
 ]}"#;

#[test]
fn a_dataset_is_read_by_its_columns() {
    let json = shape(Format::DatasetJson, &[]);
    let rows = whole(&json, DATASET);
    assert_eq!(
        records(&rows),
        [
            json!({"USUBJID": "S-1", "VSORRES": "120.50", "VSSEQ": 1}),
            json!({"USUBJID": "S-1", "VSORRES": null, "VSSEQ": 2}),
            json!("the row has another number of values than there are columns"),
        ]
    );
    assert!(rows.iter().all(|row| row.stream.as_deref() == Some("VS")));
    assert_eq!((rows[0].key.as_str(), rows[2].place.to_string().as_str()), (r#"["S-1",1]"#, "row 3"));
}

#[test]
fn a_dataset_in_lines_is_the_same() {
    let head = DATASET.split(r#""rows""#).next().unwrap().replace('\n', " ");
    let head = format!("{}}}", head.trim_end().trim_end_matches(','));
    let lines = format!("{head}\n[\"S-1\", \"120.50\", 1]\n\n[\"S-1\", null, 2]\n[\"S-2\", 7]");
    let rows = whole(&shape(Format::Ndjson, &[]), &lines);
    assert_eq!(records(&rows), records(&whole(&shape(Format::DatasetJson, &[]), DATASET)));
    assert_eq!(rows[2].place, Place::Line(5));
    let short = lines.rsplit_once('\n').unwrap().0;
    let (rows, fault) = all(&shape(Format::Ndjson, &[]), short.as_bytes(), WINDOW_BYTES_MAX);
    assert_eq!((rows.len(), fault.is_some()), (2, true), "it says that there are three");
}

#[test]
fn lines_of_objects_are_records() {
    let rows = whole(&shape(Format::Ndjson, &["id"]), "{\"id\": 7, \"x\": [1]}\r\n[1]\n{\n{\"x\": 1}\n");
    assert_eq!(
        records(&rows),
        [
            json!({"id": 7, "x": [1]}),
            json!("the line is no object in JSON"),
            json!("the line is not JSON"),
            json!("a member that tells records apart is missing or empty"),
        ]
    );
    assert_eq!(rows[0].key, "[7]");
}

#[test]
fn a_dataset_that_is_none_or_not_whole_is_told_of() {
    let json = shape(Format::DatasetJson, &[]);
    let cut = DATASET.split("[\"S-2\"").next().unwrap();
    let (rows, fault_found) = all(&json, cut.as_bytes(), WINDOW_BYTES_MAX);
    assert_eq!((rows.len(), fault_found), (2, Some(CUT_OFF)));
    let more = DATASET.replace("\"records\": 3", "\"records\": 4");
    assert_eq!(fault(&json, more.as_bytes()).0, "it has another number of rows than it says");
    let other = DATASET.replace("1.1.0", "1.0.0");
    assert_eq!(fault(&json, other.as_bytes()).0, "it is of another version of Dataset-JSON than 1.1");
    assert_eq!(fault(&json, b"[]").0, "it is no Dataset-JSON");
    assert_eq!(fault(&json, b"{}").0, "it has no rows");
    let deep = DATASET.replace("[\"S-2\", 7]", &"[".repeat(DEPTH_MAX + 1));
    assert_eq!(fault(&json, deep.as_bytes()).0, "it nests deeper than is read");
}

const ODM: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- written for this test -->
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" FileType="Transactional" FileOID="F" ODMVersion="1.3.2" CreationDateTime="2026-03-01T10:00:00Z">
 <Study OID="ST"><GlobalVariables><StudyName>A &lt; B</StudyName></GlobalVariables></Study>
 <ClinicalData StudyOID="ST" MetaDataVersionOID="1">
  <SubjectData SubjectKey="S-1" TransactionType="Insert"><SiteRef LocationOID="L1"/>
   <StudyEventData StudyEventOID="V1" StudyEventRepeatKey="1">
    <FormData FormOID="F.DM" FormRepeatKey="1">
     <ItemGroupData ItemGroupOID="DM" ItemGroupRepeatKey="1">
      <ItemData ItemOID="AGE" Value="25"><AuditRecord><UserRef UserOID="u"/></AuditRecord></ItemData>
      <ItemData ItemOID="NAME" Value="O&#39;Neill &amp; Co"/>
      <ItemData ItemOID="SEX" IsNull="Yes"/>
      <ItemDataInteger ItemOID="N">4<!-- four -->2</ItemDataInteger>
     </ItemGroupData>
     <ItemGroupData ItemGroupOID="EMPTY"/>
     <ItemGroupData ItemGroupOID="DM" ItemGroupRepeatKey="2" TransactionType="Remove"/>
     <ItemGroupData ItemGroupOID="DM" ItemGroupRepeatKey="3" TransactionType="Update"><ItemData ItemOID="AGE" Value="26"/></ItemGroupData>
     <ItemGroupData ItemGroupOID="DM" ItemGroupRepeatKey="4" TransactionType="Context"/>
    </FormData>
   </StudyEventData>
  </SubjectData>
  <SubjectData SubjectKey="S-2" TransactionType="Remove"/>
 </ClinicalData>
</ODM>
"#;

#[test]
fn clinical_data_are_read_an_item_group_at_a_time() {
    let odm = shape(Format::OdmXml, &[]);
    let rows = whole(&odm, ODM);
    let around = json!({"StudyOID": "ST", "MetaDataVersionOID": "1", "SubjectKey": "S-1", "LocationOID": "L1", "StudyEventOID": "V1",
        "StudyEventRepeatKey": "1", "FormOID": "F.DM", "FormRepeatKey": "1"});
    let with = |more: Value| {
        let mut all = around.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        Value::Object(all)
    };
    let items = json!({"AGE": "25", "NAME": "O'Neill & Co", "SEX": null, "N": "42"});
    assert_eq!(
        records(&rows),
        [
            with(json!({"ItemGroupOID": "DM", "ItemGroupRepeatKey": "1", "items": items})),
            with(json!({"ItemGroupOID": "EMPTY", "items": {}})),
            json!({"removed": with(json!({"ItemGroupOID": "DM", "ItemGroupRepeatKey": "2"}))}),
            json!("the item group is updated in part: a full export is needed"),
            json!("it takes away more than one record, without saying which: a full export is needed"),
        ]
    );
    assert_eq!(
        (rows[0].stream.as_deref(), rows[0].key.as_str()),
        (Some("DM"), r#"["ST","S-1","V1","1","F.DM","1","1"]"#)
    );
    // The same keys in a snapshot, where nothing is in part.
    let snapshot = whole(&odm, &ODM.replace("\"Transactional\"", "\"Snapshot\""));
    assert!(matches!(snapshot[3].what, What::Record(_)));
    assert_eq!(snapshot[0].key, rows[0].key);
}

#[test]
fn odm_that_is_none_or_not_whole_is_told_of() {
    let odm = shape(Format::OdmXml, &[]);
    let told = |text: &str| fault(&odm, text.as_bytes()).0;
    assert_eq!(told("<ODM ODMVersion=\"2.0\"></ODM>"), "it is no ODM of version 1");
    assert_eq!(told("<html></html>"), "it is no ODM of version 1");
    assert_eq!(told("subject,visit\n"), "it is no ODM of version 1");
    assert_eq!(told("<ODM></ClinicalData>"), "it is not well-formed XML");
    assert_eq!(told("<ODM/><ODM/>"), "it is not well-formed XML");
    assert_eq!(told("<!DOCTYPE ODM [<!ENTITY a \"b\">]><ODM/>"), "it has a document type, which is not read");
    assert_eq!(
        told("<ODM><ClinicalData StudyOID=\"&a;\"/></ODM>"),
        "it holds an entity that is not one of XML's own"
    );
    assert_eq!(told(&"<ODM>".repeat(DEPTH_MAX + 2)), "it nests deeper than is read");
    assert_eq!(fault(&odm, ODM.split("</FormData>").next().unwrap().as_bytes()), CUT_OFF);
    let other = ODM.replace("UTF-8", "UTF-16");
    assert!(fault(&odm, other.as_bytes()).0.starts_with("it is written in characters"));
    let key = format!("<ODM><ClinicalData StudyOID=\"{}\"/></ODM>", "x".repeat(1_001));
    assert_eq!(told(&key), "a key in it is longer than is read");
    let lengthy = format!("<ODM><!--{}--></ODM>", "x".repeat(WINDOW_BYTES_MAX));
    assert_eq!(fault(&odm, lengthy.as_bytes()), TOO_LONG);
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><ODM><ClinicalData StudyOID=\"\xe9\"><SubjectData SubjectKey=\"1\"><ItemGroupData ItemGroupOID=\"G\"/></SubjectData></ClinicalData></ODM>";
    let (rows, fault) = all(&odm, latin, 16);
    assert_eq!((records(&rows)[0]["StudyOID"].clone(), fault), (json!("é"), None));
}

fn shapes() -> [Shape; 5] {
    [
        csv(&["subject", "visit"]),
        Shape { encoding: Encoding::Latin1, ..csv(&[]) },
        shape(Format::DatasetJson, &[]),
        shape(Format::Ndjson, &["id"]),
        shape(Format::OdmXml, &[]),
    ]
}

proptest! {
    /// A run that goes on reads what an unbroken one would.
    #[test]
    fn windows_of_any_size_read_the_same(size in 1_usize..600) {
        for (shape, file) in [(csv(&["subject", "visit"]), VISITS), (shape(Format::DatasetJson, &[]), DATASET), (shape(Format::OdmXml, &[]), ODM)] {
            let (rows, fault) = all(&shape, file.as_bytes(), size);
            prop_assert_eq!(fault, None);
            prop_assert_eq!(rows, whole(&shape, file));
        }
    }

    /// A file that breaks off is never taken for a whole one, where its format tells.
    #[test]
    fn what_is_cut_off_is_told_of(cut in 0.0_f64..1.0) {
        for (shape, file) in [(shape(Format::DatasetJson, &[]), DATASET), (shape(Format::OdmXml, &[]), ODM)] {
            let end = file.rfind(if file.starts_with('<') { "</ODM>" } else { "\n ]" }).unwrap();
            let len = (end as f64 * cut) as usize;
            let (_, fault) = all(&shape, &file.as_bytes()[..len], WINDOW_BYTES_MAX);
            prop_assert!(fault.is_some(), "{len}");
        }
    }

    #[test]
    fn whatever_the_bytes_are_a_reader_comes_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..400), size in 1_usize..64) {
        for shape in shapes() {
            all(&shape, &bytes, size);
        }
    }

    /// The same with files that are almost good.
    #[test]
    fn a_file_with_a_wrong_byte_comes_to_an_end(at in 0_usize..2_000, byte in any::<u8>(), size in 1_usize..300) {
        for (shape, file) in [(csv(&["subject", "visit"]), VISITS), (shape(Format::DatasetJson, &[]), DATASET), (shape(Format::OdmXml, &[]), ODM)] {
            let mut bytes = file.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            all(&shape, &bytes, size);
        }
    }
}
