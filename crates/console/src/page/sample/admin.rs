//! What administrators see of what waits for them.

use auth::client::{
    Confidentiality, GrantType,
    report::{Finding, RULES, Verdict},
    review::Change,
};

use super::{DAY, HOUR, ago, shown, words};
use crate::{
    admin::review,
    developer::inspect,
    form::{Choice, Field, Form},
    frame::{Frame, Here, Viewer},
    label::State,
    language::Said,
    page::{
        admin::{
            Application, ApplicationRow, Applications, ChangeRow, IntegrationRow, Overview, StepRow, Tile,
            Trust, TrustRow, Trusts, Waiting,
        },
        confirm::{Confirm, typed_back},
        developer::{grant_in_words, kind_in_words},
    },
    t,
};

pub(super) const ID: &str = "0190b6e0-0000-7000-8000-00000000000a";

pub(super) fn frame(title: &str, here: Here) -> Frame {
    Frame::inside(title, here, Viewer::sample_administrator())
}

pub(super) fn samples() -> Vec<(&'static str, String)> {
    vec![
        shown("admin-overview", &overview()),
        shown("admin-applications", &applications()),
        shown("admin-application", &application()),
        shown("admin-withdraw", &withdraw()),
        shown("admin-trusts", &trusts()),
        shown("admin-trust", &trust()),
    ]
}

pub(super) fn integration_rows() -> Vec<IntegrationRow> {
    let row = |slug: &str, name: &str, provider: &str, state, linked, attention| IntegrationRow {
        slug: slug.to_owned(),
        name: name.to_owned(),
        provider: provider.to_owned(),
        state,
        linked,
        attention,
    };
    vec![
        row("withings", "Withings", "Withings Public Health Data API", State::warn("Needs attention"), 96, 4),
        row("fitbit", "Fitbit", "Fitbit Web API", State::good("Enabled"), 1_204, 0),
        row(
            "riverside-hospital",
            "Riverside Hospital portal",
            "Epic on FHIR",
            State::quiet("Disabled"),
            0,
            0,
        ),
    ]
}

fn overview() -> Overview {
    let tile =
        |figure: &str, words, href, is_waiting| Tile { figure: figure.to_owned(), words, href, is_waiting };
    let waiting = |href: &str, what: &str, who: &str, since| Waiting {
        href: href.to_owned(),
        what: what.to_owned(),
        why: who.to_owned(),
        since: ago(since),
    };
    Overview {
        frame: frame("Overview", Here::Overview),
        organisation: "Kelvin Health".to_owned(),
        how: "3 integrations are set up, of which 1 needs attention".to_owned(),
        but: Some("2 things wait for you".to_owned()),
        tiles: vec![
            tile("1,300", "accounts linked", "/admin/integrations", false),
            tile("1", "to verify", "/admin/applications", true),
            tile("1", "asking for trust", "/admin/trust", true),
            tile("37", "with an account", "/admin/people", false),
        ],
        waiting: vec![
            waiting(
                "/admin/applications/x",
                "Verify Clinic Companion",
                "https://companion.example.org",
                5 * HOUR,
            ),
            waiting(
                "/admin/trust/withings/x",
                "Trust Pulse Diary with Withings",
                "Weight; 60 calls a minute",
                2 * DAY,
            ),
        ],
        integrations: integration_rows(),
    }
}

fn applications() -> Applications {
    let row = |name: &str, client_id: &str, state, age| ApplicationRow {
        id: ID.to_owned(),
        client_id: client_id.to_owned(),
        name: name.to_owned(),
        state,
        uri: "https://app.example.org".to_owned(),
        registered: ago(age),
    };
    Applications {
        frame: frame("Applications", Here::Applications),
        how: "1 of 2 applications is verified".to_owned(),
        but: Some("1 waits for you".to_owned()),
        applications: vec![
            row(
                "Clinic Companion",
                "Zt9pLr4QeV1xB6nKc0MdUa.companion",
                State::warn("Waits to be verified"),
                5 * HOUR,
            ),
            row("Pulse Diary", "kq3vXb7TfN2mR8sJ5hWcYw.pulsediary", State::good("Verified"), 64 * DAY),
        ],
        more: None,
    }
}

fn change(before: &[&str], now: &[&str], property: &str) -> ChangeRow {
    review::change(&Change { property: property.to_owned(), before: words(before), now: words(now) })
}

fn step(what: Said, by: &str, age: u64, note: Option<&str>) -> StepRow {
    StepRow { what: what.into(), by: Some(by.to_owned()), at: ago(age), note: note.map(str::to_owned) }
}

