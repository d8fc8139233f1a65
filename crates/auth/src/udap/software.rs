//! What a software statement asks for.  IG §3.1

use kernel::Scopes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The claims about the application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Software {
    /// Its name.
    pub client_name: String,
    /// Where authorization answers may go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// Whom to ask about it, as URIs; one `mailto:` at least.
    pub contacts: Vec<String>,
    /// An image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// `authorization_code` with or without `refresh_token`, or `client_credentials`; none to cancel.
    pub grant_types: Vec<String>,
    /// `code`, for `authorization_code`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_types: Vec<String>,
    /// `private_key_jwt`.
    pub token_endpoint_auth_method: String,
    /// What it may ask for later.
    pub scope: String,
}

/// What the statement means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Register, or change what is registered.
    Register,
    /// Cancel what is registered.
    Cancel,
}

impl Software {
    /// What is meant; else the first rule that is broken.
    pub(crate) fn wish(&self) -> Result<Wish, &'static str> {
        if self.grant_types.is_empty() {
            return Ok(Wish::Cancel);
        }
        let has = |grant: &str| self.grant_types.iter().any(|one| one == grant);
        let (code, own, refresh) =
            (has("authorization_code"), has("client_credentials"), has("refresh_token"));
        let is_https = |uri: &str| uri.starts_with("https://");
        let is_email = |uri: &str| uri.strip_prefix("mailto:").is_some_and(|rest| rest.contains('@'));
        let rules = [
            (self.client_name.trim().is_empty(), "client_name is needed"),
            (
                usize::from(code) + usize::from(own) + usize::from(refresh) != self.grant_types.len(),
                "grant_types: one is not offered or there twice",
            ),
            (
                code == own,
                "grant_types: either authorization_code or client_credentials is needed, and not both",
            ),
            (refresh && !code, "grant_types: refresh_token goes with authorization_code only"),
            (code && self.redirect_uris.is_empty(), "redirect_uris are needed for authorization_code"),
            (!code && !self.redirect_uris.is_empty(), "redirect_uris go with authorization_code only"),
            (!self.redirect_uris.iter().all(|uri| is_https(uri)), "redirect_uris have to be https"),
            (code && self.response_types != ["code"], "response_types has to be [\"code\"]"),
            (!code && !self.response_types.is_empty(), "response_types go with authorization_code only"),
            (code && self.logo_uri.is_none(), "logo_uri is needed for authorization_code"),
            (self.logo_uri.as_deref().is_some_and(|uri| !is_https(uri)), "logo_uri has to be https"),
            (!self.contacts.iter().any(|uri| is_email(uri)), "contacts: a mailto: address is needed"),
            (
                self.token_endpoint_auth_method != "private_key_jwt",
                "token_endpoint_auth_method has to be private_key_jwt",
            ),
            (
                self.scope.parse::<Scopes>().map_or(true, |scopes| scopes.is_empty()),
                "scope is missing or malformed",
            ),
        ];
        rules.into_iter().find(|(is_broken, _)| *is_broken).map_or(Ok(Wish::Register), |(_, why)| Err(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn own() -> Software {
        Software {
            client_name: "Acme".into(),
            contacts: texts(&["mailto:it@acme.example"]),
            grant_types: texts(&["client_credentials"]),
            token_endpoint_auth_method: "private_key_jwt".into(),
            scope: "system/Patient.rs".into(),
            ..Software::default()
        }
    }

    fn with_people() -> Software {
        Software {
            grant_types: texts(&["authorization_code", "refresh_token"]),
            redirect_uris: texts(&["https://acme.example/back"]),
            response_types: texts(&["code"]),
            logo_uri: Some("https://acme.example/logo.png".into()),
            ..own()
        }
    }

    #[test]
    fn every_rule_of_the_guide() {
        assert_eq!(own().wish(), Ok(Wish::Register));
        assert_eq!(with_people().wish(), Ok(Wish::Register));
        assert_eq!(Software::default().wish(), Ok(Wish::Cancel));
        for (software, what) in [
            (Software { client_name: " ".into(), ..own() }, "client_name"),
            (Software { grant_types: texts(&["password"]), ..own() }, "grant_types"),
            (
                Software { grant_types: texts(&["client_credentials", "client_credentials"]), ..own() },
                "grant_types",
            ),
            (
                Software {
                    grant_types: texts(&["client_credentials", "authorization_code"]),
                    ..with_people()
                },
                "grant_types",
            ),
            (Software { grant_types: texts(&["refresh_token"]), ..own() }, "grant_types"),
            (
                Software { grant_types: texts(&["client_credentials", "refresh_token"]), ..own() },
                "grant_types",
            ),
            (Software { redirect_uris: vec![], ..with_people() }, "redirect_uris"),
            (Software { redirect_uris: texts(&["http://acme.example/"]), ..with_people() }, "redirect_uris"),
            (Software { redirect_uris: texts(&["https://acme.example/"]), ..own() }, "redirect_uris"),
            (Software { response_types: vec![], ..with_people() }, "response_types"),
            (Software { response_types: texts(&["code", "token"]), ..with_people() }, "response_types"),
            (Software { response_types: texts(&["code"]), ..own() }, "response_types"),
            (Software { logo_uri: None, ..with_people() }, "logo_uri"),
            (Software { logo_uri: Some("http://acme.example/l.png".into()), ..own() }, "logo_uri"),
            (Software { contacts: vec![], ..own() }, "contacts"),
            (Software { contacts: texts(&["https://acme.example"]), ..own() }, "contacts"),
            (Software { token_endpoint_auth_method: "none".into(), ..own() }, "token_endpoint_auth_method"),
            (Software { scope: String::new(), ..own() }, "scope"),
            (Software { scope: "a\"b".into(), ..own() }, "scope"),
        ] {
            let why = software.wish().unwrap_err();
            assert!(why.starts_with(what), "{why}: {software:?}");
        }
    }
}
