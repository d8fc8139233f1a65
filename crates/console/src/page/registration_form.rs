//! The form of a registration: what most applications need first, and sensible where nothing is said.  RFC 7591 §2

use auth::client::{AuthMethod, ClientMetadata, GrantType, Profile, register::Registration};

use super::developer::grant_in_words;
use crate::{
    answers::Answers,
    form::{Choice, Field, Form},
};

/// The form that registers an application.
pub(crate) fn register_form(suffix: &str, said: &Registration) -> Form {
    let is_public = said.confidentiality == "public";
    let kinds = vec![
        Choice::new("confidential", "Confidential")
            .hint("It runs on a server that can keep a secret or a key.")
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
    let grant = |grant: GrantType| {
        Choice::new(grant.as_str(), grant_label(grant))
            .hint(grant.as_str())
            .chosen_if(said.grant_types.iter().any(|named| named == grant.as_str()))
    };
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
    let form = form
        .with(Field::select("profile", "Security profile", profiles(&said.profile)).hint(
            "The rules that it is held to. SMART profiles are for health records, FAPI 2.0 for the highest protection.",
        ))
        .with(Field::select("auth_method", "How it proves itself", methods(&said.auth_method)))
        .with(Field::checks("grant_types", "Ways to get a token", GrantType::ALL.map(grant).into()))
        .with(
            Field::lines("redirect_uris", "Redirect URIs")
                .hint("One on each line. A sign-in returns to exactly one of these.")
                .value(said.redirect_uris.join("\n"))
                .optional(),
        )
        .with(
            Field::text("scopes", "Scopes")
                .hint("Separated by spaces, such as openid profile.")
                .value(&said.scopes)
                .optional(),
        );
    keys_and_addresses(form, said)
}

fn keys_and_addresses(form: Form, said: &Registration) -> Form {
    let metadata = &said.metadata;
    let address = |name: &'static str, label: &'static str, hint: &str, value: &Option<String>| {
        Field::line(name, label, "url", "off")
            .hint(hint)
            .value(value.as_deref().unwrap_or_default())
            .optional()
    };
    let keys = metadata.jwks.as_ref().map(ToString::to_string).unwrap_or_default();
    form.with(address(
        "jwks_uri",
        "Address of its keys",
        "A JWK set, for those that prove themselves with a key.",
        &metadata.jwks_uri,
    ))
    .with(
        Field::lines("jwks", "Or its keys themselves")
            .hint("A JWK set with public keys, if it has no address.")
            .value(keys)
            .optional(),
    )
    .with(address(
        "initiate_login_uri",
        "Launch URL",
        "Where a launch from a clinical system begins (SMART EHR launch).",
        &metadata.initiate_login_uri,
    ))
    .with(
        Field::lines("post_logout_redirect_uris", "Redirect URIs after sign-out")
            .hint("One on each line.")
            .value(said.post_logout_redirect_uris.join("\n"))
            .optional(),
    )
    .with(address(
        "backchannel_logout_uri",
        "Back-channel logout URI",
        "Its server hears there that somebody has signed out.",
        &metadata.backchannel_logout_uri,
    ))
    .with(
        Field::lines("contacts", "Contacts")
            .hint("Whom we ask about it: e-mail addresses of a team, one on each line.")
            .value(metadata.contacts.join("\n"))
            .optional(),
    )
    .with(address("policy_uri", "Privacy policy", "How it handles data.", &metadata.policy_uri))
    .with(address("tos_uri", "Terms of service", "The rules for its users.", &metadata.tos_uri))
    .with(
        Field::line("logo_uri", "Logo", "url", "off")
            .hint("The https address of a square picture.")
            .value(&said.logo_uri)
            .optional(),
    )
    .with(
        Field::checks(
            "binding",
            "Further protection",
            vec![
                Choice::new("dpop", "Its tokens are bound to a DPoP key")
                    .hint("A stolen token is of no use then. FAPI 2.0 asks for this, or for certificates.")
                    .chosen_if(metadata.dpop_bound_access_tokens),
                Choice::new("par", "Its authorization requests are pushed first")
                    .hint("Nobody can change them on the way through the browser.")
                    .chosen_if(metadata.require_pushed_authorization_requests),
            ],
        )
        .optional(),
    )
}

fn profiles(said: &str) -> Vec<Choice> {
    let label = |profile| match profile {
        Profile::OAuth21 => "OAuth 2.1: most applications",
        Profile::SmartAppLaunch => "SMART App Launch 2.2: people use it with health records",
        Profile::SmartBackend => "SMART Backend Services: a system that works on health records by itself",
        Profile::Fapi2 => "FAPI 2.0: the highest protection",
        Profile::Udap => "UDAP: certificates and trust communities",
        Profile::Legacy => "Legacy: it cannot do what the others ask for",
    };
    let choice = |profile: Profile| {
        let is_chosen =
            if said.is_empty() { profile == Profile::default() } else { profile.as_str() == said };
        Choice::new(profile.as_str(), label(profile)).chosen_if(is_chosen)
    };
    Profile::ALL.map(choice).into()
}

/// Empty is what suits the kind: a secret, or nothing if it is public.
fn methods(said: &str) -> Vec<Choice> {
    let label = |method| match method {
        AuthMethod::ClientSecretBasic => "A secret, in the header",
        AuthMethod::ClientSecretPost => "A secret, in the form",
        AuthMethod::ClientSecretJwt => "An assertion signed with its secret",
        AuthMethod::PrivateKeyJwt => "An assertion signed with its key",
        AuthMethod::TlsClientAuth => "A TLS certificate of a trusted authority",
        AuthMethod::SelfSignedTlsClientAuth => "A TLS certificate with its own key",
        AuthMethod::None => "Nothing: it is public",
    };
    let choice =
        |method: AuthMethod| Choice::new(method.as_str(), label(method)).chosen_if(method.as_str() == said);
    let usual = Choice::new("", "What is usual for its kind").chosen_if(said.is_empty());
    std::iter::once(usual).chain(AuthMethod::ALL.map(choice)).collect()
}

fn grant_label(grant: GrantType) -> String {
    let words = grant_in_words(grant);
    let mut letters = words.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str())
}

