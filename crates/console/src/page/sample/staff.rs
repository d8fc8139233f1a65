//! What staff see of integrations.

use super::{DAY, HOUR, MINUTE, ago, ahead, endpoint, shown};
use crate::{
    form::{Choice, Field, Form},
    frame::{Frame, Here, Viewer},
    label::State,
    page::{
        ask::Ask,
        chart::Chart,
        endpoint::{LinkRow, NewLink},
        staff::{
            Alerts, Aside, AsideRow, Can, Counts, EndpointRow, FiringRow, Head, Integration, IntegrationRow,
            Integrations, LineRow, Logs, Metrics, Pager, PointRow, Quarantine, RuleRow, Seen, StepRow,
            SyncRow, Syncs, Tab, Test, Webhooks,
        },
    },
    staff::{alert::what_of, base_of, state_of, test::name_of},
    t,
};

const ID: &str = "int_019a0b6e0000700080000000000000ab";
const OTHER: &str = "int_019a0b6e0000700080000000000000ac";
const SYNC: &str = "sync_019a0b6e0000700080000000000000cd";
const HOOK: &str = "/staff/webhooks/0190b6e0-0000-7000-8000-00000000000a";

pub(super) fn samples() -> Vec<(&'static str, String)> {
    let none = Integrations { rows: Vec::new(), pager: Pager::default(), ..integrations() };
    let idle = Syncs { rows: Vec::new(), older: None, ..syncs() };
    let nothing = Quarantine { rows: Vec::new(), older: None, ..quarantine() };
    let silent = Logs { lines: Vec::new(), older: None, ..logs() };
    let still = Metrics { points: Vec::new(), charts: Vec::new(), ..metrics() };
    let unwatched = Alerts { rules: Vec::new(), how: t("staff-how-no-rules").into(), ..alerts() };
    let untold = Webhooks { rows: Vec::new(), pager: Pager::default(), ..webhooks() };
    vec![
        shown("staff-integrations", &integrations()),
        shown("staff-integrations-empty", &none),
        shown("staff-integration", &integration(None)),
        shown("staff-integration-tested", &integration(Some(test()))),
        shown("staff-syncs", &syncs()),
        shown("staff-syncs-empty", &idle),
        shown("staff-quarantine", &quarantine()),
        shown("staff-quarantine-empty", &nothing),
        shown("staff-aside", &aside()),
        shown("staff-logs", &logs()),
        shown("staff-logs-empty", &silent),
        shown("staff-metrics", &metrics()),
        shown("staff-metrics-empty", &still),
        shown("staff-alerts", &alerts()),
        shown("staff-alerts-empty", &unwatched),
        shown("staff-webhooks", &webhooks()),
        shown("staff-webhooks-empty", &untold),
        shown("staff-webhook", &webhook()),
        shown("staff-webhook-link-new", &link_asked()),
        shown("staff-webhook-link", &link()),
    ]
}

fn frame(here: Here) -> Frame {
    Frame::inside(t("menu-staff"), here, Viewer::sample_administrator())
}

fn integrations() -> Integrations {
    let row = |id: &str, name: &str, kind: &str, status: &str, last: Option<u64>| IntegrationRow {
        href: base_of(id),
        name: name.to_owned(),
        provider: "custom".to_owned(),
        kind: kind.to_owned(),
        state: state_of(status),
        last_sync: last.map(ago),
        next_sync: last.map(|_| ahead(3 * HOUR)),
    };
    Integrations {
        frame: frame(Here::StaffIntegrations),
        how: t("staff-some").count("many", 4).into(),
        q: String::new(),
        status: String::new(),
        rows: vec![
            row(ID, "Kelvin Hospital", "fhir", "active", Some(12 * MINUTE)),
            row(OTHER, "Riverside Lab", "sftp", "error", Some(2 * DAY)),
            row(ID, "Sinclair Ward", "edc", "pending", None),
            row(ID, "Pulse Diary", "api", "inactive", Some(9 * DAY)),
        ],
        pager: Pager { before: None, after: Some("/staff/integrations?page=2".to_owned()) },
    }
}

