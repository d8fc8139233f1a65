//! Sites with records, and what the organisation has subscribed to.  contract 3

use askama::Template;
use fhir::site::{Coded, Plan, Subscription, Validation};

use super::admin::AuditRow;
use crate::{
    form::{Choice, Field, Form},
    frame::Frame,
    label::State,
    language::Said,
    t,
};

/// The sites, the plan, and what was changed of them last.
#[derive(Template)]
#[template(path = "admin/sites.html")]
pub(crate) struct Sites {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) but: Option<String>,
    pub(crate) sites: Vec<SiteRow>,
    pub(crate) plan: Form,
    pub(crate) changes: Vec<AuditRow>,
}

/// One site in the list.
pub(crate) struct SiteRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) code: Option<String>,
    pub(crate) state: State,
    pub(crate) ids: String,
}

/// One site, and what can be changed of it.
#[derive(Template)]
#[template(path = "admin/site.html")]
pub(crate) struct Site {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    pub(crate) row: SiteRow,
    /// Where its records are.
    pub(crate) base: String,
    pub(crate) form: Form,
    pub(crate) changes: Vec<AuditRow>,
}

/// How many of the sites take records, in words; and what is missing.
pub(crate) fn how_it_is(sites: &[SiteRow], plan: &Plan) -> (String, Option<String>) {
    let coded = sites.iter().filter(|site| site.code.is_some()).count();
    let how = match (coded, sites.len()) {
        (_, 0) => t("sites-none").into(),
        (coded, many) => t("sites-some").count("coded", coded).count("many", many).into(),
    };
    let none = plan.iter().next().is_none();
    (how, none.then(|| t("sites-no-plan").into()))
}

/// A site as its line says it.
pub(crate) fn row(id: &str, name: &str, coded: Option<&Coded>) -> SiteRow {
    let state = match coded.map(|coded| coded.policy.validation) {
        None => State::quiet(t("sites-no-code")),
        Some(Validation::Enforce) => State::good(t("sites-enforce")),
        Some(Validation::Warn) => State::warn(t("sites-warn")),
        Some(Validation::Off) => State::warn(t("sites-off")),
    };
    let ids = match coded.map(|coded| coded.policy.upsert.as_str()) {
        None => String::new(),
        Some("refused") => t("sites-ids-server").into(),
        Some(_) => t("sites-ids-caller").into(),
    };
    SiteRow {
        id: id.to_owned(),
        name: name.to_owned(),
        code: coded.map(|coded| coded.code.as_str().to_owned()),
        state,
        ids,
    }
}

/// The form of the plan, with these subscriptions ticked.
pub(crate) fn plan_form(ticked: &[String]) -> Form {
    let choice = |one: Subscription| {
        let (label, hint) = in_words(one);
        Choice::new(one.as_str(), label).hint(hint).chosen_if(ticked.iter().any(|word| word == one.as_str()))
    };
    Form::new("/admin/sites/plan", t("plan-save")).with(
        Field::checks("subscriptions", t("plan-choices"), Subscription::ALL.map(choice).into()).optional(),
    )
}

fn in_words(one: Subscription) -> (Said, Said) {
    match one {
        Subscription::Foundation => (t("plan-foundation"), t("plan-foundation-hint")),
        Subscription::Base => (t("plan-base"), t("plan-base-hint")),
        Subscription::Clinical => (t("plan-clinical"), t("plan-clinical-hint")),
        Subscription::Financial => (t("plan-financial"), t("plan-financial-hint")),
        Subscription::Specialized => (t("plan-specialized"), t("plan-specialized-hint")),
    }
}

/// What somebody has filled in of a site.
pub(crate) struct Filled {
    /// None where it has a code: that stays.
    pub(crate) code: Option<String>,
    pub(crate) validation: String,
    pub(crate) upsert: String,
    pub(crate) consent: String,
    /// `all`, or those that are ticked.
    pub(crate) guides: &'static str,
    pub(crate) packages: Vec<String>,
    pub(crate) profiles: String,
    pub(crate) break_glass: String,
}