/// What was filled in, on top of what the form does not ask for.
pub(crate) fn read(answers: &Answers, before: ClientMetadata) -> Registration {
    let line = |name: &str| Some(answers.text(name).to_owned()).filter(|text| !text.is_empty());
    let binding = answers.ticked("binding");
    let is_ticked = |name: &str| binding.iter().any(|ticked| ticked == name);
    // What is no JSON is kept as a text, which is no JWK set either: the finding stands beside the field.
    let keys = line("jwks").map(|text| text.parse().unwrap_or(serde_json::Value::String(text)));
    Registration {
        name: answers.text("name").to_owned(),
        uri: answers.text("uri").to_owned(),
        confidentiality: answers.text("confidentiality").to_owned(),
        profile: answers.text("profile").to_owned(),
        auth_method: answers.text("auth_method").to_owned(),
        redirect_uris: answers.lines("redirect_uris"),
        post_logout_redirect_uris: answers.lines("post_logout_redirect_uris"),
        grant_types: answers.ticked("grant_types"),
        scopes: answers.text("scopes").to_owned(),
        logo_uri: answers.text("logo_uri").to_owned(),
        token_lifetime_s: None,
        metadata: ClientMetadata {
            jwks: keys,
            jwks_uri: line("jwks_uri"),
            initiate_login_uri: line("initiate_login_uri"),
            backchannel_logout_uri: line("backchannel_logout_uri"),
            contacts: answers.lines("contacts"),
            policy_uri: line("policy_uri"),
            tos_uri: line("tos_uri"),
            dpop_bound_access_tokens: is_ticked("dpop"),
            require_pushed_authorization_requests: is_ticked("par"),
            ..before
        },
    }
}