fn application() -> Application {
    let verdicts = [Verdict::Advice, Verdict::Kept];
    let findings: Vec<Finding> =
        RULES.iter().zip(verdicts).map(|(rule, verdict)| Finding { rule, verdict }).collect();
    Application {
        frame: frame("Clinic Companion", Here::Applications),
        how: t("review-waits").into(),
        id: ID.to_owned(),
        client_id: "Zt9pLr4QeV1xB6nKc0MdUa.companion".to_owned(),
        name: "Clinic Companion".to_owned(),
        state: State::warn("Waits to be verified"),
        uri: "companion://".to_owned(),
        redirect_uris: words(&["companion://signed-in"]),
        kind: kind_in_words(Confidentiality::Public),
        profile: "oauth21",
        auth_method: "none",
        grants: vec![grant_in_words(GrantType::AuthorizationCode)],
        registered_by: Some("Idris Okafor".to_owned()),
        changes: Some(vec![
            change(&["https://companion.example.org"], &["companion://"], "client_uri"),
            change(&["openid"], &["openid", "integrations:read"], "scope"),
            change(&[], &["help@companion.example.org"], "contacts"),
        ]),
        report: inspect::how_it_keeps(&findings),
        findings: findings.iter().filter_map(inspect::finding).collect(),
        steps: vec![
            step(t("review-step-asked-again"), "Idris Okafor", 5 * HOUR, None),
            step(t("review-step-change-asked"), "Ailsa Grant", DAY, Some("integrations:use?")),
            step(t("review-step-lapsed"), "Idris Okafor", 2 * DAY, None),
            step(t("review-step-verified"), "Ailsa Grant", 60 * DAY, None),
        ],
        scopes: ["openid", "integrations:read"]
            .map(|s| (s.to_owned(), crate::permission::sentence(s)))
            .into(),
        registered: ago(5 * HOUR),
        verify: Some(Form::new(format!("/admin/applications/{ID}/verify"), "Verify")),
        connections: super::keys::connections("/admin/applications"),
    }
}

fn withdraw() -> Confirm {
    let page = format!("/admin/applications/{ID}");
    Confirm {
        frame: frame("Withdraw verification", Here::Applications),
        back: (page.clone(), "Pulse Diary".to_owned()),
        heading: "Withdraw the verification of Pulse Diary?".to_owned(),
        lead: "1,204 people have an account linked that it may use.".to_owned(),
        effects: words(&[
            "Pulse Diary can no longer use any linked account, from now on.",
            "People who sign in to it are told that nobody has checked who made it.",
            "Its registration and its trust stay, and work again after it is verified again.",
        ]),
        form: typed_back(format!("{page}/withdraw"), "Withdraw verification", "Pulse Diary", &page),
    }
}

fn trusts() -> Trusts {
    let row = |client: &str, integration: &str, state, what: &str, since| TrustRow {
        href: format!("/admin/trust/fitbit/{ID}"),
        client: client.to_owned(),
        integration: integration.to_owned(),
        state,
        what: what.to_owned(),
        since: ago(since),
    };
    Trusts {
        frame: frame("Trust", Here::Trust),
        how: "1 grant is in force".to_owned(),
        but: Some("1 request waits for you".to_owned()),
        trusts: vec![
            row("Pulse Diary", "Withings", State::warn("Asked for"), "Read weight", 2 * DAY),
            row(
                "Pulse Diary",
                "Fitbit",
                State::good("Trusted"),
                "Read heart rate; read steps; 60 calls a minute",
                60 * DAY,
            ),
            row("Old Tracker", "Fitbit", State::bad("Withdrawn"), "Nothing", 9 * DAY),
        ],
    }
}

fn trust() -> Trust {
    let actions = vec![
        Choice::new("weight", "Read weight").hint("Asked for.").chosen_if(true),
        Choice::new("sleep", "Read sleep"),
    ];
    Trust {
        frame: frame("Pulse Diary with Withings", Here::Trust),
        how: "Asked for 2 days ago, and waits for you.".to_owned(),
        client: "Pulse Diary".to_owned(),
        client_page: Some(format!("/admin/applications/{ID}")),
        client_state: State::good("Verified"),
        integration: "Withings".to_owned(),
        state: State::warn("Asked for"),
        asked: words(&["Read weight"]),
        since: ago(2 * DAY),
        withdraw: Some(format!("/admin/trust/withings/{ID}/withdraw")),
        form_heading: "Grant trust",
        form: Form::new(format!("/admin/trust/withings/{ID}"), "Grant trust")
            .with(Field::checks("actions", "It may", actions).hint("Whether an account is linked can always be seen.").optional())
            .with(
                Field::lines("proxy", "Addresses it may call")
                    .hint("One on each line, a method and a path, where * stands for one part: GET /v2/measure/*")
                    .optional(),
            )
            .with(Field::text("scopes", "Scopes to ask the service for").value("user.metrics").optional())
            .with(Field::line("rate_per_minute", "Calls a minute", "number", "off").value("60")),
    }
}
