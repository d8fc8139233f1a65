//! What administrators see of providers that people sign in through, and of whose records somebody may open.

use serde_json::{Map, Value};

use super::{DAY, HOUR, ago, shown};
use crate::{
    admin::{
        record::{link_form, user_form},
        upstream_form::form_of,
    },
    form::{Field, Form},
    frame::{Frame, Here, Viewer},
    label::State,
    page::{
        ask::Ask,
        person::{PatientRow, Person, Records, relation_in_words},
        upstream::{Presets, Upstream, UpstreamRow, Upstreams, client_auth_in_words},
    },
    t,
};

fn frame(here: Here) -> Frame {
    Frame::inside(t("menu-upstream"), here, Viewer::sample_administrator())
}

pub(super) fn samples() -> Vec<(&'static str, String)> {
    let none = Upstreams { providers: Vec::new(), how: t("upstream-none").into(), but: None, ..all() };
    vec![
        shown("admin-upstreams", &all()),
        shown("admin-upstreams-empty", &none),
        shown("admin-upstream", &one()),
        shown("admin-upstream-presets", &presets()),
        shown("admin-upstream-new", &form()),
        shown("admin-person", &person()),
    ]
}

fn row(slug: &str, name: &str, state: State, failed: Option<u64>) -> UpstreamRow {
    UpstreamRow {
        slug: slug.to_owned(),
        name: name.to_owned(),
        issuer: format!("https://{slug}.example.org"),
        state,
        people: 214,
        used: Some(ago(3 * HOUR)),
        failed: failed.map(|age| (ago(age), t("upstream-why-unreadable").into())),
    }
}

fn all() -> Upstreams {
    Upstreams {
        frame: frame(Here::Upstream),
        how: t("upstream-some").count("many", 2).into(),
        but: Some(t("upstream-failing").count("many", 1).into()),
        providers: vec![
            row("nhs-login", "NHS login", State::good(t("upstream-on")), Some(9 * DAY)),
            row("google", "Google", State::warn(t("upstream-failed-last")), Some(HOUR)),
        ],
    }
}

fn one() -> Upstream {
    Upstream {
        frame: frame(Here::Upstream),
        row: row("google", "Google", State::warn(t("upstream-failed-last")), Some(HOUR)),
        client_id: "8c1f7a".to_owned(),
        callback: "https://kelvin.example.org/sign-in/upstream/google/callback".to_owned(),
        client_auth: client_auth_in_words(auth::upstream::ClientAuth::ClientSecretPost),
        scopes: "openid".to_owned(),
        counts_as: t("upstream-counts-password").into(),
        new_people: t("upstream-new-never").into(),
        since: ago(64 * DAY),
        is_on: true,
    }
}

fn presets() -> Presets {
    let preset = |id: &str, name: &str| (id.to_owned(), name.to_owned(), format!("https://{id}.example.org"));
    Presets {
        frame: frame(Here::Upstream),
        presets: vec![preset("nhs-login", "NHS login"), preset("google", "Google")],
    }
}

fn form() -> Ask {
    let known = Map::from_iter([("scopes".to_owned(), Value::from("openid"))]);
    let heading: String = t("upstream-set-up").of("name", t("upstream-other")).into();
    Ask {
        frame: frame(Here::Upstream),
        back: ("/admin/upstream/new".to_owned(), t("upstream-pick").into()),
        lead: t("upstream-set-up-lead").of("callback", "https://kelvin.example.org/…").into(),
        heading,
        form: form_of("/admin/upstream/new/other", "", &known, None),
    }
}

fn person() -> Person {
    let page = format!("/admin/people/{}", super::admin::ID);
    Person {
        frame: frame(Here::People),
        id: super::admin::ID.to_owned(),
        name: "Morag Sinclair".to_owned(),
        how: t("person-on").of("email", "morag_sinclair@example.org").into(),
        roles: Form::new(&page, t("person-roles-save")).with(Field::checks(
            "roles",
            t("person-roles"),
            Vec::new(),
        )),
        records: Some(Records {
            user: user_form(&page, "Patient/8713"),
            patients: vec![PatientRow {
                id: "4711".to_owned(),
                label: "Isla Sinclair".to_owned(),
                relation: relation_in_words(auth::smart::Relation::Proxy),
            }],
            link: link_form(&page, &[String::new(), String::new(), String::new()]),
        }),
    }
}
