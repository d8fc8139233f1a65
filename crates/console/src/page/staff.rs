//! Integrations as staff look after them: how they are, their syncs, what was set aside, logs, numbers and alerts.

use askama::Template;

use crate::{
    form::Choice, frame::Frame, label::State, language::Said, moment::Moment, page::chart::Chart, t,
};

/// The integrations that somebody may see.
#[derive(Template)]
#[template(path = "staff/integrations.html")]
pub(crate) struct Integrations {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) q: String,
    /// The word of a state, or nothing.
    pub(crate) status: String,
    pub(crate) rows: Vec<IntegrationRow>,
    pub(crate) pager: Pager,
}

impl Integrations {
    /// The states to choose from.
    pub(crate) fn statuses(&self) -> Vec<Choice> {
        let all = [
            ("", t("staff-any-state")),
            ("active", t("staff-active")),
            ("inactive", t("staff-inactive")),
            ("pending", t("staff-pending")),
            ("error", t("staff-error")),
            ("archived", t("staff-archived")),
        ];
        choices(all, &self.status)
    }
}

fn choices<const N: usize>(all: [(&'static str, Said); N], chosen: &str) -> Vec<Choice> {
    all.map(|(value, words)| Choice::new(value, words).chosen_if(value == chosen)).into()
}

/// One of them.
pub(crate) struct IntegrationRow {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) kind: String,
    pub(crate) state: State,
    pub(crate) last_sync: Option<Moment>,
    pub(crate) next_sync: Option<Moment>,
}

/// The pages beside this one.
#[derive(Default)]
pub(crate) struct Pager {
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// What is on every page of one integration.
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) how: String,
    pub(crate) state: State,
    pub(crate) tabs: Vec<Tab>,
}

/// A page of an integration in its navigation.
pub(crate) struct Tab {
    pub(crate) href: String,
    pub(crate) words: String,
    pub(crate) is_here: bool,
}

/// One integration.
#[derive(Template)]
#[template(path = "staff/integration.html")]
pub(crate) struct Integration {
    pub(crate) frame: Frame,
    pub(crate) head: Head,
    pub(crate) provider: String,
    pub(crate) kind: String,
    /// Where the other side is, if it is stated.
    pub(crate) address: Option<String>,
    pub(crate) frequency: String,
    pub(crate) last_sync: Option<Moment>,
    pub(crate) next_sync: Option<Moment>,
    pub(crate) credentials: Vec<String>,
    pub(crate) studies: usize,
    pub(crate) changed: Moment,
    /// When it was last tested, and how that went.
    pub(crate) tested: Option<(Moment, State)>,
    /// The last test, step by step.
    pub(crate) test: Option<Test>,
    pub(crate) may_test: bool,
    pub(crate) may_sync: bool,
    /// The newest sync.
    pub(crate) newest: Option<SyncRow>,
}

/// A test, step by step.
pub(crate) struct Test {
    pub(crate) made: Moment,
    /// Whether what was tested is as it was then.
    pub(crate) counts: Counts,
    pub(crate) state: State,
    /// In words of the API: English.
    pub(crate) message: String,
    pub(crate) took_ms: u64,
    pub(crate) version: Option<String>,
    pub(crate) host_key: Option<String>,
    pub(crate) steps: Vec<StepRow>,
}

impl Test {
    fn is_of_before(&self) -> bool {
        self.counts == Counts::Past
    }
}

/// What a test says of the integration as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Nothing has changed since.
    Still,
    /// It is of a configuration that is not there any more.
    Past,
}

/// One step.
pub(crate) struct StepRow {
    pub(crate) name: String,
    pub(crate) state: State,
    /// In words of the API: English.
    pub(crate) message: String,
    pub(crate) took_ms: u64,
}

/// The syncs of an integration.
#[derive(Template)]
#[template(path = "staff/syncs.html")]
pub(crate) struct Syncs {
    pub(crate) frame: Frame,
    pub(crate) head: Head,
    pub(crate) rows: Vec<SyncRow>,
    pub(crate) older: Option<String>,
    pub(crate) may_sync: bool,
    pub(crate) may_control: bool,
}

/// One sync with its report.
pub(crate) struct SyncRow {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) state: State,
    /// Why it failed, in words of the API: English.
    pub(crate) message: Option<String>,
    pub(crate) received: i64,
    pub(crate) stored: i64,
    pub(crate) unchanged: i64,
    pub(crate) quarantined: i64,
    pub(crate) deleted: i64,
    pub(crate) began: Moment,
    pub(crate) ended: Option<Moment>,
    pub(crate) can: Can,
}

