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
            Providers, person_form, role_choices,
        },
        ask::Ask,
    },
};

pub(super) fn samples() -> Vec<(&'static str, String)> {
    vec![
        shown("admin-integrations", &integrations()),
        shown(
            "admin-integrations-empty",
            &Integrations {
                integrations: Vec::new(),
                how: "No integration is set up yet.".to_owned(),
                but: None,
                ..integrations()
            },
        ),
        shown("admin-providers", &providers()),
        shown("admin-add-integration", &add_integration()),
        shown("admin-integration", &integration()),
        shown("admin-people", &people()),
        shown("admin-add-person", &add_person()),
        shown("admin-person", &person()),
        shown("admin-organisation", &organisation()),
        shown("admin-audit", &audit()),
    ]
}

fn integrations() -> Integrations {
    Integrations {
        frame: frame("Integrations", Here::Integrations),
        how: "2 of 3 integrations are enabled".to_owned(),
        but: Some("1 needs attention".to_owned()),
        integrations: integration_rows(),
    }
}

fn providers() -> Providers {
    let tile = |id: &str, name: &str, family: &str, confidence: &str| ProviderTile {
        href: (!id.is_empty()).then(|| format!("/admin/integrations/new/{id}")),
        name: name.to_owned(),
        family: family.to_owned(),
        note: confidence.to_owned(),
    };
    Providers {
        frame: frame("Add an integration", Here::Integrations),
        known: 74,
        query: String::new(),
        family: "wearable".to_owned(),
        families: vec![
            ("wearable".to_owned(), "Wearables".to_owned()),
            ("ehr".to_owned(), "Health records".to_owned()),
            ("research".to_owned(), "Research".to_owned()),
        ],
        found: "6 of 74 services".to_owned(),
        providers: vec![
            tile("fitbit", "Fitbit Web API", "Wearable", "facts from its own documents"),
            tile("google-health", "Google Health API", "Wearable", "facts from two clients"),
            tile("oura", "Oura API v2", "Wearable", "facts from its own documents"),
            tile("withings", "Withings Public Health Data API", "Wearable", "facts from its own documents"),
            tile("strava", "Strava API v3", "Wearable", "facts from its own documents"),
            tile("polar", "Polar AccessLink", "Wearable", "facts from one source: check first"),
            tile("", "Apple HealthKit", "Wearable", "works by keys, not by people’s accounts"),
        ],
    }
}

fn add_integration() -> Ask {
    Ask {
        frame: frame("Add Withings", Here::Integrations),
        back: ("/admin/integrations/new".to_owned(), "All services".to_owned()),
        heading: "Add Withings".to_owned(),
        lead: "Register Hilum at Withings with the redirect URI below, then enter what you were given there.".to_owned(),
        form: Form::new("/admin/integrations", "Add integration")
            .hiding("provider", "withings")
            .with(Field::text("name", "Name").hint("As people know it.").value("Withings"))
            .with(
                Field::text("slug", "Id in addresses")
                    .hint("Small letters, digits and hyphens. The redirect URI is https://hilum.example.org/integrations/oauth2/withings/callback")
                    .value("withings"),
            )
            .with(Field::text("client_id", "Client id at Withings"))
            .with(Field::line("client_secret", "Client secret at Withings", "password", "off").hint("Kept sealed, and never shown again."))
            .with(Field::text("scopes", "Scopes to ask for").value("user.activity user.metrics user.info").optional())
            .or_back_to("/admin/integrations"),
    }
}

fn integration() -> Integration {
    Integration {
        frame: frame("Withings", Here::Integrations),
        how: "96 accounts are linked; 4 need to be linked again.".to_owned(),
        slug: "withings".to_owned(),
        name: "Withings".to_owned(),
        provider: "Withings Public Health Data API".to_owned(),
        confidence: "facts from its own documents".to_owned(),
        state: State::good("Enabled"),
        callback: "https://hilum.example.org/integrations/oauth2/withings/callback".to_owned(),
        linked: 96,
        trusted: 1,
        is_enabled: true,
        form: Form::new("/admin/integrations/withings", "Save")
            .with(Field::text("name", "Name").value("Withings"))
            .with(Field::text("client_id", "Client id at Withings").value("8c1f0e"))
            .with(
                Field::line("client_secret", "Client secret at Withings", "password", "off")
                    .hint("Leave empty to keep the one that is sealed.")
                    .optional(),
            )
            .with(
                Field::text("scopes", "Scopes to ask for")
                    .value("user.activity user.metrics user.info")
                    .optional(),
            ),
    }
}