fn head(here: usize) -> Head {
    let tabs = [
        ("", t("staff-overview")),
        ("/syncs", t("staff-syncs")),
        ("/quarantine", t("staff-quarantine")),
        ("/logs", t("staff-logs")),
        ("/metrics", t("staff-metrics")),
    ];
    let tab = |(nth, (below, words)): (usize, (&str, crate::language::Said))| Tab {
        href: format!("{}{below}", base_of(ID)),
        words: words.into(),
        is_here: nth == here,
    };
    Head {
        id: ID.to_owned(),
        name: "Kelvin Hospital".to_owned(),
        how: t("staff-how-synced").of("when", ago(12 * MINUTE).in_words()).into(),
        state: state_of("active"),
        tabs: tabs.into_iter().enumerate().map(tab).collect(),
    }
}

fn integration(test: Option<Test>) -> Integration {
    Integration {
        frame: frame(Here::StaffIntegrations),
        head: head(0),
        provider: "custom".to_owned(),
        kind: "fhir".to_owned(),
        address: Some("https://fhir.kelvin.example.org/r4".to_owned()),
        frequency: "every_4_hours".to_owned(),
        last_sync: Some(ago(12 * MINUTE)),
        next_sync: Some(ahead(3 * HOUR)),
        credentials: vec!["client_secret".to_owned(), "token".to_owned()],
        studies: 2,
        changed: ago(9 * DAY),
        tested: Some((ago(9 * DAY), State::good(t("staff-test-success")))),
        test,
        may_test: true,
        may_sync: true,
        newest: Some(sync(State::good(t("staff-sync-done")), Can::Nothing, 12 * MINUTE)),
    }
}

fn test() -> Test {
    let step = |name: &str, state: State, message: &str, took_ms| StepRow {
        name: name_of(name),
        state,
        message: message.to_owned(),
        took_ms,
    };
    let passed = || State::good(t("staff-step-passed"));
    Test {
        made: ago(2 * DAY),
        counts: Counts::Past,
        state: State::bad(t("staff-test-error")),
        message: "the server does not know our credential".to_owned(),
        took_ms: 412,
        version: Some("4.0.1".to_owned()),
        host_key: Some("SHA256:uNiVztksCsDhcc0u9e8BrZv3tbv1LJ7yWTPAUaXkxC8".to_owned()),
        steps: vec![
            step("site", passed(), "the site takes records", 1),
            step("name", passed(), "the name leads to an address", 12),
            step("connection", passed(), "connected", 34),
            step("tls", State::warn(t("staff-step-warning")), "the certificate ends within 14 days", 88),
            step(
                "sign_in",
                State::bad(t("staff-step-failed")),
                "the server does not know our credential",
                277,
            ),
            step("sample_read", State::quiet(t("staff-step-skipped")), "not come to", 0),
        ],
    }
}

fn sync(state: State, can: Can, age: u64) -> SyncRow {
    let is_done = can == Can::Nothing;
    SyncRow {
        id: SYNC.to_owned(),
        kind: t("staff-incremental").into(),
        state,
        message: (can == Can::Retry).then(|| "the server does not know our credential".to_owned()),
        received: 1_204,
        stored: 310,
        unchanged: 889,
        quarantined: 5,
        deleted: 0,
        began: ago(age),
        ended: is_done.then(|| ago(age - MINUTE)),
        can,
    }
}

fn syncs() -> Syncs {
    Syncs {
        frame: frame(Here::StaffIntegrations),
        head: head(1),
        rows: vec![
            sync(State::warn(t("staff-sync-running")), Can::Cancel, 2 * MINUTE),
            sync(State::good(t("staff-sync-done")), Can::Nothing, 4 * HOUR),
            sync(State::bad(t("staff-sync-failed")), Can::Retry, 8 * HOUR),
        ],
        older: Some(format!("{}/syncs?cursor={SYNC}", base_of(ID))),
        may_sync: true,
        may_control: true,
    }
}

