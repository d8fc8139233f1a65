//! What an integration's configuration says of its files, and of what becomes of them.

use kernel::Issue;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{After, Rules, SETTLED_S};
use crate::{
    connector::sftp::HostKey,
    format::{Csv, Encoding, Format, Header},
    mapping::Mapping,
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Stated {
    file_patterns: Vec<String>,
    format: Option<String>,
    encoding: Encoding,
    csv: StatedCsv,
    key_columns: Vec<String>,
    settle_s: Option<u32>,
    processed_directory: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StatedCsv {
    delimiter: Option<String>,
    quote: Option<String>,
    header: Option<bool>,
}

/// Which files are taken and how they are read, and what their records become; none where nothing is said of it yet.
///
/// # Errors
/// What the schema of the configuration cannot tell, each finding at its field.
pub fn declared(config: &Map<String, Value>) -> Result<Option<(Rules, Mapping)>, Vec<Issue>> {
    let mut issues = Vec::new();
    if let Some(text) = config.get("host_key").and_then(Value::as_str)
        && text.parse::<HostKey>().is_err()
    {
        issues.push(Issue::at("host_key", "must be `SHA256:…` or a public key (`ssh-ed25519 AAAA…`)"));
    }
    let stated: Stated = match serde_json::from_value(Value::Object(config.clone())) {
        Ok(stated) => stated,
        Err(_) => return Err(vec![Issue::at("", "is not as its schema says")]),
    };
    let mut patterns = Vec::new();
    for (nth, text) in stated.file_patterns.iter().enumerate() {
        match glob::Pattern::new(text) {
            Ok(pattern) => patterns.push(pattern),
            Err(_) => issues.push(Issue::at(format!("file_patterns.{nth}"), "is no pattern of names")),
        }
    }
    let byte = |text: &Option<String>| text.as_ref().and_then(|text| text.bytes().next());
    let standard = Csv::default();
    let csv = Csv {
        delimiter: byte(&stated.csv.delimiter).unwrap_or(standard.delimiter),
        quote: byte(&stated.csv.quote).unwrap_or(standard.quote),
        header: if stated.csv.header == Some(false) { Header::Numbered } else { Header::Named },
    };
    if csv.delimiter == csv.quote {
        issues.push(Issue::at("csv.quote", "must not be the delimiter"));
    }
    let mapping = config.get("mapping").map(Mapping::read).transpose();
    let mapping = mapping.map_err(|found| {
        issues.extend(
            found.into_iter().map(|issue| Issue::at(format!("mapping.{}", issue.path), issue.message)),
        );
    });
    if matches!(mapping, Ok(Some(_))) && !config.contains_key("site_id") {
        issues.push(Issue::at("site_id", "is missing: it says where records come into"));
    }
    let mapping = match mapping {
        Ok(mapping) if issues.is_empty() => mapping,
        _ => return Err(issues),
    };
    let format = match stated.format.as_deref() {
        Some("csv") => Some(Format::Csv(csv)),
        Some("odm-xml") => Some(Format::OdmXml),
        Some("dataset-json") => Some(Format::DatasetJson),
        Some("ndjson") => Some(Format::Ndjson),
        _ => None,
    };
    let rules = Rules {
        patterns,
        format,
        csv,
        encoding: stated.encoding,
        key: stated.key_columns,
        settled_s: stated.settle_s.unwrap_or(SETTLED_S),
        after: if stated.processed_directory.is_some() { After::PutAway } else { After::Stay },
    };
    Ok(mapping.map(|mapping| (rules, mapping)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(config: Value) -> Vec<String> {
        let Value::Object(config) = config else { panic!("{config}") };
        let issues = declared(&config).err().unwrap_or_default();
        issues.into_iter().map(|issue| issue.path.into_owned()).collect()
    }

    #[test]
    fn what_is_wrong_is_told_at_its_field() {
        let streams = json!({"*.csv": [{"target": "Patient", "key": "/id", "set": {"gender": "/sex"}}]});
        let good = json!({"file_patterns": ["*.csv"], "site_id": "s", "mapping": {"streams": streams}});
        let with = |name: &str, value: Value| {
            let mut config = good.clone();
            config[name] = value;
            config
        };
        assert_eq!(found(good.clone()), [""; 0]);
        assert_eq!(found(json!({"file_patterns": ["*"]})), [""; 0]);
        assert_eq!(found(with("file_patterns", json!(["a", "[b"]))), ["file_patterns.1"]);
        assert_eq!(found(with("host_key", json!("what"))), ["host_key"]);
        assert_eq!(found(with("csv", json!({"delimiter": "\""}))), ["csv.quote"]);
        let wrong =
            json!({"streams": {"*.csv": [{"target": "Patient", "key": "/id", "set": {"color": "/sex"}}]}});
        assert_eq!(found(with("mapping", wrong)).len(), 1);
        let mut homeless = good.clone();
        homeless.as_object_mut().unwrap().remove("site_id");
        assert_eq!(found(homeless), ["site_id"]);
        let Value::Object(config) = with("csv", json!({"delimiter": ";", "header": false})) else { panic!() };
        let (rules, _) = declared(&config).unwrap().unwrap();
        assert_eq!(rules.csv, Csv { delimiter: b';', quote: b'"', header: Header::Numbered });
        assert_eq!(rules.shape("x.TSV").format, Format::Csv(Csv { delimiter: b'\t', ..rules.csv }));
        assert_eq!(rules.shape("x.xml").format, Format::OdmXml);
        assert_eq!((rules.stream("v.csv"), rules.stream("v.txt")), (Some("*.csv"), None));
    }
}
