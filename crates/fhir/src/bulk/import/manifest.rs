//! The kick-off that names files.  SMART's proposal for `$import`: <https://github.com/smart-on-fhir/bulk-import/blob/master/import.md>
//!
//! Read from its JSON, or from a `Parameters` resource with the same names.

use audit::Subject;
use axum::extract::Request;
use jobs::enqueue;
use kernel::{BulkJob, Id, Kind as Fault};
use serde_json::{Map, Value, json};
use store::{DbError, Writer};
use url::Url;
use web::Problem;

use super::{
    begin::{is_admitted, is_writable},
    host::{Hosts, place},
    queries as own,
    run::{Fetches, Import},
};
use crate::{
    Fhir,
    bulk::{
        begun::Begun,
        held::Held,
        queries::{self, New},
        row::Kind,
    },
    interaction::{
        Asked,
        create::RESOURCE,
        posted::{Posted, Said, invalid},
    },
    parameter::ResourceType,
    resource::Rid,
};

/// Files of one import.
pub const IMPORT_FILES_MAX: usize = 1_000;
/// Characters of the address of a file: signed ones are long.
pub const IMPORT_URL_BYTES_MAX: usize = 4_096;

const FORMATS: [&str; 4] =
    ["application/fhir+ndjson", "application/ndjson", "application/x-ndjson", "ndjson"];

/// What is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Manifest {
    source: String,
    inputs: Vec<(ResourceType, Url)>,
}

/// Why a manifest is refused, and where.
type Wrong = (String, &'static str);

fn wrong<T>(at: &str, words: &'static str) -> Result<T, Wrong> {
    Err((at.to_owned(), words))
}

impl Manifest {
    fn read(said: &Value) -> Result<Self, Wrong> {
        let said = match said.get("resourceType").is_some_and(|name| name == "Parameters") {
            true => plain(said.get("parameter").unwrap_or(&Value::Null)),
            false => said.clone(),
        };
        let Some(members) = said.as_object() else { return wrong("body", "must be an object") };
        known(members, &["inputFormat", "inputSource", "input", "storageDetail"], "")?;
        let member = |name: &str| members.get(name).unwrap_or(&Value::Null);
        let text = |name: &str| member(name).as_str().unwrap_or_default();
        if !FORMATS.contains(&text("inputFormat")) {
            return wrong("inputFormat", "must be application/fhir+ndjson");
        }
        let source = text("inputSource");
        if source.len() > IMPORT_URL_BYTES_MAX || Url::parse(source).is_err() {
            return wrong("inputSource", "must be the absolute address that the records come from");
        }
        storage(member("storageDetail"))?;
        let inputs = match member("input") {
            Value::Array(all) => all.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        if inputs.is_empty() || inputs.len() > IMPORT_FILES_MAX {
            return wrong("input", "must be 1 to 1,000 files");
        }
        let inputs = inputs.into_iter().enumerate().map(|(nth, one)| input(nth, one));
        Ok(Self { source: source.to_owned(), inputs: inputs.collect::<Result<_, _>>()? })
    }
}

fn input(nth: usize, said: &Value) -> Result<(ResourceType, Url), Wrong> {
    let at = format!("input[{nth}]");
    let Some(members) = said.as_object() else { return wrong(&at, "must have a type and a url") };
    known(members, &["type", "url"], &format!("{at}."))?;
    let Some(of) = said["type"].as_str().and_then(ResourceType::named) else {
        return wrong(&format!("{at}.type"), "must be a type of FHIR R4");
    };
    let url = said["url"].as_str().unwrap_or_default();
    match Url::parse(url) {
        Ok(url) if url.as_str().len() <= IMPORT_URL_BYTES_MAX => Ok((of, url)),
        _ => wrong(&format!("{at}.url"), "must be an absolute address of at most 4,096 characters"),
    }
}

/// Files are got by HTTPS without more ado: what would need a password or a cloud's keys is refused, not tried.
fn storage(said: &Value) -> Result<(), Wrong> {
    let members = match said {
        Value::Null => return Ok(()),
        Value::Object(members) => members,
        _ => return wrong("storageDetail", "must be an object"),
    };
    if said["type"] != "https" {
        return wrong("storageDetail.type", "must be https");
    }
    let codings = match &said["contentEncoding"] {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    };
    if !codings.into_iter().all(|coding| ["gzip", "identity"].iter().any(|known| coding == known)) {
        return wrong("storageDetail.contentEncoding", "must be gzip or identity");
    }
    known(members, &["type", "contentEncoding"], "storageDetail.")
}

fn known(members: &Map<String, Value>, names: &[&str], before: &str) -> Result<(), Wrong> {
    match members.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let shown: String = name.chars().filter(char::is_ascii_graphic).take(64).collect();
            wrong(&format!("{before}{shown}"), "is not known here: credentials for files are not taken")
        }
    }
}

