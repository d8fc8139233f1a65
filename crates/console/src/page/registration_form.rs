//! The form of a registration: what most applications need first, and sensible where nothing is said.  RFC 7591 §2

use auth::client::{AuthMethod, ClientMetadata, GrantType, Profile, register::Registration};

use super::developer::grant_in_words;
use crate::{
    answers::Answers,
    form::{Choice, Field, Form},
    language::Said,
    t,
};

/// The form that registers an application.
pub(crate) fn register_form(suffix: &str, said: &Registration) -> Form {
    let is_public = said.confidentiality == "public";
    let kinds = vec![
        Choice::new("confidential", t("reg-kind-confidential"))
            .hint(t("reg-kind-confidential-hint"))
            .chosen_if(!is_public),
        Choice::new("public", t("reg-kind-public")).hint(t("reg-kind-public-hint")).chosen_if(is_public),
    ];
    let suffix = Field::text("suffix", t("reg-suffix")).hint(t("reg-suffix-hint")).value(suffix);
    let once = vec![suffix, Field::radios("confidentiality", t("client-kind"), kinds)];
    described(Form::new("/developer/applications", t("reg-act")), said, once).or_back_to("/developer/")
}

/// The form that changes an application.
pub(crate) fn edit_form(id: &str, said: &Registration) -> Form {
    let page = format!("/developer/applications/{id}");
    described(Form::new(format!("{page}/edit"), t("reg-save")), said, Vec::new()).or_back_to(page)
}

fn described(form: Form, said: &Registration, once: Vec<Field>) -> Form {
    let grant = |grant: GrantType| {
        Choice::new(grant.as_str(), grant_label(grant))
            .hint(grant.as_str())
            .chosen_if(said.grant_types.iter().any(|named| named == grant.as_str()))
    };
    let mut form = form
        .with(Field::text("name", t("reg-name")).hint(t("reg-name-hint")).value(&said.name))
        .with(Field::text("uri", t("client-uri")).hint(t("reg-uri-hint")).value(&said.uri));
    form.fields.extend(once);
    let form = form
        .with(
            Field::select("profile", t("client-profile"), profiles(&said.profile))
                .hint(t("reg-profile-hint")),
        )
        .with(Field::select("auth_method", t("reg-method"), methods(&said.auth_method)))
        .with(Field::checks("grant_types", t("client-grants"), GrantType::ALL.map(grant).into()))
        .with(
            Field::lines("redirect_uris", t("client-redirect-uris"))
                .hint(t("reg-redirects-hint"))
                .value(said.redirect_uris.join("\n"))
                .optional(),
        )
        .with(
            Field::text("scopes", t("client-scopes"))
                .hint(t("reg-scopes-hint"))
                .value(&said.scopes)
                .optional(),
        );
    keys_and_addresses(form, said)
}

fn keys_and_addresses(form: Form, said: &Registration) -> Form {
    let metadata = &said.metadata;
    let address = |name: &'static str, label: Said, hint: Said, value: &Option<String>| {
        Field::line(name, label, "url", "off")
            .hint(hint)
            .value(value.as_deref().unwrap_or_default())
            .optional()
    };
    let keys = metadata.jwks.as_ref().map(ToString::to_string).unwrap_or_default();
    form.with(address("jwks_uri", t("reg-jwks-uri"), t("reg-jwks-uri-hint"), &metadata.jwks_uri))
        .with(Field::lines("jwks", t("reg-jwks")).hint(t("reg-jwks-hint")).value(keys).optional())
        .with(address(
            "initiate_login_uri",
            t("reg-launch"),
            t("reg-launch-hint"),
            &metadata.initiate_login_uri,
        ))
        .with(
            Field::lines("post_logout_redirect_uris", t("reg-after"))
                .hint(t("reg-after-hint"))
                .value(said.post_logout_redirect_uris.join("\n"))
                .optional(),
        )
        .with(address(
            "backchannel_logout_uri",
            t("reg-backchannel"),
            t("reg-backchannel-hint"),
            &metadata.backchannel_logout_uri,
        ))
        .with(
            Field::lines("contacts", t("reg-contacts"))
                .hint(t("reg-contacts-hint"))
                .value(metadata.contacts.join("\n"))
                .optional(),
        )
        .with(address("policy_uri", t("reg-policy"), t("reg-policy-hint"), &metadata.policy_uri))
        .with(address("tos_uri", t("reg-tos"), t("reg-tos-hint"), &metadata.tos_uri))
        .with(
            Field::line("logo_uri", t("client-logo"), "url", "off")
                .hint(t("reg-logo-hint"))
                .value(&said.logo_uri)
                .optional(),
        )
        .with(
            Field::checks(
                "binding",
                t("reg-binding"),
                vec![
                    Choice::new("dpop", t("reg-dpop"))
                        .hint(t("reg-dpop-hint"))
                        .chosen_if(metadata.dpop_bound_access_tokens),
                    Choice::new("par", t("reg-par"))
                        .hint(t("reg-par-hint"))
                        .chosen_if(metadata.require_pushed_authorization_requests),
                ],
            )
            .optional(),
        )
}

fn profiles(said: &str) -> Vec<Choice> {
    let label = |profile| match profile {
        Profile::OAuth21 => t("reg-profile-oauth21"),
        Profile::SmartAppLaunch => t("reg-profile-smart-app"),
        Profile::SmartBackend => t("reg-profile-smart-backend"),
        Profile::Fapi2 => t("reg-profile-fapi"),
        Profile::Udap => t("reg-profile-udap"),
        Profile::Legacy => t("reg-profile-legacy"),
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
        AuthMethod::ClientSecretBasic => t("reg-method-basic"),
        AuthMethod::ClientSecretPost => t("reg-method-post"),
        AuthMethod::ClientSecretJwt => t("reg-method-secret-jwt"),
        AuthMethod::PrivateKeyJwt => t("reg-method-key-jwt"),
        AuthMethod::TlsClientAuth => t("reg-method-tls"),
        AuthMethod::SelfSignedTlsClientAuth => t("reg-method-self-tls"),
        AuthMethod::None => t("reg-method-none"),
    };
    let choice =
        |method: AuthMethod| Choice::new(method.as_str(), label(method)).chosen_if(method.as_str() == said);
    let usual = Choice::new("", t("reg-method-usual")).chosen_if(said.is_empty());
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
