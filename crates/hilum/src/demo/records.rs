//! The sample records of the demonstration: made-up people, written once to the site where they are not there yet.

use anyhow::Context;
use fhir::{
    parameter::ResourceType,
    resource::{Absent, Author, Condition, Draft, LogicalId, Method},
    tenant,
};
use serde_json::Value;

use crate::wire::House;

/// The site that has them: the demonstration's main building.
pub(super) const SITE: &str = "HCNWMN1";
/// A Bundle.
const RECORDS: &str = include_str!("records.json");

/// Write those that were never there. What somebody has changed or deleted since stays so.
pub(super) async fn write(house: &House) -> anyhow::Result<()> {
    let Some(tenant) = tenant::by_code(&mut house.db.read().await?, SITE).await? else { return Ok(()) };
    let bundle: Value = serde_json::from_str(RECORDS).context("the sample records")?;
    let records = house.fhir.records();
    for entry in bundle.get("entry").and_then(Value::as_array).into_iter().flatten() {
        let resource = entry.get("resource").context("a sample record without a resource")?;
        let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default();
        let of = ResourceType::named(text("resourceType")).context("a sample record of no type")?;
        let id: LogicalId = text("id").parse().context("a sample record without an id")?;
        if records.read(&tenant, of, &id).await?.is_some() {
            continue;
        }
        let draft = Draft::parse(&resource.to_string(), id).context("a sample record that cannot be read")?;
        let author = Author::system();
        let how = (Absent::Create, Condition::default());
        records
            .update(&tenant, &author, (draft, Method::Put), how)
            .await
            .context("writing sample records")?;
    }
    Ok(())
}

/// The calls to try first, to be pasted into a shell.
pub(super) fn calls(hilum: &str, client_id: &str, secret: &str) -> String {
    let site = format!("-H \"Authorization: Bearer $TOKEN\" -H 'SU-SiteId: {SITE}'");
    let observation = r#"{"resourceType":"Observation","status":"final","code":{"text":"Body weight"},"subject":{"reference":"Patient/nadia"},"valueQuantity":{"value":64.2,"unit":"kg"}}"#;
    format!(
        "Records of sites (FHIR R4), as an application of its own:
  TOKEN=$(curl -s -u {client_id}:{secret} http://{hilum}/oauth2/token -d grant_type=client_credentials \\
    -d 'scope=system/*.cruds' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')
  curl -s http://{hilum}/.well-known/discovery-document.json
  curl -s http://{hilum}/fhir/metadata
  curl -s 'http://{hilum}/fhir/Patient?name=petrenko&_pretty=true' {site}
  curl -s 'http://{hilum}/fhir/Observation?patient=nadia&_include=Observation:subject&_pretty=true' {site}
  curl -s http://{hilum}/fhir/Observation {site} \\
    -H 'Content-Type: application/fhir+json' -d '{observation}'
"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_sample_records_can_be_written_and_refer_to_one_another() {
        let bundle: Value = serde_json::from_str(RECORDS).unwrap();
        let resources: Vec<&Value> =
            bundle["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]).collect();
        let named = |resource: &Value| {
            format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
        };
        let names: BTreeSet<String> = resources.iter().map(|resource| named(resource)).collect();
        assert_eq!(names.len(), resources.len());
        for resource in resources {
            let id: LogicalId = resource["id"].as_str().unwrap().parse().unwrap();
            Draft::parse(&resource.to_string(), id).unwrap();
            for part in ["subject", "patient"] {
                let reference = resource[part]["reference"].as_str();
                assert!(reference.is_none_or(|reference| names.contains(reference)), "{reference:?}");
            }
        }
    }
}
