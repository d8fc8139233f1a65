//! What has to be stated to set up an integration: the same for every provider, and what its file asks for.

use broker::{
    integration::{Enabled, Integration},
    provider::{Auth, ClientAuthKind, Provider, Setting},
};

use crate::{
    answers::Answers,
    form::{Choice, Field, Form},
    t,
};

/// What was stated so far, without what must not be shown.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) client_id: String,
    pub(crate) scopes: String,
    /// Name and value of the provider's settings that are not secret.
    pub(crate) settings: Vec<(String, String)>,
}

impl Given {
    /// What a form says.
    pub(crate) fn read(answers: &Answers, provider: &Provider) -> Self {
        let shown =
            provider.settings.iter().filter(|setting| !setting.secret).map(|setting| setting.name.as_str());
        let settings = shown
            .chain(["environment"])
            .map(|name| (name.to_owned(), answers.text(&format!("settings.{name}")).to_owned()));
        Self {
            name: answers.text("name").to_owned(),
            slug: answers.text("slug").to_owned(),
            client_id: answers.text("client_id").to_owned(),
            scopes: answers.text("scopes").to_owned(),
            settings: settings.collect(),
        }
    }

    /// What is set up.
    pub(crate) fn of(integration: &Integration) -> Self {
        Self {
            name: integration.name.clone(),
            slug: integration.slug.clone(),
            client_id: integration.client_id.clone(),
            scopes: integration.scopes.to_string(),
            settings: integration.settings_shown().into_iter().collect(),
        }
    }

    fn setting(&self, name: &str) -> &str {
        self.settings.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }
}

/// The fields, in a form. Of an integration that is there already (`Enabled::Yes`) the id stays, and what is sealed
/// stays sealed unless it is stated anew.
pub(crate) fn fields(form: Form, provider: &Provider, given: &Given, is_there: Enabled) -> Form {
    let is_new = matches!(is_there, Enabled::No);
    let mut form = form.with(Field::text("name", t("int-name")).hint(t("int-name-hint")).value(&given.name));
    if is_new {
        let slug = Field::text("slug", t("int-slug")).hint(t("int-slug-hint"));
        form = form.with(slug.value(&given.slug));
    }
    form = form
        .with(Field::text("client_id", t("client-id")).hint(t("int-client-id-hint")).value(&given.client_id));
    for secret in secrets(provider) {
        form = form.with(if is_new { secret } else { secret.hint(t("int-sealed-stays")).optional() });
    }
    for setting in &provider.settings {
        form = form.with(setting_field(setting, given));
    }
    if !provider.environments.is_empty() {
        let chosen = given.setting("environment");
        let usual = Choice::new("", t("int-usual")).chosen_if(chosen.is_empty());
        let others =
            provider.environments.keys().map(|name| Choice::new(name, name).chosen_if(name == chosen));
        let choices = std::iter::once(usual).chain(others).collect();
        form = form.with(Field::select("settings.environment", t("int-installation"), choices));
    }
    form.with(
        Field::text("scopes", t("int-scopes")).hint(t("int-scopes-hint")).value(&given.scopes).optional(),
    )
}

/// What proves this deployment there.
fn secrets(provider: &Provider) -> Vec<Field> {
    let kind = match &provider.auth {
        Auth::OAuth2Code(code) => code.client_auth.first().copied().or(Some(ClientAuthKind::Basic)),
        Auth::SmartDiscovery(smart) => smart.client_auth.first().copied(),
        _ => None,
    };
    let secret =
        || Field::line("client_secret", t("int-secret"), "password", "off").hint(t("upstream-sealed"));
    let key = || Field::lines("private_key", t("upstream-private-key")).hint(t("upstream-private-key-hint"));
    match kind {
        Some(ClientAuthKind::PrivateKeyJwt) => vec![key()],
        Some(ClientAuthKind::None) => Vec::new(),
        Some(ClientAuthKind::Basic | ClientAuthKind::Body | ClientAuthKind::Query) => vec![secret()],
        None => vec![secret().optional(), key().optional()],
    }
}

fn setting_field(setting: &Setting, given: &Given) -> Field {
    let name = format!("settings.{}", setting.name);
    let value = given.setting(&setting.name);
    let mut field = if setting.secret {
        Field::line(name, setting.title.clone(), "password", "off")
    } else if setting.choices.is_empty() {
        Field::text(name, setting.title.clone()).value(value)
    } else {
        let choices =
            setting.choices.iter().map(|choice| Choice::new(choice, choice).chosen_if(choice == value));
        Field::select(name, setting.title.clone(), choices.collect())
    };
    let example = setting.example.as_ref().map(|example| t("int-example").of("example", example).into());
    let default = setting.default.as_ref().map(|default| t("int-default").of("default", default).into());
    field.hint = default.or(example);
    if setting.optional || setting.default.is_some() { field.optional() } else { field }
}