fn quarantine() -> Quarantine {
    let row = |record: &str, code: &str, age| AsideRow {
        id: "qr_019a0b6e0000700080000000000000ef".to_owned(),
        record: record.to_owned(),
        code: code.to_owned(),
        sync: SYNC.to_owned(),
        since: ago(age),
    };
    Quarantine {
        frame: frame(Here::StaffIntegrations),
        head: head(2),
        rows: vec![row("Patient/8713", "value", HOUR), row("Observation/4711", "required", 3 * HOUR)],
        older: None,
    }
}

fn aside() -> Aside {
    Aside {
        frame: frame(Here::StaffIntegrations),
        back: format!("{}/quarantine", base_of(ID)),
        id: "qr_019a0b6e0000700080000000000000ef".to_owned(),
        reason: "Patient.birthDate: is no date".to_owned(),
        record: "{\"resourceType\":\"Patient\",\"id\":\"8713\",\"birthDate\":\"31.02.1980\"}".to_owned(),
    }
}

fn logs() -> Logs {
    let line = |level: State, message: &str, age| LineRow {
        at: ago(age),
        level,
        message: message.to_owned(),
        sync: Some(SYNC.to_owned()),
        records: Some(200),
        took_ms: Some(412),
    };
    Logs {
        frame: frame(Here::StaffIntegrations),
        head: head(3),
        q: "credential".to_owned(),
        level: String::new(),
        wrong: Vec::new(),
        total: 3,
        lines: vec![
            line(State::quiet(t("staff-level-info")), "a page of records is stored", 12 * MINUTE),
            line(State::warn(t("staff-level-warning")), "records were set aside", 13 * MINUTE),
            line(
                State::bad(t("staff-level-error")),
                "a sync has failed: the server does not know our credential",
                HOUR,
            ),
        ],
        older: Some(format!("{}/logs?q=credential&cursor=0a", base_of(ID))),
    }
}

fn metrics() -> Metrics {
    let tab = |word: &str, words: crate::language::Said, is_here| Tab {
        href: format!("{}/metrics?window={word}", base_of(ID)),
        words: words.into(),
        is_here,
    };
    let point = |hour: u32, calls, errors| PointRow {
        at: format!("2026-11-22 {hour:02}:00"),
        calls,
        errors,
        p95: t("hook-ms").of("ms", 184).into(),
        received: calls * 20,
        quarantined: errors,
    };
    let bars = |part: i64| {
        (0..24)
            .map(|place| (place, part * i64::from(place % 7 + 2), i64::from(place % 5 / 4) * part))
            .collect()
    };
    Metrics {
        frame: frame(Here::StaffIntegrations),
        head: head(4),
        windows: vec![
            tab("24h", t("staff-window-day"), true),
            tab("7d", t("staff-window-week"), false),
            tab("30d", t("staff-window-month"), false),
        ],
        tiles: vec![
            ("412".to_owned(), t("staff-calls").into()),
            ("1.7%".to_owned(), t("staff-error-percent").into()),
            (t("hook-ms").of("ms", 184).into(), t("staff-p95").into()),
            ("8204".to_owned(), t("staff-received").into()),
        ],
        charts: vec![
            Chart {
                title: t("staff-chart-records").into(),
                legend: (t("staff-taken").into(), t("staff-quarantined").into()),
                bars: bars(90),
                places: 24,
            },
            Chart {
                title: t("staff-chart-calls").into(),
                legend: (t("staff-answered").into(), t("staff-errors").into()),
                bars: bars(7),
                places: 24,
            },
        ],
        points: vec![point(10, 21, 0), point(9, 18, 2), point(8, 25, 0)],
    }
}