impl Filled {
    /// A site as it is.
    pub(crate) fn of(coded: Option<&Coded>) -> Self {
        let policy = coded.map(|coded| coded.policy).unwrap_or_default();
        let packages = coded.and_then(|coded| coded.packages.packages.as_ref());
        let profiles = coded.map(|coded| coded.packages.profiles.join("\n"));
        Self {
            code: coded.is_none().then(String::new),
            validation: policy.validation.as_str().to_owned(),
            upsert: policy.upsert.as_str().to_owned(),
            consent: policy.consent.as_str().to_owned(),
            guides: if packages.is_some() { "chosen" } else { "all" },
            packages: packages.into_iter().flatten().map(|id| id.as_str().to_owned()).collect(),
            profiles: profiles.unwrap_or_default(),
            break_glass: coded.map(|coded| coded.break_glass.names().join("\n")).unwrap_or_default(),
        }
    }
}

/// The form of a site.
pub(crate) fn site_form(id: &str, offered: &[String], filled: &Filled) -> Form {
    let validations = [
        ("enforce", t("site-enforce"), t("site-enforce-hint")),
        ("warn", t("site-warn"), t("site-warn-hint")),
        ("off", t("site-off"), t("site-off-hint")),
    ];
    let upserts = [
        ("allowed", t("site-ids-caller"), t("site-ids-caller-hint")),
        ("refused", t("site-ids-server"), t("site-ids-server-hint")),
    ];
    let form = Form::new(format!("/admin/sites/{id}"), t("site-save"));
    let form = match &filled.code {
        Some(code) => {
            form.with(Field::text("code", t("site-code")).hint(t("site-code-hint")).value(code).optional())
        }
        None => form,
    };
    let form = form
        .with(Field::radios("validation", t("site-validation"), choices(validations, &filled.validation)))
        .with(Field::radios("upsert", t("site-ids"), choices(upserts, &filled.upsert)));
    with_consents(with_guides(form, offered, filled), filled).or_back_to("/admin/sites")
}

/// Which packages it validates with, where there are some, and profiles that it asks of all records.
fn with_guides(form: Form, offered: &[String], filled: &Filled) -> Form {
    let profiles = || {
        let field = Field::lines("profiles", t("site-profiles")).hint(t("site-profiles-hint"));
        field.value(filled.profiles.clone()).optional()
    };
    if offered.is_empty() {
        return form.with(profiles());
    }
    let guides = [
        ("all", t("site-guides-all"), t("site-guides-all-hint")),
        ("chosen", t("site-guides-chosen"), t("site-guides-chosen-hint")),
    ];
    let packages =
        offered.iter().map(|id| Choice::new(id.clone(), id.clone()).chosen_if(filled.packages.contains(id)));
    form.with(Field::radios("guides", t("site-guides"), choices(guides, filled.guides)))
        .with(Field::checks("packages", t("site-packages"), packages.collect()).optional())
        .with(profiles())
}

/// Whether patients' Consents are asked, and who may ask past them.
fn with_consents(form: Form, filled: &Filled) -> Form {
    let consents = [
        ("enforce", t("site-consent-enforce"), t("site-consent-enforce-hint")),
        ("off", t("site-consent-off"), t("site-consent-off-hint")),
    ];
    let glass = Field::lines("break_glass", t("site-glass")).hint(t("site-glass-hint"));
    form.with(Field::radios("consent", t("site-consent"), choices(consents, &filled.consent)))
        .with(glass.value(filled.break_glass.clone()).optional())
}

fn choices<const N: usize>(all: [(&str, Said, Said); N], chosen: &str) -> Vec<Choice> {
    all.map(|(value, label, hint)| Choice::new(value, label).hint(hint).chosen_if(value == chosen)).into()
}
