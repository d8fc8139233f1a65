//! Acting through a link: run an action, or take the link away.

use std::sync::Arc;

use axum::{
    Form,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Diary, Trouble,
    home::{self, Reading},
};

/// The most readings that one page shows.
const READINGS_MAX: usize = 48;

#[derive(Deserialize)]
pub(super) struct ActIn {
    integration: String,
    action: String,
    date: String,
}

pub(super) async fn act(
    State(diary): State<Arc<Diary>>,
    headers: HeaderMap,
    Form(asked): Form<ActIn>,
) -> Result<Response, Trouble> {
    let Some(token) = diary.visit(&headers).token else { return Ok(Redirect::to("/").into_response()) };
    let mut page = home::page(&diary, &headers).await?;
    let url = address(&diary, &["integrations", "v1", &asked.integration, "actions", &asked.action])?;
    let answer =
        diary.http.post(url).bearer_auth(token.expose()).json(&json!({ "date": asked.date })).send().await?;
    let is_good = answer.status().is_success();
    let body: Value = answer.json().await?;
    if is_good {
        page.readings = readings(&body);
        page.trouble = page.readings.is_empty().then(|| "There is nothing for that day.".to_owned());
    } else {
        page.trouble = body.get("detail").and_then(Value::as_str).map(str::to_owned);
    }
    Ok(page.respond())
}

#[derive(Deserialize)]
pub(super) struct UnlinkIn {
    integration: String,
}

pub(super) async fn unlink(
    State(diary): State<Arc<Diary>>,
    headers: HeaderMap,
    Form(asked): Form<UnlinkIn>,
) -> Result<Redirect, Trouble> {
    if let Some(token) = diary.visit(&headers).token {
        let url = address(&diary, &["integrations", "v1", &asked.integration])?;
        diary.http.delete(url).bearer_auth(token.expose()).send().await?.error_for_status()?;
    }
    Ok(Redirect::to("/"))
}

fn address(diary: &Diary, segments: &[&str]) -> Result<url::Url, Trouble> {
    let mut url = url::Url::parse(&diary.config.hilum)?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend(segments);
    }
    Ok(url)
}

/// FHIR R4 Observations as lines of a diary.
fn readings(bundle: &Value) -> Vec<Reading> {
    let entries = bundle.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(|entry| reading(entry.get("resource")?)).take(READINGS_MAX).collect()
}

fn reading(observation: &Value) -> Option<Reading> {
    let text = |pointer: &str| observation.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let what = text("/code/text").or_else(|| text("/code/coding/0/display"))?;
    let value = observation.pointer("/valueQuantity/value")?;
    let unit = text("/valueQuantity/unit").unwrap_or_default();
    let when = text("/effectiveDateTime").or_else(|| text("/effectivePeriod/start")).unwrap_or_default();
    Some(Reading { what, value: format!("{value} {unit}"), when })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observations_are_read_and_anything_else_is_passed_over() {
        let bundle = json!({ "entry": [
            { "resource": { "code": { "text": "Steps" }, "valueQuantity": { "value": 9001, "unit": "steps" }, "effectiveDateTime": "2026-11-19" } },
            { "resource": { "code": {} } },
            {},
        ]});
        let readings = readings(&bundle);
        assert_eq!(readings.len(), 1);
        assert_eq!(readings.first().map(|r| r.value.as_str()), Some("9001 steps"));
    }
}
