use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::provider::Catalogue;

const PERSON: &str = "p-7";

fn context<'a>(provider: &'a str, zone: Option<&str>, fetched_at: &str) -> Context<'a> {
    Context {
        public_url: "https://hilum.example.org/",
        provider,
        person: PERSON,
        source: "https://api.example.org",
        time_zone: zone.map(|name| time_zone_of(name).unwrap()),
        fetched_at: fetched_at.parse().unwrap(),
    }
}

/// Normalise, and hold the outcome against the declared schema.
#[track_caller]
fn made(provider: &str, action: &str, zone: Option<&str>, pages: &[Value]) -> Result<Value, NormaliseFault> {
    let catalogue = Catalogue::built_in().unwrap();
    let declaration = catalogue.get(provider).unwrap().action(action).unwrap();
    let bundle = normalise(declaration, pages, &context(provider, zone, "2026-11-21T12:00:00Z"))?;
    assert_eq!(declaration.output.issues(&bundle), [], "{bundle:#}");
    Ok(bundle)
}

/// `when value` of every Observation.
fn told(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |entry: &Value| {
        let resource = &entry["resource"];
        let period = &resource["effectivePeriod"];
        let when = match resource["effectiveDateTime"].as_str() {
            Some(when) => when.to_owned(),
            None => format!("{}/{}", period["start"].as_str().unwrap(), period["end"].as_str().unwrap()),
        };
        format!("{when} {}", resource["valueQuantity"]["value"])
    };
    entries.iter().map(line).collect()
}

fn fitbit_day() -> Value {
    json!({
        "activities-heart": [{
            "dateTime": "2026-11-20",
            "value": {
                "customHeartRateZones": [],
                "heartRateZones": [{"name": "Fat Burn", "min": 98, "max": 137, "minutes": 41, "caloriesOut": 210.3}],
                "restingHeartRate": 61
            }
        }],
        "activities-heart-intraday": {
            "dataset": [
                {"time": "00:00:00", "value": 58},
                {"time": "00:01:00", "value": 57},
                {"time": "23:59:00", "value": 64}
            ],
            "datasetInterval": 1,
            "datasetType": "minute"
        }
    })
}

#[test]
fn a_heart_rate_is_written_in_full() {
    let bundle = made("fitbit", "heart-rate", Some("Europe/Berlin"), &[fitbit_day()]).unwrap();
    assert_eq!(bundle["type"], "collection");
    let full_url = bundle["entry"][1]["fullUrl"].as_str().unwrap();
    assert!(full_url.starts_with("urn:uuid:"));
    assert_eq!(
        bundle["entry"][1]["resource"],
        json!({
            "resourceType": "Observation",
            "meta": {"source": "https://api.example.org"},
            "identifier": [{
                "system": "https://hilum.example.org/identifier/observation",
                "value": "fitbit.heart-rate.p-7.2026-11-19T23:00:00Z"
            }],
            "status": "final",
            "category": [{"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"
            }]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]},
            "subject": {
                "type": "Patient",
                "identifier": {"system": "https://hilum.example.org/identifier/person", "value": "p-7"}
            },
            "effectiveDateTime": "2026-11-20T00:00:00+01:00",
            "valueQuantity": {
                "value": 58, "unit": "beats/minute", "system": "http://unitsofmeasure.org", "code": "/min"
            }
        })
    );
}

#[test]
fn fitbit_heart_rate_by_day_and_minute() {
    let bundle = made("fitbit", "heart-rate", Some("Europe/Berlin"), &[fitbit_day()]).unwrap();
    assert_eq!(
        told(&bundle),
        [
            "2026-11-20 61",
            "2026-11-20T00:00:00+01:00 58",
            "2026-11-20T00:01:00+01:00 57",
            "2026-11-20T23:59:00+01:00 64"
        ]
    );
    assert_eq!(made("fitbit", "heart-rate", None, &[fitbit_day()]), Err(NormaliseFault::TimeZoneUnknown));
    let mut days = fitbit_day();
    days["activities-heart-intraday"] = json!({"dataset": [], "datasetInterval": 1, "datasetType": "minute"});
    assert_eq!(told(&made("fitbit", "heart-rate", None, &[days]).unwrap()), ["2026-11-20 61"]);
}