fn people() -> People {
    let row = |name: &str, email: &str, roles: &str, age| PersonRow {
        id: ID.to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
        roles: roles.to_owned(),
        since: ago(age),
    };
    People {
        frame: frame("People", Here::People),
        how: "1 administrator, 1 developer and 1 person without another role".to_owned(),
        organisation: "Kelvin Health".to_owned(),
        people: vec![
            row("Ailsa Grant", "ailsa@example.org", "Administrator, developer", 70 * DAY),
            row("Idris Okafor", "idris@example.org", "Developer", 65 * DAY),
            row("Morag Sinclair", "morag@example.org", "Person", 20 * DAY),
        ],
        more: Some("/admin/people?after=x".to_owned()),
    }
}

fn add_person() -> Ask {
    Ask {
        frame: frame("Add a person", Here::People),
        back: ("/admin/people".to_owned(), "People".to_owned()),
        heading: "Add a person".to_owned(),
        lead: "They can sign in at once.".to_owned(),
        form: person_form("", "", &["person"], 12),
    }
}

fn person() -> Ask {
    Ask {
        frame: frame("Idris Okafor", Here::People),
        back: ("/admin/people".to_owned(), "People".to_owned()),
        heading: "Idris Okafor".to_owned(),
        lead: "idris@example.org, here since 16 September 2026.".to_owned(),
        form: Form::new(format!("/admin/people/{ID}"), "Save roles")
            .with(Field::checks("roles", "Roles", role_choices(&["person", "developer"])))
            .or_back_to("/admin/people"),
    }
}

fn organisation() -> Organisation {
    let part = |id: &str, name: &str| Part { id: id.to_owned(), name: name.to_owned(), at: String::new() };
    Organisation {
        frame: frame("Organisation", Here::Organisation),
        name: "Kelvin Health".to_owned(),
        how: "2 sites and no study".to_owned(),
        sites: vec![part("kelvin-north", "Kelvin North clinic"), part("kelvin-south", "Kelvin South clinic")],
        studies: Vec::new(),
        add_site: part_form("/admin/organisation/sites", "Add site", ["site_name", "site_slug"], "a site"),
        add_study: part_form(
            "/admin/organisation/studies",
            "Add study",
            ["study_name", "study_slug"],
            "a study",
        ),
    }
}

fn audit() -> Audit {
    let row = |age, act: &str, actor: &str, subject: &str, outcome, why: Option<&str>| AuditRow {
        at: ago(age),
        act: act.to_owned(),
        actor: actor.to_owned(),
        subject: subject.to_owned(),
        outcome,
        why: why.map(str::to_owned),
        request: Some("01JDA4Z7Q9-sample".to_owned()),
    };
    let person = "person 0190b6e0-2a40-7cc1-9d3e-5b1f6a7c8d90, through Pulse Diary";
    Audit {
        frame: frame("Audit trail", Here::Audit),
        how: "The newest 4 entries of this organisation, newest first".to_owned(),
        act: String::new(),
        subject: String::new(),
        person: String::new(),
        client: String::new(),
        entries: vec![
            row(30, "action.performed", person, "integration fitbit", State::good("Done"), None),
            row(
                4 * MINUTE,
                "connection.linked",
                person,
                "connection 0190b6e0-77a1",
                State::good("Done"),
                None,
            ),
            row(
                3 * HOUR,
                "connection.refreshed",
                "Hilum itself",
                "connection 0190b6e0-51c2",
                State::bad("Failed"),
                Some("invalid_grant"),
            ),
            row(
                DAY,
                "session.begun",
                "nobody known",
                "session",
                State::warn("Refused"),
                Some("wrong password"),
            ),
        ],
        newest: None,
        older: Some("/admin/audit?before=x".to_owned()),
    }
}
