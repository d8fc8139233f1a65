use kernel::Secret;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::provider::{Catalogue, read_provider};

fn prepared(provider: &str, action: &str, input: &Value) -> Result<UpstreamRequest, InputFault> {
    let catalogue = Catalogue::built_in().unwrap();
    let provider = catalogue.get(provider).unwrap();
    let base = (provider.id.as_str() == "sandbox").then_some(("base_url", "http://127.0.0.1:8090"));
    let stated = base.map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())));
    prepare(provider, provider.action(action).unwrap(), &provider.settings(stated).unwrap(), input)
}

fn url_of(provider: &str, action: &str, input: &Value) -> String {
    let request = prepared(provider, action, input).map_err(|fault| format!("{fault:?}"));
    request.map_or_else(|fault| fault, |request| format!("{} {}", request.method, request.url))
}

#[test]
fn days_become_addresses() {
    let day = json!({"date": "2026-11-20"});
    let days = json!({"from": "2026-11-01", "to": "2026-11-20", "time_zone": "Europe/London"});
    for (provider, action, input, expected) in [
        (
            "fitbit",
            "heart-rate",
            &day,
            "GET https://api.fitbit.com/1/user/-/activities/heart/date/2026-11-20/1d.json",
        ),
        (
            "fitbit",
            "heart-rate",
            &days,
            "GET https://api.fitbit.com/1/user/-/activities/heart/date/2026-11-01/2026-11-20.json",
        ),
        (
            "fitbit",
            "steps",
            &day,
            "GET https://api.fitbit.com/1/user/-/activities/steps/date/2026-11-20/2026-11-20.json",
        ),
        (
            "sandbox",
            "sleep",
            &days,
            "GET http://127.0.0.1:8090/1.2/user/-/sleep/date/2026-11-01/2026-11-20.json",
        ),
        (
            "google-health",
            "heart-rate",
            &day,
            "GET https://health.googleapis.com/v4/users/me/dataTypes/heart-rate/dataPoints:reconcile?filter=heart_rate.sample_time.civil_time+%3E%3D+%222026-11-20%22+AND+heart_rate.sample_time.civil_time+%3C+%222026-11-21%22&pageSize=10000",
        ),
        (
            "google-health",
            "steps",
            &day,
            "POST https://health.googleapis.com/v4/users/me/dataTypes/steps/dataPoints:dailyRollUp",
        ),
    ] {
        assert_eq!(url_of(provider, action, input), expected);
    }
}

#[test]
fn a_body_keeps_the_types_of_its_variables() {
    let request =
        prepared("google-health", "steps", &json!({"from": "2026-12-30", "to": "2026-12-31"})).unwrap();
    let range = json!({
        "start": {"date": {"year": 2026, "month": 12, "day": 30}},
        "end": {"date": {"year": 2027, "month": 1, "day": 1}},
    });
    assert_eq!(request.body, Some(json!({"windowSizeDays": 1, "range": range})));
    assert_eq!(request.headers[header::CONTENT_TYPE], "application/json");
}

#[test]
fn a_wrong_input_is_told_with_its_place() {
    for (input, path) in [
        (json!({}), ""),
        (json!([]), ""),
        (json!({"date": "20.11.2026"}), "date"),
        (json!({"date": "2026-02-30"}), "date"),
        (json!({"date": "1970-01-01"}), "date"),
        (json!({"date": 20_261_120}), "date"),
        (json!({"date": "2026-11-20", "from": "2026-11-20", "to": "2026-11-20"}), ""),
        (json!({"from": "2026-11-20"}), ""),
        (json!({"from": "2026-11-20", "to": "2026-11-19"}), "to"),
        (json!({"from": "2026-01-01", "to": "2026-11-19"}), "to"),
        (json!({"date": "2026-11-20", "user": "../../evil"}), "user"),
        (json!({"date": "2026-11-20", "time_zone": "a b"}), "time_zone"),
    ] {
        let fault = prepared("fitbit", "steps", &input).err().unwrap_or_else(|| panic!("{input} is taken"));
        assert_eq!(fault.kind(), Kind::Invalid, "{input}");
        assert_eq!(fault.path().as_deref(), Some(path), "{input}: {:?}", fault.issues());
    }
    let limit = json!({"from": "2026-01-01", "to": "2026-04-02"});
    assert!(prepared("fitbit", "steps", &limit).is_ok(), "92 days are allowed");
    let over = json!({"from": "2026-01-01", "to": "2026-04-03"});
    assert!(prepared("fitbit", "steps", &over).is_err(), "93 days are not");
}

