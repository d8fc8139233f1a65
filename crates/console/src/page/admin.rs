//! Administration.  contract 1, Rules (trust) and Developer portal (verification)

use askama::Template;

use super::{connection::Connections, inspect::Finding};
use crate::{
    form::{Choice, Field, Form},
    frame::Frame,
    label::State,
    moment::Moment,
    t,
};

/// How the organisation is.
#[derive(Template)]
#[template(path = "admin/overview.html")]
pub(crate) struct Overview {
    pub(crate) frame: Frame,
    pub(crate) organisation: String,
    pub(crate) how: String,
    pub(crate) but: Option<String>,
    pub(crate) tiles: Vec<Tile>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) integrations: Vec<IntegrationRow>,
}

/// A figure that leads to its list.
pub(crate) struct Tile {
    pub(crate) figure: String,
    pub(crate) words: String,
    pub(crate) href: &'static str,
    pub(crate) is_waiting: bool,
}

/// Something that waits for an administrator.
pub(crate) struct Waiting {
    pub(crate) href: String,
    pub(crate) what: String,
    /// What there is to know before.
    pub(crate) why: String,
    pub(crate) since: Moment,
}

/// The applications, those to verify first.
#[derive(Template)]
#[template(path = "admin/applications.html")]
pub(crate) struct Applications {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) but: Option<String>,
    pub(crate) applications: Vec<ApplicationRow>,
    /// Where the list goes on.
    pub(crate) more: Option<String>,
}

/// One application in the list.
pub(crate) struct ApplicationRow {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) uri: String,
    pub(crate) registered: Moment,
}

/// One application, to verify or not.
#[derive(Template)]
#[template(path = "admin/application.html")]
pub(crate) struct Application {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) uri: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) kind: String,
    pub(crate) profile: &'static str,
    pub(crate) auth_method: &'static str,
    pub(crate) grants: Vec<String>,
    pub(crate) scopes: Vec<(String, String)>,
    /// Who registered it, if a person did who is still here.
    pub(crate) registered_by: Option<String>,
    pub(crate) registered: Moment,
    /// What is not as it was when it was last verified; none where it never was.
    pub(crate) changes: Option<Vec<ChangeRow>>,
    /// How it keeps to its profile, in a sentence.
    pub(crate) report: String,
    /// The rules that it does not keep.
    pub(crate) findings: Vec<Finding>,
    /// What happened so far, the newest first.
    pub(crate) steps: Vec<StepRow>,
    /// The form that verifies, while it is not.
    pub(crate) verify: Option<Form>,
    pub(crate) connections: Connections,
}

/// A property that is not what it was: each value, and whether it is there on both sides.
pub(crate) struct ChangeRow {
    /// In words.
    pub(crate) label: String,
    /// In the words of RFC 7591 §2.
    pub(crate) property: String,
    pub(crate) before: Vec<(String, bool)>,
    pub(crate) now: Vec<(String, bool)>,
}

/// One step of an application's way.
pub(crate) struct StepRow {
    pub(crate) what: String,
    pub(crate) by: Option<String>,
    pub(crate) at: Moment,
    pub(crate) note: Option<String>,
}

/// What applications may do with integrations.
#[derive(Template)]
#[template(path = "admin/trusts.html")]
pub(crate) struct Trusts {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) but: Option<String>,
    pub(crate) trusts: Vec<TrustRow>,
}

/// One trust in the list.
pub(crate) struct TrustRow {
    pub(crate) href: String,
    pub(crate) client: String,
    pub(crate) integration: String,
    pub(crate) state: State,
    pub(crate) what: String,
    pub(crate) since: Moment,
}

/// One trust, or a request for it.
#[derive(Template)]
#[template(path = "admin/trust.html")]
pub(crate) struct Trust {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) client: String,
    /// The client's page, where it is the administrator's to see.
    pub(crate) client_page: Option<String>,
    pub(crate) client_state: State,
    pub(crate) integration: String,
    pub(crate) state: State,
    /// What was asked for, in words.
    pub(crate) asked: Vec<String>,
    pub(crate) since: Moment,
    /// Where it can be withdrawn.
    pub(crate) withdraw: Option<String>,
    pub(crate) form_heading: String,
    pub(crate) form: Form,
}

/// The integrations.
#[derive(Template)]
#[template(path = "admin/integrations.html")]
pub(crate) struct Integrations {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) but: Option<String>,
    pub(crate) integrations: Vec<IntegrationRow>,
}