#[test]
fn clocks_that_change_come_out_right() {
    let day = |date: &str, times: &[&str]| {
        let dataset: Vec<Value> = times.iter().map(|time| json!({"time": time, "value": 60})).collect();
        json!({
            "activities-heart": [{"dateTime": date, "value": {}}],
            "activities-heart-intraday": {"dataset": dataset, "datasetInterval": 1, "datasetType": "minute"}
        })
    };
    let back = day("2026-10-25", &["01:30:00", "02:30:00", "02:59:00", "02:00:00", "02:30:00", "03:00:00"]);
    let bundle = made("fitbit", "heart-rate", Some("Europe/Berlin"), &[back]).unwrap();
    assert_eq!(
        told(&bundle),
        [
            "2026-10-25T01:30:00+02:00 60",
            "2026-10-25T02:30:00+02:00 60",
            "2026-10-25T02:59:00+02:00 60",
            "2026-10-25T02:00:00+01:00 60",
            "2026-10-25T02:30:00+01:00 60",
            "2026-10-25T03:00:00+01:00 60"
        ]
    );
    let forward = day("2026-03-29", &["01:59:00", "03:00:00"]);
    let bundle = made("fitbit", "heart-rate", Some("Europe/Berlin"), &[forward]).unwrap();
    assert_eq!(told(&bundle), ["2026-03-29T01:59:00+01:00 60", "2026-03-29T03:00:00+02:00 60"]);
}

#[test]
fn fitbit_steps_by_day() {
    let page = json!({"activities-steps": [
        {"dateTime": "2026-11-19", "value": "10433"},
        {"dateTime": "2026-11-20", "value": "0"},
        {"dateTime": "2026-11-21", "value": "512"}
    ]});
    let bundle = made("sandbox", "steps", Some("UTC"), &[page]).unwrap();
    assert_eq!(told(&bundle), ["2026-11-19 10433", "2026-11-20 0", "2026-11-21 512"]);
    let status = |nth: usize| bundle["entry"][nth]["resource"]["status"].as_str().unwrap().to_owned();
    assert_eq!([status(1), status(2)], ["final", "preliminary"]);
}

#[test]
fn a_day_is_final_once_it_is_over_everywhere() {
    let catalogue = Catalogue::built_in().unwrap();
    let declaration = catalogue.get("fitbit").unwrap().action("steps").unwrap();
    let page = [json!({"activities-steps": [{"dateTime": "2026-11-20", "value": "5"}]})];
    for (zone, fetched_at, status) in [
        (None, "2026-11-21T11:59:59Z", "preliminary"),
        (None, "2026-11-21T12:00:00Z", "final"),
        (Some("Asia/Tokyo"), "2026-11-20T14:59:59Z", "preliminary"),
        (Some("Asia/Tokyo"), "2026-11-20T15:00:00Z", "final"),
    ] {
        let bundle = normalise(declaration, &page, &context("fitbit", zone, fetched_at)).unwrap();
        assert_eq!(bundle["entry"][0]["resource"]["status"], status, "{zone:?} {fetched_at}");
    }
}

fn fitbit_night() -> Value {
    json!({
        "sleep": [
            {
                "dateOfSleep": "2026-11-20", "duration": 27_720_000, "efficiency": 92,
                "startTime": "2026-11-19T23:12:30.000", "endTime": "2026-11-20T06:54:30.000",
                "infoCode": 0, "isMainSleep": true, "logId": 26_589_710_670_u64, "logType": "auto_detected",
                "minutesAfterWakeup": 0, "minutesAsleep": 401, "minutesAwake": 61, "timeInBed": 462, "type": "stages",
                "levels": {
                    "data": [{"dateTime": "2026-11-19T23:12:30.000", "level": "wake", "seconds": 540}],
                    "summary": {
                        "deep": {"count": 5, "minutes": 104, "thirtyDayAvgMinutes": 69},
                        "light": {"count": 32, "minutes": 205, "thirtyDayAvgMinutes": 202},
                        "rem": {"count": 11, "minutes": 92, "thirtyDayAvgMinutes": 87},
                        "wake": {"count": 30, "minutes": 61, "thirtyDayAvgMinutes": 55}
                    }
                }
            },
            {
                "dateOfSleep": "2026-11-20", "startTime": "2026-11-20T14:00:00.000",
                "endTime": "2026-11-20T14:40:00.000", "isMainSleep": false, "logId": 2, "minutesAsleep": 36,
                "type": "classic",
                "levels": {"summary": {
                    "asleep": {"count": 0, "minutes": 36}, "awake": {"count": 0, "minutes": 0},
                    "restless": {"count": 1, "minutes": 4}
                }}
            }
        ],
        "summary": {"totalMinutesAsleep": 437, "totalSleepRecords": 2, "totalTimeInBed": 502}
    })
}