fn alerts() -> Alerts {
    let rule = |name: &str, kind: &str, firing: Vec<FiringRow>| RuleRow {
        id: format!("0190b6e0-0000-7000-8000-{:0>12}", name.len()),
        name: name.to_owned(),
        what: what_of(kind, Some(5), 3_600),
        state: if firing.is_empty() {
            State::good(t("staff-rule-quiet"))
        } else {
            State::bad(t("staff-rule-firing"))
        },
        of: None,
        mailed: 2,
        firing,
    };
    let firing = |id: &str, seen| FiringRow {
        of: Some((base_of(id), id.to_owned())),
        since: ago(2 * HOUR),
        value: 31,
        seen,
    };
    let seen = Seen {
        at: ago(HOUR),
        by: "0190b6e0-0000-7000-8000-00000000000b".to_owned(),
        note: Some("Kelvin".to_owned()),
    };
    Alerts {
        frame: frame(Here::StaffAlerts),
        how: t("staff-how-firing").count("many", 1).into(),
        rules: vec![
            rule("Riverside", "error_rate", vec![firing(OTHER, None), firing(ID, Some(seen))]),
            rule("Kelvin", "latency", Vec::new()),
            rule("Ward", "failed_sync", Vec::new()),
            rule("Sinclair", "no_data", Vec::new()),
            rule("Diary", "queue_depth", Vec::new()),
            rule("Pulse", "refusals", Vec::new()),
        ],
        may_acknowledge: true,
    }
}

fn webhooks() -> Webhooks {
    let row = |name: &str, state: State, told: &[&str]| EndpointRow {
        href: HOOK.to_owned(),
        name: name.to_owned(),
        url: "https://hooks.riverside.example.org/in".to_owned(),
        state,
        told: super::words(told),
    };
    Webhooks {
        frame: frame(Here::StaffWebhooks),
        how: t("staff-webhooks-some").count("many", 2).into(),
        rows: vec![
            row("Riverside Lab", State::good(t("hook-enabled")), &["connection.*", "sync.completed"]),
            row("Sinclair Ward", State::bad(t("hook-disabled")), &[]),
        ],
        pager: Pager { before: None, after: Some("/staff/webhooks?page=2".to_owned()) },
    }
}

fn webhook() -> crate::page::endpoint::Endpoint {
    let link = |name: &str, state: State, is_live: bool| LinkRow {
        id: "0190b6e0-0000-7000-8000-00000000000b".to_owned(),
        name: name.to_owned(),
        state,
        expires: ahead(6 * DAY),
        opened: is_live.then(|| ago(3 * HOUR)),
        is_live,
    };
    crate::page::endpoint::Endpoint {
        frame: frame(Here::StaffWebhooks),
        back: Some(("/staff/webhooks".to_owned(), t("staff-webhooks").into())),
        base: HOOK.to_owned(),
        until: None,
        links: Some(vec![
            link("Riverside Lab", State::good(t("receiver-live")), true),
            link("Isla Baird", State::quiet(t("receiver-revoked")), false),
        ]),
        ..endpoint::endpoint(State::good(t("hook-enabled")))
    }
}

fn link_asked() -> Ask {
    let days = vec![Choice::new("7", t("receiver-days").count("many", 7)).chosen_if(true)];
    Ask {
        frame: frame(Here::StaffWebhooks),
        back: (HOOK.to_owned(), "Riverside Lab".to_owned()),
        heading: t("receiver-make").into(),
        lead: t("receiver-links-lead").into(),
        form: Form::new(format!("{HOOK}/links"), t("receiver-make"))
            .with(Field::text("name", t("receiver-for")).hint(t("receiver-for-hint")))
            .with(Field::select("days", t("receiver-lasts"), days))
            .or_back_to(HOOK),
    }
}

fn link() -> NewLink {
    NewLink {
        frame: frame(Here::StaffWebhooks),
        heading: t("receiver-link-heading").of("name", "Riverside Lab").into(),
        back: HOOK.to_owned(),
        address: kernel::Secret::new("https://kelvin.example.org/receivers/open/hlm_rl_0Zk3".to_owned()),
        expires: ahead(7 * DAY),
    }
}
