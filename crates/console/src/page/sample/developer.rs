//! What developers see.

use auth::{
    client::{
        Confidentiality, GrantType,
        register::Registration,
        report::{self, Verdict},
    },
    trace::explain,
};
use kernel::{Issue, Secret};

use super::{DAY, HOUR, ago, shown, words};
use crate::{
    developer::inspect,
    form::{Choice, Field, Form},
    frame::{Frame, Here, Viewer},
    label::State,
    language::Said,
    page::{
        ask::Ask,
        confirm::{Confirm, typed_back},
        developer::{
            Application, Applications, NewSecret, Returned, Row, SecretRow, Trust, grant_in_words,
            kind_in_words, lifetimes,
        },
        inspect::{Conformance, Failure, Failures, Rule},
        registration_form::register_form,
    },
    permission::sentence,
    t,
};

const ID: &str = "0190b6e0-0000-7000-8000-00000000000a";
const CLIENT_ID: &str = "kq3vXb7TfN2mR8sJ5hWcYw.pulsediary";

fn frame(title: Said) -> Frame {
    Frame::inside(title, Here::Developer, Viewer::sample_developer())
}

pub(super) fn samples() -> Vec<(&'static str, String)> {
    let said = Registration {
        name: "Pulse Diary".to_owned(),
        uri: "diary".to_owned(),
        grant_types: words(&["authorization_code"]),
        ..Registration::default()
    };
    let wrong =
        vec![Issue::at("uri", "must not be empty"), Issue::at("suffix", "must be 1 to 40 of 0-9 and a-z")];
    vec![
        shown("developer-applications", &applications()),
        shown(
            "developer-applications-empty",
            &Applications {
                applications: Vec::new(),
                how: t("apps-none").into(),
                but: None,
                ..applications()
            },
        ),
        shown("developer-register", &register(register_form("", &Registration::default()))),
        shown("developer-register-refused", &register(register_form("Pulse-Diary", &said).refused(wrong))),
        shown("developer-application", &application()),
        shown("developer-application-sent-back", &sent_back()),
        shown("developer-conformance", &conformance()),
        shown("developer-failures", &failures()),
        shown(
            "developer-failures-empty",
            &Failures { how: t("failures-none").into(), failures: Vec::new(), ..failures() },
        ),
        shown("developer-secret", &secret()),
        shown("developer-end-secret", &end_secret()),
        shown("developer-ask-trust", &ask_trust()),
    ]
}

fn applications() -> Applications {
    let row = |name: &str, client_id: &str, state, trusted_for: &str, age| Row {
        id: ID.to_owned(),
        client_id: client_id.to_owned(),
        name: name.to_owned(),
        state,
        trusted_for: trusted_for.to_owned(),
        registered: ago(age),
    };
    Applications {
        frame: frame(t("menu-own-applications")),
        how: t("apps-some-verified").count("verified", 1).count("many", 2).into(),
        but: Some(t("apps-waiting").count("many", 1).into()),
        organisation: "Kelvin Health".to_owned(),
        applications: vec![
            row("Pulse Diary", CLIENT_ID, State::good(t("state-verified")), "Fitbit, Withings", 64 * DAY),
            row(
                "Clinic Companion",
                "Zt9pLr4QeV1xB6nKc0MdUa.companion",
                State::warn(t("state-waits")),
                &t("apps-nothing-yet").to_string(),
                5 * HOUR,
            ),
        ],
        more: None,
    }
}

fn register(form: Form) -> Ask {
    Ask {
        frame: frame(t("apps-register")),
        back: ("/developer/".to_owned(), t("menu-own-applications").into()),
        heading: t("apps-register").into(),
        lead: t("reg-lead").into(),
        form,
    }
}

fn application() -> Application {
    let trust = |slug: &str, name: &str, state, may: &str, ask_words: Said| Trust {
        slug: slug.to_owned(),
        name: name.to_owned(),
        state,
        may: may.to_owned(),
        is_granted: false,
        may_ask: true,
        ask_words: ask_words.into(),
    };
    let secret = |name: &str, made, last_use: Option<u64>| SecretRow {
        id: ID.to_owned(),
        name: name.to_owned(),
        made: ago(made),
        ends: None,
        last_use: last_use.map(ago),
    };
    Application {
        frame: frame(t("client-registration")),
        how: t("client-how").of("state", t("state-verified")).count("trusted", 1).count("all", 3).into(),
        id: ID.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        name: "Pulse Diary".to_owned(),
        state: State::good(t("state-verified")),
        returned: None,
        uri: "https://diary.example.org/app".to_owned(),
        redirect_uris: words(&[
            "https://diary.example.org/signed-in",
            "https://staging.diary.example.org/signed-in",
        ]),
        kind: kind_in_words(Confidentiality::Confidential),
        profile: "oauth21",
        auth_method: "client_secret_basic",
        has_secret: true,
        grants: [GrantType::AuthorizationCode, GrantType::RefreshToken].map(grant_in_words).into(),
        scopes: ["openid", "integrations:read", "integrations:use"]
            .map(|s| (s.to_owned(), crate::permission::sentence(s)))
            .into(),
        logo: None,
        registered: ago(64 * DAY),
        integrations: vec![
            trust(
                "fitbit",
                "Fitbit",
                State::good(t("trust-trusted")),
                &t("terms-rate").count("many", 60).to_string(),
                t("trust-ask"),
            ),
            trust(
                "withings",
                "Withings",
                State::warn(t("trust-asked-for")),
                &sentence("weight"),
                t("trust-ask-change"),
            ),
            trust(
                "riverside-hospital",
                "Riverside Hospital",
                State::quiet(t("trust-not")),
                &t("trust-nothing").to_string(),
                t("trust-ask"),
            ),
        ],
        lifetimes: lifetimes(),
        connections: super::keys::connections("/developer/applications"),
        secrets: vec![secret("7a7c8d90", 64 * DAY, Some(120)), secret("7b10e2f4", 2 * HOUR, None)],
    }
}