#[test]
fn fitbit_sleep_with_stages() {
    let bundle = made("fitbit", "sleep", Some("America/New_York"), &[fitbit_night()]).unwrap();
    assert_eq!(
        told(&bundle),
        [
            "2026-11-19T23:12:30-05:00/2026-11-20T06:54:30-05:00 401",
            "2026-11-20T14:00:00-05:00/2026-11-20T14:40:00-05:00 36"
        ]
    );
    let night = &bundle["entry"][0]["resource"];
    assert_eq!(night["identifier"][0]["value"], "fitbit.sleep.p-7.26589710670");
    let codes: Vec<_> =
        night["component"].as_array().unwrap().iter().map(|part| part["code"].clone()).collect();
    assert_eq!(codes[0]["coding"][0]["code"], "93831-6");
    assert_eq!(codes[1]["coding"][0]["code"], "93830-8");
    assert_eq!(codes[2]["coding"][0]["code"], "93829-0");
    assert_eq!(codes[3], json!({"text": "Awake during sleep"}));
    assert_eq!(bundle["entry"][1]["resource"]["code"]["text"], "Sleep duration (nap)");
    let days = made("fitbit", "sleep", None, &[fitbit_night()]).unwrap();
    assert_eq!(told(&days), ["2026-11-19/2026-11-20 401", "2026-11-20/2026-11-20 36"]);
}

#[test]
fn google_heart_rate_by_the_minute() {
    let point = |time: &str, rate: Value| {
        json!({
            "dataPointName": "users/1/dataTypes/heart-rate/dataPoints/x",
            "heartRate": {"sampleTime": {"physicalTime": time, "utcOffset": "-18000s"}, "beatsPerMinute": rate}
        })
    };
    let pages = [
        json!({"dataPoints": [point("2026-11-20T10:00:05Z", json!("71")), point("2026-11-20T10:00:35Z", json!("99"))],
               "nextPageToken": "more"}),
        json!({"dataPoints": [point("2026-11-20T10:01:00.250Z", json!(72)), point("2026-11-20T09:59:59Z", json!("70"))]}),
    ];
    let bundle = made("google-health", "heart-rate", None, &pages).unwrap();
    assert_eq!(
        told(&bundle),
        ["2026-11-20T04:59:59-05:00 70", "2026-11-20T05:00:05-05:00 71", "2026-11-20T05:01:00-05:00 72"]
    );
    assert_eq!(told(&made("google-health", "heart-rate", None, &[json!({})]).unwrap()), [""; 0]);
}

#[test]
fn google_steps_and_sleep() {
    let civil = |day: u8| json!({"date": {"year": 2026, "month": 11, "day": day}});
    let page = json!({"rollupDataPoints": [
        {"civilStartTime": civil(19), "civilEndTime": civil(20), "steps": {"countSum": "8123"}},
        {"civilStartTime": civil(20), "civilEndTime": civil(21)}
    ]});
    assert_eq!(told(&made("google-health", "steps", None, &[page]).unwrap()), ["2026-11-19 8123"]);
    let night = json!({"dataPoints": [{
        "name": "users/7/dataTypes/sleep/dataPoints/12188576",
        "dataSource": {"recordingMethod": "DERIVED", "platform": "FITBIT"},
        "sleep": {
            "interval": {
                "startTime": "2026-10-24T21:30:00Z", "startUtcOffset": "7200s",
                "endTime": "2026-10-25T05:10:00Z", "endUtcOffset": "3600s"
            },
            "type": "STAGES",
            "metadata": {"nap": false, "processed": true},
            "summary": {
                "minutesInSleepPeriod": "460", "minutesAsleep": "412",
                "stagesSummary": [
                    {"type": "DEEP", "minutes": "80", "count": "4"}, {"type": "REM", "minutes": "95"},
                    {"type": "LIGHT", "minutes": "237"}, {"type": "AWAKE", "minutes": "48"}, {"type": "NEW", "minutes": "1"}
                ]
            }
        }
    }]});
    let bundle = made("google-health", "sleep", None, &[night]).unwrap();
    assert_eq!(told(&bundle), ["2026-10-24T23:30:00+02:00/2026-10-25T06:10:00+01:00 412"]);
    let resource = &bundle["entry"][0]["resource"];
    assert_eq!(resource["identifier"][0]["value"], "google-health.sleep.p-7.12188576");
    assert_eq!(resource["component"].as_array().unwrap().len(), 4);
}

