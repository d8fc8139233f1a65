//! The developer portal.  contract 1, Developer portal

use askama::Template;
use auth::client::{Confidentiality, GrantType, register::Registration};
use kernel::Secret;

use crate::{
    form::{Choice, Field, Form},
    frame::Frame,
    label::State,
    moment::Moment,
};

/// The applications of one's organisation.
#[derive(Template)]
#[template(path = "developer/applications.html")]
pub(crate) struct Applications {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) but: Option<String>,
    pub(crate) organisation: String,
    pub(crate) applications: Vec<Row>,
    /// Where the list goes on.
    pub(crate) more: Option<String>,
}

/// One application in the list.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) name: String,
    pub(crate) state: State,
    /// The integrations that it may use.
    pub(crate) trusted_for: String,
    pub(crate) registered: Moment,
}

/// One application.
#[derive(Template)]
#[template(path = "developer/application.html")]
pub(crate) struct Application {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) uri: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) kind: &'static str,
    pub(crate) is_confidential: bool,
    pub(crate) grants: Vec<&'static str>,
    /// Each scope as it is written, and in words.
    pub(crate) scopes: Vec<(String, String)>,
    pub(crate) logo: Option<String>,
    pub(crate) registered: Moment,
    pub(crate) integrations: Vec<Trust>,
    pub(crate) secrets: Vec<SecretRow>,
}

/// Whether the application is trusted with one integration.
pub(crate) struct Trust {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) state: State,
    /// What it may do, in words.
    pub(crate) may: String,
    pub(crate) is_granted: bool,
    pub(crate) may_ask: bool,
    pub(crate) ask_words: &'static str,
}

/// One secret, without the secret.
pub(crate) struct SecretRow {
    pub(crate) id: String,
    /// How to tell it from the others.
    pub(crate) name: String,
    /// When it ends by itself.
    pub(crate) ends: Option<Moment>,
    pub(crate) made: Moment,
    pub(crate) last_use: Option<Moment>,
}

/// A new secret, shown once.
#[derive(Template)]
#[template(path = "developer/secret.html")]
pub(crate) struct NewSecret {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) secret: Secret<String>,
}

/// The form that registers an application.
pub(crate) fn register_form(suffix: &str, said: &Registration) -> Form {
    let is_public = said.confidentiality == "public";
    let kinds = vec![
        Choice::new("confidential", "Confidential")
            .hint("It runs on a server that can keep a secret.")
            .chosen_if(!is_public),
        Choice::new("public", "Public")
            .hint("It runs in a browser, on a phone or a desktop, and proves itself with PKCE alone.")
            .chosen_if(is_public),
    ];
    let suffix = Field::text("suffix", "Suffix of the client id")
        .hint("Small letters and digits, such as myapplication. It ends the client id, and no other application of your organisation may have it.")
        .value(suffix);
    let once = vec![suffix, Field::radios("confidentiality", "Kind", kinds)];
    described(Form::new("/developer/applications", "Register"), said, once).or_back_to("/developer/")
}

/// The form that changes an application.
pub(crate) fn edit_form(id: &str, said: &Registration) -> Form {
    let page = format!("/developer/applications/{id}");
    described(Form::new(format!("{page}/edit"), "Save"), said, Vec::new()).or_back_to(page)
}

fn described(form: Form, said: &Registration, once: Vec<Field>) -> Form {
    let granted = |grant: &str| said.grant_types.iter().any(|g| g == grant);
    let grants = vec![
        Choice::new("authorization_code", "A person signs in")
            .hint("authorization_code, with PKCE")
            .chosen_if(granted("authorization_code")),
        Choice::new("client_credentials", "It acts for itself, without a person")
            .hint("client_credentials, for confidential applications only")
            .chosen_if(granted("client_credentials")),
    ];
    let mut form = form
        .with(
            Field::text("name", "Name")
                .hint("People read it when they are asked to allow the application.")
                .value(&said.name),
        )
        .with(
            Field::text("uri", "Uri")
                .hint("Where people return after they link a service, such as https://app.example.org or myapplication://")
                .value(&said.uri),
        );
    form.fields.extend(once);
    form.with(Field::checks("grant_types", "Ways to get a token", grants))
        .with(
            Field::lines("redirect_uris", "Redirect URIs")
                .hint("One on each line. A sign-in returns to exactly one of these.")
                .value(said.redirect_uris.join("\n"))
                .optional(),
        )
        .with(
            Field::lines("post_logout_redirect_uris", "Redirect URIs after sign-out")
                .hint("One on each line.")
                .value(said.post_logout_redirect_uris.join("\n"))
                .optional(),
        )
        .with(
            Field::text("scopes", "Scopes")
                .hint("Separated by spaces, such as openid profile.")
                .value(&said.scopes)
                .optional(),
        )
        .with(
            Field::line("logo_uri", "Logo", "url", "off")
                .hint("The https address of a square picture.")
                .value(&said.logo_uri)
                .optional(),
        )
}

/// Whether an application keeps a secret, in words.
pub(crate) fn kind_in_words(kind: Confidentiality) -> &'static str {
    match kind {
        Confidentiality::Confidential => "Confidential: it runs on a server and keeps a secret",
        Confidentiality::Public => "Public: it runs where it cannot keep a secret",
    }
}

/// A way to a token, in words.
pub(crate) fn grant_in_words(grant: GrantType) -> &'static str {
    match grant {
        GrantType::AuthorizationCode => "a person signs in",
        GrantType::ClientCredentials => "it acts for itself",
        GrantType::RefreshToken => "it keeps its access without asking again",
        GrantType::JwtBearer => "it brings a signed assertion",
        GrantType::DeviceCode => "a person types in a code on another device",
        GrantType::TokenExchange => "it acts on with another application's token",
    }
}