/// Parameters as an object; what stands there several times is an array.
fn plain(parameters: &Value) -> Value {
    let mut members = Map::new();
    for parameter in parameters.as_array().into_iter().flatten() {
        let Some(name) = parameter["name"].as_str() else { continue };
        let value = match parameter.get("part") {
            Some(parts) => plain(parts),
            None => {
                let values = parameter.as_object().into_iter().flatten();
                values
                    .filter(|(name, _)| name.starts_with("value"))
                    .map(|(_, value)| value.clone())
                    .next()
                    .unwrap_or_default()
            }
        };
        match members.get_mut(name) {
            None => drop(members.insert(name.to_owned(), value)),
            Some(Value::Array(all)) => all.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    Value::Object(members)
}

/// Begin to fetch what is named.
pub(super) async fn begin(fhir: &Fhir, asked: &Asked, request: Request) -> Said<Begun> {
    let json = Posted::read(request, RESOURCE).await?.json()?;
    let said: Value = serde_json::from_str(&json).map_err(|_| invalid("must be a JSON object", "body"))?;
    let manifest =
        Manifest::read(&said).map_err(|(at, words)| Problem::new(Fault::Invalid, words).with_path(at))?;
    permitted(fhir, asked, &manifest).await?;
    Ok(keep(fhir, asked, manifest).await?)
}

/// Every type may be written, and every address may be called.
async fn permitted(fhir: &Fhir, asked: &Asked, manifest: &Manifest) -> Result<(), Problem> {
    let hosts = Hosts::of(fhir, asked.site.tenant.number()).await?;
    for (nth, (of, url)) in manifest.inputs.iter().enumerate() {
        if !is_writable(asked, *of) {
            let words = format!("the access token lets no records of type {of} be written");
            return Err(Problem::new(Fault::Forbidden, words).with_code("insufficient_scope"));
        }
        hosts
            .check(fhir, url)
            .map_err(|words| Problem::new(Fault::Invalid, words).with_path(format!("input[{nth}].url")))?;
    }
    Ok(())
}

async fn keep(fhir: &Fhir, asked: &Asked, manifest: Manifest) -> Result<Begun, Problem> {
    let (tenant, client) = (asked.site.tenant.number(), asked.caller.client);
    let id: Id<BulkJob> = fhir.world.new_id();
    let vault = fhir.vault.tenant(asked.caller.organisation).await?;
    let files: Vec<_> = (1..)
        .zip(&manifest.inputs)
        .map(|(number, (of, url))| (number, *of, vault.seal(place(id, number), url.as_str().as_bytes())))
        .collect();
    let (owned, now) = (fhir.clone(), fhir.world.now());
    let details = json!({ "site": asked.site.tenant.site().to_string(), "files": files.len() });
    let entry = asked.by.did("import.begun", Subject::of(id), details);
    let new = New {
        key: (tenant, id),
        kind: Kind::Import,
        asked: Some(Fetches { source: manifest.source }),
        held: Held::of(asked),
        request: format!("{}/$import", fhir.base),
        horizon: Rid::numbered(0),
        taken_at: now,
        now,
    };
    let begun = fhir.db.write(async move |tx: &mut Writer| {
        if !is_admitted(tx, tenant, client).await? {
            return Ok(Begun::TooMany);
        }
        queries::insert(tx, new.clone()).await?;
        for (number, of, url) in &files {
            own::add_source(tx, new.key, (*number, of.as_str(), url)).await?;
        }
        enqueue(tx, &owned.world, &Import { tenant, id }, now, None).await?;
        audit::record(tx, &owned.world, &entry).await?;
        Ok::<_, DbError>(Begun::Job(id))
    });
    Ok(begun.await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_its_json_or_parameters() {
        let json = json!({"inputFormat": "application/fhir+ndjson", "inputSource": "https://a.example/fhir",
            "storageDetail": {"type": "https", "contentEncoding": ["gzip"]},
            "input": [{"type": "Patient", "url": "https://a.example/1?sig=x"}, {"type": "Observation", "url": "https://a.example/2"}]});
        let parameters = json!({"resourceType": "Parameters", "parameter": [
            {"name": "inputFormat", "valueCode": "application/fhir+ndjson"}, {"name": "inputSource", "valueUri": "https://a.example/fhir"},
            {"name": "storageDetail", "part": [{"name": "type", "valueCode": "https"}]},
            {"name": "input", "part": [{"name": "type", "valueCode": "Patient"}, {"name": "url", "valueUrl": "https://a.example/1?sig=x"}]},
            {"name": "input", "part": [{"name": "type", "valueCode": "Observation"}, {"name": "url", "valueUrl": "https://a.example/2"}]}]});
        let read = Manifest::read(&json).unwrap();
        assert_eq!(Manifest::read(&parameters).unwrap(), read);
        assert_eq!((read.inputs.len(), read.inputs[0].0.as_str()), (2, "Patient"));
        let one = json!({"resourceType": "Parameters", "parameter": [
            {"name": "inputFormat", "valueCode": "ndjson"}, {"name": "inputSource", "valueUri": "urn:x"},
            {"name": "input", "part": [{"name": "type", "valueCode": "Patient"}, {"name": "url", "valueUrl": "https://a.example/1"}]}]});
        assert_eq!(Manifest::read(&one).unwrap().inputs.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = json!({"inputFormat": "ndjson", "inputSource": "https://a.example", "input": [{"type": "Patient", "url": "https://a.example/1"}]});
        assert!(Manifest::read(&good).is_ok());
        for (pointer, value, at) in [
            ("/inputFormat", json!("text/csv"), "inputFormat"),
            ("/inputSource", json!("here"), "inputSource"),
            ("/input", json!([]), "input"),
            ("/input", json!("x"), "input[0]"),
            ("/input/0/type", json!("Alien"), "input[0].type"),
            ("/input/0/url", json!("1.ndjson"), "input[0].url"),
            ("/input/0/url", json!(format!("https://a.example/{}", "x".repeat(5_000))), "input[0].url"),
            (
                "/input",
                json!([{"type": "Patient", "url": "https://a.example/1", "etag": "x"}]),
                "input[0].etag",
            ),
            ("/storageDetail", json!({"type": "aws-s3"}), "storageDetail.type"),
            (
                "/storageDetail",
                json!({"type": "https", "contentEncoding": "br"}),
                "storageDetail.contentEncoding",
            ),
            (
                "/storageDetail",
                json!({"type": "https", "credentialHttpBasic": "a:b"}),
                "storageDetail.credentialHttpBasic",
            ),
            ("/mode", json!("overwrite"), "mode"),
        ] {
            let mut bad = good.clone();
            match bad.pointer_mut(pointer) {
                Some(there) => *there = value,
                None => bad[pointer.trim_start_matches('/')] = value,
            }
            assert_eq!(Manifest::read(&bad).unwrap_err().0, at, "{bad}");
        }
        assert_eq!(Manifest::read(&json!([])).unwrap_err().0, "body");
        let many = vec![good["input"][0].clone(); IMPORT_FILES_MAX + 1];
        let many = json!({"inputFormat": "ndjson", "inputSource": "https://a.example", "input": many});
        assert_eq!(Manifest::read(&many).unwrap_err().0, "input");
    }
}