#[test]
fn the_same_answer_gives_the_same_identifiers() {
    let both = [(), ()].map(|()| made("fitbit", "sleep", Some("Europe/London"), &[fitbit_night()]).unwrap());
    assert_eq!(both[0]["entry"], both[1]["entry"]);
    let urls: std::collections::BTreeSet<_> =
        both[0]["entry"].as_array().unwrap().iter().map(|entry| entry["fullUrl"].to_string()).collect();
    assert_eq!(urls.len(), 2);
}

#[test]
fn answers_that_are_not_documented_are_refused_without_their_content() {
    for (provider, action, page) in [
        ("fitbit", "steps", json!({"errors": [{"errorType": "hunter2"}]})),
        ("fitbit", "steps", json!({"activities-steps": [{"dateTime": "hunter2", "value": "1"}]})),
        ("fitbit", "steps", json!({"activities-steps": [{"dateTime": "2026-11-20", "value": "hunter2"}]})),
        ("fitbit", "heart-rate", json!({"activities-heart": {}})),
        ("fitbit", "sleep", json!({"sleep": [{"startTime": "hunter2", "endTime": ""}]})),
        ("google-health", "heart-rate", json!({"dataPoints": "hunter2"})),
        ("google-health", "heart-rate", json!("hunter2")),
        (
            "google-health",
            "sleep",
            json!({"dataPoints": [{"sleep": {"interval": {"startTime": "hunter2"}}}]}),
        ),
    ] {
        let fault = made(provider, action, Some("UTC"), std::slice::from_ref(&page)).unwrap_err();
        assert!(matches!(fault, NormaliseFault::Shape(_)), "{page}");
        assert!(!format!("{fault} {fault:?} {}", fault.public()).contains("hunter2"), "{page}");
    }
}

#[test]
fn too_many_values_are_refused() {
    let dataset: Vec<Value> = (0..=OBSERVATIONS_MAX)
        .map(|nth| json!({"time": format!("{:02}:{:02}:{:02}", nth / 3600, nth / 60 % 60, nth % 60), "value": 60}))
        .collect();
    let page = json!({
        "activities-heart": [{"dateTime": "2026-11-20", "value": {}}],
        "activities-heart-intraday": {"dataset": dataset}
    });
    assert_eq!(made("fitbit", "heart-rate", Some("UTC"), &[page]), Err(NormaliseFault::TooMany));
}

#[test]
fn unknown_time_zones_are_told() {
    assert!(time_zone_of("Europe/London").is_ok() && time_zone_of("UTC").is_ok());
    for name in ["Mars/Olympus", "", "../../etc/passwd", "Europe/London\n"] {
        assert_eq!(time_zone_of(name), Err(UnknownTimeZone), "{name:?}");
    }
}

/// JSON that has the names which the normalisers look for, in all the wrong places.
fn junk() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "activities-heart",
        "activities-heart-intraday",
        "activities-steps",
        "sleep",
        "dataset",
        "dateTime",
        "value",
        "time",
        "startTime",
        "endTime",
        "minutesAsleep",
        "levels",
        "summary",
        "deep",
        "minutes",
        "dataPoints",
        "heartRate",
        "sampleTime",
        "physicalTime",
        "utcOffset",
        "beatsPerMinute",
        "rollupDataPoints",
        "steps",
        "countSum",
        "civilStartTime",
        "date",
        "year",
        "month",
        "day",
        "interval",
        "stagesSummary",
        "type",
        "logId",
    ]);
    let text = prop::sample::select(vec![
        "2026-11-20",
        "9999-12-31",
        "-9999-01-01",
        "23:59:59",
        "2026-11-20T23:59:59",
        "9999-12-31T23:59:59Z",
        "2026-11-20T10:00:00Z",
        "99999999s",
        "-1s",
        "42",
        "DEEP",
        "",
        "é",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_panics(pages in prop::collection::vec(junk(), 0..3), zone in any::<bool>()) {
        let zone = zone.then_some("Europe/London");
        for provider in ["fitbit", "google-health"] {
            for action in ["heart-rate", "steps", "sleep"] {
                let _ = made(provider, action, zone, &pages);
            }
        }
    }
}
