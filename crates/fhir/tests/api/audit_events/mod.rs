//! AuditEvents: every interaction leaves one, in the shape of IHE BALP, and nobody sees those that are about what they may not see.

mod balp;
mod sight;
mod told;

use serde_json::Value;

use crate::stage::{Calls, Stage, token};

/// Who may see all events of the first site.
pub fn auditor(stage: &Stage) -> Calls<'_> {
    stage.by(token(1, "system/AuditEvent.rs", "", ""))
}

/// All events that a search of them finds, page by page.
pub async fn found(by: &Calls<'_>, query: &str) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), format!("/fhir/AuditEvent?{query}"));
    loop {
        let page = by.get(&path).await.expect(200).json();
        all.extend(page["entry"].as_array().into_iter().flatten().map(|entry| entry["resource"].clone()));
        let links = page["link"].as_array().unwrap().clone();
        match links.iter().find(|link| link["relation"] == "next") {
            Some(next) => {
                path =
                    next["url"].as_str().unwrap().strip_prefix("https://hilum.example").unwrap().to_owned();
            }
            None => return all,
        }
    }
}

/// `read Observation/1 of anna: 0`
pub fn line(event: &Value) -> String {
    let entities = event["entity"].as_array().cloned().unwrap_or_default();
    let of = |kind: &str, role: &str| {
        let is_it = |one: &&Value| one["type"]["code"] == kind && one["role"]["code"] == role;
        entities.iter().find(is_it).cloned().unwrap_or_default()
    };
    let what = of("2", "4")["what"]["reference"].as_str().unwrap_or_default().to_owned();
    let asked = of("2", "24")["query"].as_str().map(plain).unwrap_or_default();
    let whose = of("1", "1")["what"]["reference"].as_str().unwrap_or("-").to_owned();
    format!(
        "{} {what}{asked} of {whose}: {}",
        event["subtype"][0]["code"].as_str().unwrap(),
        event["outcome"].as_str().unwrap()
    )
}

fn plain(base64: &str) -> String {
    use base64::Engine;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(base64).unwrap()).unwrap()
}
