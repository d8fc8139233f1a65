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
    permission::sentence,
    t,
};

pub(super) const ID: &str = "0190b6e0-0000-7000-8000-00000000000a";

pub(super) fn frame(title: impl Into<String>, here: Here) -> Frame {
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
        row("withings", "Withings", "Withings", State::warn(t("int-needs-attention")), 96, 4),
        row("fitbit", "Fitbit", "Fitbit", State::good(t("int-enabled")), 1_204, 0),
        row("riverside-hospital", "Riverside Hospital", "FHIR", State::quiet(t("int-disabled")), 0, 0),
    ]
}

fn overview() -> Overview {
    let tile = |figure: &str, words: Said, href, is_waiting| Tile {
        figure: figure.to_owned(),
        words: words.into(),
        href,
        is_waiting,
    };
    let waiting = |href: &str, what: Said, who: &str, since| Waiting {
        href: href.to_owned(),
        what: what.into(),
        why: who.to_owned(),
        since: ago(since),
    };
    Overview {
        frame: frame(t("menu-overview"), Here::Overview),
        organisation: "Kelvin Health".to_owned(),
        how: t("over-how-but")
            .of("how", t("int-some").count("many", 3))
            .of("but", t("int-attention").count("many", 1))
            .into(),
        but: Some(t("over-waits").count("many", 2).into()),
        tiles: vec![
            tile("1,300", t("over-linked"), "/admin/integrations", false),
            tile("1", t("over-verify"), "/admin/applications", true),
            tile("1", t("over-asking"), "/admin/trust", true),
            tile("37", t("over-people"), "/admin/people", false),
        ],
        waiting: vec![
            waiting(
                "/admin/applications/x",
                t("over-verify-one").of("name", "Clinic Companion"),
                "https://companion.example.org",
                5 * HOUR,
            ),
            waiting(
                "/admin/trust/withings/x",
                t("over-trust-one")
                    .of("what", t("grant-with").of("client", "Pulse Diary").of("integration", "Withings")),
                &t("terms-rate").count("many", 60).to_string(),
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
        frame: frame(t("menu-applications"), Here::Applications),
        how: t("apps-some-verified").count("verified", 1).count("many", 2).into(),
        but: Some(t("apps-waiting").count("many", 1).into()),
        applications: vec![
            row(
                "Clinic Companion",
                "Zt9pLr4QeV1xB6nKc0MdUa.companion",
                State::warn(t("state-waits")),
                5 * HOUR,
            ),
            row(
                "Pulse Diary",
                "kq3vXb7TfN2mR8sJ5hWcYw.pulsediary",
                State::good(t("state-verified")),
                64 * DAY,
            ),
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
        state: State::warn(t("state-waits")),
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
        verify: Some(Form::new(format!("/admin/applications/{ID}/verify"), t("review-verify"))),
        connections: super::keys::connections("/admin/applications"),
    }
}

fn withdraw() -> Confirm {
    let page = format!("/admin/applications/{ID}");
    Confirm {
        frame: frame(t("review-withdraw"), Here::Applications),
        back: (page.clone(), "Pulse Diary".to_owned()),
        heading: t("verif-withdraw-question").of("name", "Pulse Diary").into(),
        lead: t("verif-some").count("many", 2).into(),
        effects: [t("verif-trust").count("many", 2), t("verif-people"), t("verif-stays")]
            .map(String::from)
            .into(),
        form: typed_back(format!("{page}/withdraw"), t("review-withdraw"), "Pulse Diary", &page),
    }
}

fn trusts() -> Trusts {
    let row = |client: &str, integration: &str, state, what: String, since| TrustRow {
        href: format!("/admin/trust/fitbit/{ID}"),
        client: client.to_owned(),
        integration: integration.to_owned(),
        state,
        what,
        since: ago(since),
    };
    let calls = t("terms-rate").count("many", 60).into();
    Trusts {
        frame: frame(t("menu-trust"), Here::Trust),
        how: t("grant-some").count("many", 1).into(),
        but: Some(t("grant-waits").count("many", 1).into()),
        trusts: vec![
            row("Pulse Diary", "Withings", State::warn(t("trust-asked-for")), sentence("weight"), 2 * DAY),
            row("Pulse Diary", "Fitbit", State::good(t("trust-trusted")), calls, 60 * DAY),
            row("Old Diary", "Fitbit", State::bad(t("trust-withdrawn")), t("trust-nothing").into(), 9 * DAY),
        ],
    }
}

fn trust() -> Trust {
    let actions = vec![
        Choice::new("weight", sentence("weight")).hint(t("grant-asked-mark")).chosen_if(true),
        Choice::new("sleep", sentence("sleep")),
    ];
    Trust {
        frame: frame(t("menu-trust"), Here::Trust),
        how: t("grant-requested").into(),
        client: "Pulse Diary".to_owned(),
        client_page: Some(format!("/admin/applications/{ID}")),
        client_state: State::good(t("state-verified")),
        integration: "Withings".to_owned(),
        state: State::warn(t("trust-asked-for")),
        asked: vec![sentence("weight")],
        since: ago(2 * DAY),
        withdraw: Some(format!("/admin/trust/withings/{ID}/withdraw")),
        form_heading: t("grant-act").into(),
        form: Form::new(format!("/admin/trust/withings/{ID}"), t("grant-act"))
            .with(Field::checks("actions", t("grant-may"), actions).hint(t("grant-may-hint")).optional())
            .with(
                Field::lines("proxy", t("grant-proxy"))
                    .hint(t("grant-proxy-hint").of("example", "/v2/*"))
                    .optional(),
            )
            .with(Field::text("scopes", t("grant-scopes")).hint(t("grant-scopes-hint")).optional())
            .with(Field::line("rate_per_minute", t("grant-rate"), "number", "off").value("60")),
    }
}