fn sent_back() -> Application {
    Application {
        how: t("client-how").of("state", t("state-change-asked")).count("trusted", 0).count("all", 3).into(),
        state: State::warn(t("state-change-asked")),
        returned: Some(Returned {
            heading: t("review-developer-change").into(),
            note: "https://staging.diary.example.org/signed-in".to_owned(),
            at: ago(3 * HOUR),
        }),
        ..application()
    }
}

fn conformance() -> Conformance {
    let all = |verdict| report::RULES.iter().map(move |rule| report::Finding { rule, verdict });
    let findings: Vec<report::Finding> = all(Verdict::Broken)
        .take(1)
        .chain(all(Verdict::Advice).skip(1).take(2))
        .chain(all(Verdict::Kept).skip(3))
        .collect();
    let kept = findings.iter().filter(|found| found.verdict == Verdict::Kept);
    Conformance {
        frame: frame(t("keeps-title").of("name", "Pulse Diary")),
        id: ID.to_owned(),
        name: "Pulse Diary".to_owned(),
        profile: "oauth21",
        how: inspect::how_it_keeps(&findings),
        kept: kept
            .map(|found| Rule { id: found.rule.id, asks: found.rule.asks, spec: found.rule.spec })
            .collect(),
        findings: findings.iter().filter_map(inspect::finding).collect(),
    }
}

fn failures() -> Failures {
    let failure = |error: &str, why: &str, endpoint: &str, age| {
        let explanation = explain(error, why);
        Failure {
            at: ago(age),
            endpoint: endpoint.to_owned(),
            error: error.to_owned(),
            why: why.replace('_', " "),
            got: explanation.got,
            expected: explanation.expected,
            mend: explanation.mend,
            spec: explanation.spec,
            request: Some("01JDA4Z7Q9-sample".to_owned()),
        }
    };
    Failures {
        frame: frame(t("failures-title").of("name", "Pulse Diary")),
        id: ID.to_owned(),
        name: "Pulse Diary".to_owned(),
        how: t("failures-some").count("many", 2).into(),
        failures: vec![
            failure("invalid_client", "wrong_secret", "/oauth2/token", 120),
            failure("invalid_request", "code_challenge_method must be S256", "/oauth2/authorize", 3 * HOUR),
        ],
    }
}

fn secret() -> NewSecret {
    NewSecret {
        frame: frame(t("secrets-new")),
        heading: t("secrets-new-heading").of("name", "Pulse Diary").into(),
        id: ID.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        secret: Secret::new("hlm_cs_made-up-Vh3uQ8yJx0RkT5bGm2NsZc7LpWfEa9DoI4t1".to_owned()),
    }
}

fn end_secret() -> Confirm {
    let page = format!("/developer/applications/{ID}");
    Confirm {
        frame: frame(t("secrets-end-title")),
        back: (page.clone(), "Pulse Diary".to_owned()),
        heading: t("secrets-end-question").of("name", "Pulse Diary").into(),
        lead: t("secrets-end-lead").into(),
        effects: [t("secrets-end-tokens"), t("secrets-end-stay"), t("secrets-end-final")]
            .map(String::from)
            .into(),
        form: typed_back(format!("{page}/secrets/{ID}/end"), t("secrets-end-act"), "Pulse Diary", &page),
    }
}

fn ask_trust() -> Ask {
    let page = format!("/developer/applications/{ID}");
    let actions = vec![
        Choice::new("heart-rate", sentence("heartrate")).chosen_if(true),
        Choice::new("steps", sentence("activity")),
        Choice::new("sleep", sentence("sleep")),
    ];
    Ask {
        frame: frame(t("trust-ask")),
        back: (page.clone(), "Pulse Diary".to_owned()),
        heading: t("trust-ask-heading").of("name", "Riverside Hospital").into(),
        lead: t("trust-ask-lead").into(),
        form: Form::new(format!("{page}/trust/riverside-hospital"), t("trust-ask"))
            .with(
                Field::checks("actions", t("trust-ask-actions"), actions)
                    .hint(t("trust-ask-hint"))
                    .optional(),
            )
            .or_back_to(page),
    }
}