/// One integration in the list.
pub(crate) struct IntegrationRow {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) state: State,
    pub(crate) linked: u64,
    pub(crate) attention: u64,
}

/// Choose a provider from the catalogue.
#[derive(Template)]
#[template(path = "admin/providers.html")]
pub(crate) struct Providers {
    pub(crate) frame: Frame,
    pub(crate) known: usize,
    pub(crate) query: String,
    pub(crate) family: String,
    pub(crate) families: Vec<(String, String)>,
    /// How many were found, in words.
    pub(crate) found: String,
    pub(crate) providers: Vec<ProviderTile>,
}

/// One provider to choose.
pub(crate) struct ProviderTile {
    /// Where it is set up, if people can link accounts there.
    pub(crate) href: Option<String>,
    pub(crate) name: String,
    pub(crate) family: String,
    /// How sure the catalogue is, or why it cannot be chosen.
    pub(crate) note: String,
}

/// One integration.
#[derive(Template)]
#[template(path = "admin/integration.html")]
pub(crate) struct Integration {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    /// Where staff look after it.
    pub(crate) looked_after: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) confidence: String,
    pub(crate) state: State,
    pub(crate) callback: String,
    pub(crate) linked: u64,
    pub(crate) trusted: usize,
    pub(crate) is_enabled: bool,
    pub(crate) form: Form,
}

/// The people.
#[derive(Template)]
#[template(path = "admin/people.html")]
pub(crate) struct People {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) organisation: String,
    pub(crate) people: Vec<PersonRow>,
    pub(crate) more: Option<String>,
}

/// One person in the list.
pub(crate) struct PersonRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) roles: String,
    pub(crate) since: Moment,
}

/// The organisation with its sites and studies.
#[derive(Template)]
#[template(path = "admin/organisation.html")]
pub(crate) struct Organisation {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    pub(crate) how: String,
    pub(crate) sites: Vec<Part>,
    pub(crate) studies: Vec<Part>,
    pub(crate) add_site: Form,
    pub(crate) add_study: Form,
}

/// A site or a study.
pub(crate) struct Part {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Where a study runs.
    pub(crate) at: String,
}

/// The audit trail, newest first.
#[derive(Template)]
#[template(path = "admin/audit.html")]
pub(crate) struct Audit {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) act: String,
    pub(crate) person: String,
    pub(crate) client: String,
    pub(crate) subject: String,
    pub(crate) entries: Vec<AuditRow>,
    pub(crate) newest: Option<String>,
    pub(crate) older: Option<String>,
}

/// One entry.
pub(crate) struct AuditRow {
    pub(crate) at: Moment,
    pub(crate) act: String,
    pub(crate) actor: String,
    pub(crate) subject: String,
    pub(crate) outcome: State,
    pub(crate) why: Option<String>,
    pub(crate) request: Option<String>,
}

/// The choices of roles, with what each may do.
pub(crate) fn role_choices(has: &[&str]) -> Vec<Choice> {
    [
        ("person", t("role-person"), t("role-person-hint")),
        ("developer", t("role-developer"), t("role-developer-hint")),
        ("org_admin", t("role-administrator"), t("role-administrator-hint")),
        ("study_manager", t("role-study-manager"), t("role-study-manager-hint")),
        ("data_manager", t("role-data-manager"), t("role-data-manager-hint")),
        ("analyst", t("role-analyst"), t("role-analyst-hint")),
        ("viewer", t("role-viewer"), t("role-viewer-hint")),
        ("auditor", t("role-auditor"), t("role-auditor-hint")),
        ("system_admin", t("role-system-admin"), t("role-system-admin-hint")),
    ]
    .map(|(value, label, hint)| Choice::new(value, label).hint(hint).chosen_if(has.contains(&value)))
    .into()
}

/// The form that adds a person.
pub(crate) fn person_form(name: &str, email: &str, roles: &[&str], password_min: usize) -> Form {
    Form::new("/admin/people", t("people-add-act"))
        .with(Field::text("display_name", t("people-name")).value(name))
        .with(Field::line("email", t("field-email"), "email", "off").value(email))
        .with(
            Field::line("password", t("people-password"), "password", "new-password")
                .hint(t("people-password-hint").count("many", password_min)),
        )
        .with(Field::checks("roles", t("person-roles"), role_choices(roles)))
        .or_back_to("/admin/people")
}
