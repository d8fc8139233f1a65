//! What administrators see of what is set up.

use super::{
    DAY, HOUR, MINUTE,
    admin::{ID, frame, integration_rows},
    ago, shown,
};
use crate::{
    admin::organisation::part_form,
    form::{Field, Form},
    frame::Here,
    label::State,
    page::{
        admin::{
            Audit, AuditRow, Integration, Integrations, Organisation, Part, People, PersonRow, ProviderTile,
            Providers, person_form,
        },
        ask::Ask,
    },
    t,
};

pub(super) fn samples() -> Vec<(&'static str, String)> {
    let none =
        Integrations { integrations: Vec::new(), how: t("int-none").into(), but: None, ..integrations() };
    vec![
        shown("admin-integrations", &integrations()),
        shown("admin-integrations-empty", &none),
        shown("admin-providers", &providers()),
        shown("admin-add-integration", &add_integration()),
        shown("admin-integration", &integration()),
        shown("admin-people", &people()),
        shown("admin-add-person", &add_person()),
        shown("admin-organisation", &organisation()),
        shown("admin-audit", &audit()),
    ]
}

fn integrations() -> Integrations {
    Integrations {
        frame: frame(t("menu-integrations"), Here::Integrations),
        how: t("int-some").count("many", 3).into(),
        but: Some(t("int-attention").count("many", 1).into()),
        integrations: integration_rows(),
    }
}

fn providers() -> Providers {
    let tile = |id: &str, name: &str, note: crate::language::Said| ProviderTile {
        href: (!id.is_empty()).then(|| format!("/admin/integrations/new/{id}")),
        name: name.to_owned(),
        family: t("family-wearable").into(),
        note: note.into(),
    };
    Providers {
        frame: frame(t("int-add"), Here::Integrations),
        known: 74,
        query: String::new(),
        family: "wearable".to_owned(),
        families: vec![
            ("wearable".to_owned(), t("family-wearable").into()),
            ("ehr".to_owned(), t("family-ehr").into()),
        ],
        found: t("int-found").count("found", 4).count("all", 74).into(),
        providers: vec![
            tile("fitbit", "Fitbit", t("int-sure")),
            tile("google", "Google Health API", t("int-rather-sure")),
            tile("withings", "Withings", t("int-unsure")),
            tile("", "Old Health", t("int-by-keys")),
        ],
    }
}

fn add_integration() -> Ask {
    let heading: String = t("int-add-one").of("name", "Withings").into();
    Ask {
        frame: frame(heading.clone(), Here::Integrations),
        back: ("/admin/integrations/new".to_owned(), t("int-all").into()),
        heading,
        lead: t("int-add-lead")
            .of("callback", "https://kelvin.example.org/integrations/oauth2/withings/callback")
            .into(),
        form: settings(Form::new("/admin/integrations", t("int-add-act"))).or_back_to("/admin/integrations"),
    }
}

fn settings(form: Form) -> Form {
    form.with(Field::text("name", t("int-name")).hint(t("int-name-hint")).value("Withings"))
        .with(Field::text("client_id", t("client-id")).hint(t("int-client-id-hint")))
        .with(Field::line("client_secret", t("int-secret"), "password", "off").hint(t("upstream-sealed")))
        .with(Field::text("scopes", t("int-scopes")).hint(t("int-scopes-hint")).optional())
}

fn integration() -> Integration {
    Integration {
        frame: frame("Withings", Here::Integrations),
        how: t("int-linked").count("many", 96).into(),
        slug: "withings".to_owned(),
        name: "Withings".to_owned(),
        provider: "Withings".to_owned(),
        confidence: t("int-sure").into(),
        state: State::good(t("int-enabled")),
        looked_after: "/staff/integrations/int_019a0b6e0000700080000000000000ab".to_owned(),
        callback: "https://kelvin.example.org/integrations/oauth2/withings/callback".to_owned(),
        linked: 96,
        trusted: 1,
        is_enabled: true,
        form: settings(Form::new("/admin/integrations/withings", t("grant-save"))),
    }
}

fn people() -> People {
    let row = |name: &str, role: crate::language::Said, age| PersonRow {
        id: ID.to_owned(),
        name: name.to_owned(),
        email: "somebody_here@example.org".to_owned(),
        roles: role.into(),
        since: ago(age),
    };
    People {
        frame: frame(t("menu-people"), Here::People),
        how: t("people-more").count("many", 3).into(),
        organisation: "Kelvin Health".to_owned(),
        people: vec![
            row("Ailsa Grant", t("role-administrator"), 70 * DAY),
            row("Idris Okafor", t("role-developer"), 65 * DAY),
            row("Morag Sinclair", t("role-person"), 20 * DAY),
        ],
        more: Some("/admin/people?after=x".to_owned()),
    }
}

fn add_person() -> Ask {
    Ask {
        frame: frame(t("people-add"), Here::People),
        back: ("/admin/people".to_owned(), t("menu-people").into()),
        heading: t("people-add").into(),
        lead: t("people-add-lead").into(),
        form: person_form("", "", &["person"], 12),
    }
}

fn organisation() -> Organisation {
    let part = |id: &str, name: &str| Part { id: id.to_owned(), name: name.to_owned(), at: String::new() };
    let site = ["site_name", "site_slug"];
    let study = ["study_name", "study_slug"];
    Organisation {
        frame: frame(t("menu-organisation"), Here::Organisation),
        name: "Kelvin Health".to_owned(),
        how: t("org-how")
            .of("sites", t("org-sites-some").count("many", 2))
            .of("studies", t("org-studies-none"))
            .into(),
        sites: vec![part("kelvin-baird", "Kelvin Baird"), part("kelvin-riverside", "Kelvin Riverside")],
        studies: Vec::new(),
        add_site: part_form("/admin/organisation/sites", t("org-add-site"), site, t("org-site-name")),
        add_study: part_form("/admin/organisation/studies", t("org-add-study"), study, t("org-study-name")),
    }
}

fn audit() -> Audit {
    let row = |age, act: &str, actor: String, subject: &str, outcome, why: Option<&str>| AuditRow {
        at: ago(age),
        act: act.to_owned(),
        actor,
        subject: subject.to_owned(),
        outcome,
        why: why.map(str::to_owned),
        request: Some("01JDA4Z7Q9-sample".to_owned()),
    };
    let done = || State::good(t("audit-done"));
    let person = || t("audit-through").of("person", "Morag Sinclair").of("client", "Pulse Diary").into();
    Audit {
        frame: frame(t("menu-audit"), Here::Audit),
        how: t("audit-newest").count("many", 4).into(),
        act: String::new(),
        subject: String::new(),
        person: String::new(),
        client: String::new(),
        entries: vec![
            row(30, "action.performed", person(), "integration fitbit", done(), None),
            row(4 * MINUTE, "connection.linked", person(), "connection 0190b6e0-77a1", done(), None),
            row(
                3 * HOUR,
                "connection.refreshed",
                t("audit-itself").into(),
                "connection 0190b6e0-51c2",
                State::bad(t("audit-failed")),
                Some("invalid_grant"),
            ),
            row(
                DAY,
                "session.begun",
                t("audit-nobody").into(),
                "session",
                State::warn(t("audit-refused")),
                Some("wrong_password"),
            ),
        ],
        newest: None,
        older: Some("/admin/audit?before=x".to_owned()),
    }
}
