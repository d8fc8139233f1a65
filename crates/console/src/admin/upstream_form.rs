//! What has to be stated to set up a provider: less where the most is known beforehand.

use serde_json::{Map, Value};

use crate::{
    answers::Answers,
    form::{Choice, Field, Form},
    t,
};

/// The settings that the form asks for, by their names in `auth::upstream::Settings`.
pub(super) const SETTINGS: [&str; 9] = [
    "issuer",
    "client_id",
    "client_auth",
    "assertion_alg",
    "key_id",
    "id_token_alg",
    "scopes",
    "counts_as",
    "new_people",
];

/// What signs ID tokens and assertions at most providers.
const ALGORITHMS: [&str; 6] = ["RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"];

/// What is in a field: what was filled in, or what is known.
struct Known<'a> {
    settings: &'a Map<String, Value>,
    answers: Option<&'a Answers>,
}

impl Known<'_> {
    fn value(&self, name: &str) -> String {
        let known = || self.settings.get(name).and_then(Value::as_str).unwrap_or_default();
        self.answers.map_or_else(known, |answers| answers.text(name)).to_owned()
    }

    fn choices<'c>(&self, name: &str, all: impl IntoIterator<Item = (&'c str, String)>) -> Vec<Choice> {
        let value = self.value(name);
        all.into_iter().map(|(one, words)| Choice::new(one, words).chosen_if(one == value)).collect()
    }
}

/// The form, with the name and the settings that are known, or what was filled in.
pub(crate) fn form_of(
    action: &str,
    name: &str,
    settings: &Map<String, Value>,
    answers: Option<&Answers>,
) -> Form {
    let known = Known { settings, answers };
    let text = |field: &'static str| answers.map_or("", |answers| answers.text(field)).to_owned();
    let called = if answers.is_some() { text("name") } else { name.to_owned() };
    let form = Form::new(action, t("upstream-add"))
        .with(Field::text("slug", t("upstream-slug")).hint(t("upstream-slug-hint")).value(text("slug")))
        .with(Field::text("name", t("upstream-name")).hint(t("upstream-name-hint")).value(called))
        .with(
            Field::line("issuer", t("upstream-issuer"), "url", "off")
                .hint(t("upstream-issuer-hint"))
                .value(known.value("issuer")),
        )
        .with(
            Field::text("client_id", t("upstream-client-id"))
                .hint(t("upstream-client-id-hint"))
                .value(known.value("client_id")),
        );
    worth(proof(form, &known), &known)
}

/// What proves us there. Of a preset it is known which of the two.
fn proof(form: Form, known: &Known<'_>) -> Form {
    let algorithms = |field: &str| known.choices(field, ALGORITHMS.map(|one| (one, one.to_owned())));
    let secret =
        || Field::line("client_secret", t("upstream-secret"), "password", "off").hint(t("upstream-sealed"));
    let key = || Field::lines("private_key", t("upstream-private-key")).hint(t("upstream-private-key-hint"));
    let key_id = || {
        Field::text("key_id", t("upstream-key-id"))
            .hint(t("upstream-key-id-hint"))
            .value(known.value("key_id"))
            .optional()
    };
    match known.settings.get("client_auth").and_then(Value::as_str) {
        Some("private_key_jwt") => form.with(key()).with(key_id()),
        Some(_) => form.with(secret()),
        None => {
            let ways = [
                ("client_secret_basic", t("upstream-secret-basic")),
                ("client_secret_post", t("upstream-secret-post")),
                ("private_key_jwt", t("upstream-key")),
            ];
            let ways = known.choices("client_auth", ways.map(|(way, words)| (way, String::from(words))));
            form.with(Field::select("client_auth", t("upstream-client-auth"), ways))
                .with(secret().optional())
                .with(key().optional())
                .with(key_id())
                .with(Field::select(
                    "assertion_alg",
                    t("upstream-assertion-alg"),
                    algorithms("assertion_alg"),
                ))
                .with(Field::select("id_token_alg", t("upstream-id-token-alg"), algorithms("id_token_alg")))
        }
    }
}

/// What is asked for there, and what it is worth here.
fn worth(form: Form, known: &Known<'_>) -> Form {
    let scopes = Some(known.value("scopes")).filter(|scopes| !scopes.is_empty());
    let worths = [
        ("urn:hilum:acr:password", t("upstream-counts-password")),
        ("urn:hilum:acr:mfa", t("upstream-counts-mfa")),
    ];
    let newcomers = [("never", t("upstream-new-never")), ("create", t("upstream-new-create"))];
    let worths = known.choices("counts_as", worths.map(|(one, words)| (one, String::from(words))));
    let newcomers = known.choices("new_people", newcomers.map(|(one, words)| (one, String::from(words))));
    form.with(
        Field::text("scopes", t("upstream-scopes"))
            .value(scopes.unwrap_or_else(|| "openid profile email".to_owned())),
    )
    .with(Field::select("counts_as", t("upstream-counts-as"), worths))
    .with(Field::select("new_people", t("upstream-new-people"), newcomers))
}