/// What can be done with a sync.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Can {
    /// It is under way.
    Cancel,
    /// It has failed or was ended.
    Retry,
    /// It is done.
    Nothing,
}

/// Records that were set aside.
#[derive(Template)]
#[template(path = "staff/quarantine.html")]
pub(crate) struct Quarantine {
    pub(crate) frame: Frame,
    pub(crate) head: Head,
    pub(crate) rows: Vec<AsideRow>,
    pub(crate) older: Option<String>,
}

/// One of them.
pub(crate) struct AsideRow {
    pub(crate) id: String,
    pub(crate) record: String,
    pub(crate) code: String,
    pub(crate) sync: String,
    pub(crate) since: Moment,
}

/// A record that was set aside, with what it says.
#[derive(Template)]
#[template(path = "staff/aside.html")]
pub(crate) struct Aside {
    pub(crate) frame: Frame,
    /// Where the list is.
    pub(crate) back: String,
    pub(crate) id: String,
    /// In words of the API: English.
    pub(crate) reason: String,
    pub(crate) record: String,
}

/// The log of an integration.
#[derive(Template)]
#[template(path = "staff/logs.html")]
pub(crate) struct Logs {
    pub(crate) frame: Frame,
    pub(crate) head: Head,
    pub(crate) q: String,
    pub(crate) level: String,
    /// What is wrong with what is searched for.
    pub(crate) wrong: Vec<String>,
    pub(crate) total: usize,
    pub(crate) lines: Vec<LineRow>,
    pub(crate) older: Option<String>,
}

impl Logs {
    fn caption(&self) -> Said {
        t("staff-logs-caption").count("many", self.total)
    }

    /// The levels to choose from.
    pub(crate) fn levels(&self) -> Vec<Choice> {
        let all = [
            ("", t("staff-any-level")),
            ("error", t("staff-level-error")),
            ("warning", t("staff-level-warning")),
            ("info", t("staff-level-info")),
            ("debug", t("staff-level-debug")),
        ];
        choices(all, &self.level)
    }
}

/// One line.
pub(crate) struct LineRow {
    pub(crate) at: Moment,
    pub(crate) level: State,
    /// In words of the API: English.
    pub(crate) message: String,
    pub(crate) sync: Option<String>,
    pub(crate) records: Option<i64>,
    pub(crate) took_ms: Option<i64>,
}

/// The numbers of an integration.
#[derive(Template)]
#[template(path = "staff/metrics.html")]
pub(crate) struct Metrics {
    pub(crate) frame: Frame,
    pub(crate) head: Head,
    pub(crate) windows: Vec<Tab>,
    pub(crate) tiles: Vec<(String, String)>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) points: Vec<PointRow>,
}

/// The numbers of one step.
pub(crate) struct PointRow {
    pub(crate) at: String,
    pub(crate) calls: i64,
    pub(crate) errors: i64,
    pub(crate) p95: String,
    pub(crate) received: i64,
    pub(crate) quarantined: i64,
}

/// Rules, and what they fire for.
#[derive(Template)]
#[template(path = "staff/alerts.html")]
pub(crate) struct Alerts {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) rules: Vec<RuleRow>,
    /// Whether whoever looks may say somewhere that they see to an alert.
    pub(crate) may_acknowledge: bool,
}

/// One rule.
pub(crate) struct RuleRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) what: String,
    pub(crate) state: State,
    /// The page and the id of the integration; none where it watches all of the organisation.
    pub(crate) of: Option<(String, String)>,
    pub(crate) mailed: usize,
    pub(crate) firing: Vec<FiringRow>,
}

/// Something that a rule fires for.
pub(crate) struct FiringRow {
    pub(crate) of: Option<(String, String)>,
    pub(crate) since: Moment,
    pub(crate) value: i64,
    /// That somebody sees to it.
    pub(crate) seen: Option<Seen>,
}

/// That somebody sees to an alert.
pub(crate) struct Seen {
    pub(crate) at: Moment,
    /// As the audit trail names them.
    pub(crate) by: String,
    pub(crate) note: Option<String>,
}

/// Webhook endpoints.
#[derive(Template)]
#[template(path = "staff/webhooks.html")]
pub(crate) struct Webhooks {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) rows: Vec<EndpointRow>,
    pub(crate) pager: Pager,
}

/// One of them.
pub(crate) struct EndpointRow {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) state: State,
    pub(crate) told: Vec<String>,
}
