//! What the API says, as far as pages show it.

use std::collections::BTreeMap;

use kernel::{Id, Organisation, Study, Timestamp};
use serde::Deserialize;
use serde_json::Value;

/// Pages of a list.
#[derive(Deserialize)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    pub(crate) total: i64,
    pub(crate) page: i64,
    pub(crate) pages: i64,
}

/// A list that goes on behind a cursor.
#[derive(Deserialize)]
pub(crate) struct Followed<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

/// An integration.
#[derive(Deserialize)]
pub(crate) struct Integration {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) provider: String,
    pub(crate) status: String,
    pub(crate) config: BTreeMap<String, Value>,
    pub(crate) credentials: BTreeMap<String, Value>,
    pub(crate) capabilities: Vec<String>,
    pub(crate) sync_frequency: String,
    pub(crate) last_sync: Option<Timestamp>,
    pub(crate) next_sync: Option<Timestamp>,
    pub(crate) tested_at: Option<Timestamp>,
    pub(crate) test_status: Option<String>,
    pub(crate) org_id: Id<Organisation>,
    pub(crate) study_ids: Vec<Id<Study>>,
    pub(crate) updated_at: Timestamp,
}

/// How a test went.
#[derive(Deserialize)]
pub(crate) struct Test {
    pub(crate) tested_at: Timestamp,
    pub(crate) status: String,
    pub(crate) message: String,
    pub(crate) details: TestDetails,
}

/// What a test found.
#[derive(Deserialize)]
pub(crate) struct TestDetails {
    pub(crate) response_time_ms: u64,
    pub(crate) api_version: Option<String>,
    #[serde(default)]
    pub(crate) host_key: Option<String>,
    pub(crate) steps: Vec<Step>,
}

/// One step of a test.
#[derive(Deserialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) outcome: String,
    pub(crate) duration_ms: u64,
    pub(crate) message: String,
}

/// A sync.
#[derive(Deserialize)]
pub(crate) struct Sync {
    pub(crate) job_id: String,
    pub(crate) status: String,
    pub(crate) sync_type: String,
    pub(crate) report: Report,
    pub(crate) message: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
}

/// What came in, and what became of it.
#[derive(Deserialize)]
pub(crate) struct Report {
    pub(crate) received: i64,
    pub(crate) stored: i64,
    pub(crate) unchanged: i64,
    pub(crate) quarantined: i64,
    pub(crate) deleted: i64,
}

/// A record that was set aside.
#[derive(Deserialize)]
pub(crate) struct Aside {
    pub(crate) id: String,
    pub(crate) job_id: String,
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    pub(crate) code: String,
    pub(crate) created_at: Timestamp,
}

/// The same with what it says.
#[derive(Deserialize)]
pub(crate) struct AsideKept {
    pub(crate) record: String,
    pub(crate) reason: String,
}

/// What became of it.
#[derive(Deserialize)]
pub(crate) struct AsideReplayed {
    pub(crate) status: String,
}

/// A part of a log.
#[derive(Deserialize)]
pub(crate) struct Logs {
    pub(crate) logs: Vec<Line>,
    pub(crate) total_count: i64,
}

/// A line of it.
#[derive(Deserialize)]
pub(crate) struct Line {
    pub(crate) timestamp: Timestamp,
    pub(crate) level: String,
    pub(crate) message: String,
    pub(crate) details: LineDetails,
}

/// What it says besides.
#[derive(Deserialize)]
pub(crate) struct LineDetails {
    #[serde(default)]
    pub(crate) job_id: Option<String>,
    #[serde(default)]
    pub(crate) duration_ms: Option<i64>,
    #[serde(default)]
    pub(crate) records_processed: Option<i64>,
}

/// The numbers of an integration.
#[derive(Deserialize)]
pub(crate) struct Metrics {
    pub(crate) step: String,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) totals: Numbers,
    pub(crate) points: Vec<Point>,
}

/// The numbers of one step.
#[derive(Deserialize)]
pub(crate) struct Point {
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) numbers: Numbers,
}

/// Numbers of a time.
#[derive(Deserialize)]
pub(crate) struct Numbers {
    pub(crate) calls: i64,
    pub(crate) errors: i64,
    pub(crate) error_percent: Option<f64>,
    pub(crate) latency_ms: Latency,
    pub(crate) records: Report,
    pub(crate) syncs: Syncs,
    pub(crate) messages: i64,
}

/// How long calls took.
#[derive(Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: Option<u64>,
    pub(crate) p95: Option<u64>,
}

/// How syncs ended.
#[derive(Deserialize)]
pub(crate) struct Syncs {
    pub(crate) completed: i64,
    pub(crate) failed: i64,
}

/// Rules of alerts.
#[derive(Deserialize)]
pub(crate) struct Rules {
    pub(crate) items: Vec<Rule>,
}

/// One rule, and what it fires for.
#[derive(Deserialize)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) integration_id: Option<String>,
    pub(crate) threshold: Option<i64>,
    pub(crate) window_s: i64,
    pub(crate) email: Vec<String>,
    pub(crate) enabled: bool,
    pub(crate) firing: Vec<Firing>,
}

/// Something that a rule fires for.
#[derive(Deserialize)]
pub(crate) struct Firing {
    pub(crate) integration_id: Option<String>,
    pub(crate) since: Timestamp,
    pub(crate) value: i64,
    pub(crate) acknowledged: Option<Acknowledged>,
}

/// That somebody sees to it.
#[derive(Deserialize)]
pub(crate) struct Acknowledged {
    pub(crate) at: Timestamp,
    pub(crate) by: String,
    pub(crate) note: Option<String>,
}

/// A webhook endpoint in a list.
#[derive(Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) state: String,
    pub(crate) event_types: Vec<String>,
}

/// A receiver's link.
#[derive(Deserialize)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) path: Option<String>,
    pub(crate) expires_at: Timestamp,
    pub(crate) opened_at: Option<Timestamp>,
}