#[test]
fn values_do_not_show_up_in_faults() {
    let fault = prepared("fitbit", "steps", &json!({"date": "hunter2"})).err().unwrap();
    assert!(!format!("{fault} {fault:?} {:?}", fault.issues()).contains("hunter2"));
}

#[test]
fn further_pages_are_asked_for_with_the_cursor() {
    let first = prepared("google-health", "sleep", &json!({"date": "2026-11-20"})).unwrap();
    let second = first.following(&json!({"nextPageToken": "c&1"})).unwrap();
    assert!(second.url.query().unwrap().ends_with("&pageToken=c%261"));
    let third = second.following(&json!({"nextPageToken": "c2"})).unwrap();
    assert_eq!(third.url.query_pairs().filter(|(name, _)| name == "pageToken").count(), 1);
    for last in [json!({}), json!({"nextPageToken": ""}), json!({"nextPageToken": 7}), json!(null)] {
        assert!(third.following(&last).is_none());
    }
    let single = prepared("fitbit", "sleep", &json!({"date": "2026-11-20"})).unwrap();
    assert!(single.following(&json!({"nextPageToken": "x"})).is_none());
}

/// An operator's action with a free text in its path and query.
fn free_text(value: &str) -> Result<Url, InputFault> {
    let file = r#"
        id = "free"
        name = "Free"
        family = "test"
        confidence = "low"
        auth.basic = {}
        api = { base_url = "https://api.example.org/base", extra_headers = { "x-key" = "{key}" } }
        settings = [{ name = "key", title = "Key", secret = true }]

        [[actions]]
        name = "look"
        title = "Look"
        description = "Look something up."
        input = { type = "object", properties = { what = { type = "string" } }, required = ["what"] }
        output = { }
        safe = true
        requests = [{ method = "GET", path = "/things/{what}/parts", query = { q = "{what}" } }]
    "#;
    let provider = read_provider("free.toml", file).unwrap();
    let settings = provider.settings([(String::from("key"), Secret::new(String::from("s3cret")))]).unwrap();
    let request = prepare(&provider, &provider.actions[0], &settings, &json!({"what": value}))?;
    assert!(request.headers["x-key"].is_sensitive());
    assert!(!format!("{:?}", request.headers).contains("s3cret"));
    Ok(request.url)
}

#[test]
fn a_value_stays_in_its_segment() {
    for (value, path) in [
        ("a", "/base/things/a/parts"),
        ("a/b", "/base/things/a%2Fb/parts"),
        ("../../x", "/base/things/..%2F..%2Fx/parts"),
        ("a?b#c", "/base/things/a%3Fb%23c/parts"),
        ("%2e%2e", "/base/things/%252e%252e/parts"),
        ("a\\b", "/base/things/a%5Cb/parts"),
        ("@evil.org", "/base/things/%40evil.org/parts"),
        ("é", "/base/things/%C3%A9/parts"),
    ] {
        assert_eq!(free_text(value).unwrap().path(), path, "{value}");
    }
    for value in [".", "..", ""] {
        assert!(free_text(value).is_err(), "{value:?}");
    }
    assert!(free_text(&"x".repeat(VALUE_BYTES_MAX + 1)).is_err());
}

proptest! {
    #[test]
    fn no_value_leaves_the_api(value in any::<String>()) {
        if let Ok(url) = free_text(&value) {
            prop_assert_eq!(url.host_str(), Some("api.example.org"));
            prop_assert!(url.path().starts_with("/base/things/") && url.path().ends_with("/parts"));
            prop_assert_eq!(url.path().matches('/').count(), 4);
            prop_assert_eq!(url.query_pairs().count(), 1);
        }
    }

    #[test]
    fn no_input_panics(date in "\\PC{0,12}", to in "\\PC{0,12}") {
        for input in [json!({"date": date}), json!({"from": date, "to": to})] {
            let _ = prepared("fitbit", "steps", &input);
            let _ = prepared("google-health", "steps", &input);
        }
    }
}
