//! A token for the client itself.  RFC 6749 §4.4

use kernel::Scopes;

use super::{
    exchange::TokenOut,
    issue::{self, NewToken},
};
use crate::{
    Auth, OAuthFault,
    client::{Client, Confidentiality, Profile, authenticate::ClientCall},
    scope, udap,
};

/// Issue it; its line in the audit trail is durable before it leaves.
pub(super) async fn client_credentials(auth: &Auth, call: &ClientCall) -> Result<TokenOut, OAuthFault> {
    let scopes = granted(&call.client, call.form.get("scope"), auth.scopes_known())?;
    let mut token = NewToken::own(auth, &call.client, scopes, call.confirmation()?);
    token.details.resource = call.resource(auth).await?;
    if let Some(b2b) = udap::b2b::of(call)? {
        token.details.context.insert(issue::EXTENSIONS.to_owned(), b2b.kept());
    }
    let token = token.telling_roles_now(auth, &call.client).await?;
    let entry = call.acting().entry("token.issued", call.client.id, token.details());
    audit::record_now(auth.db(), auth.world(), &entry).await?;
    let access_token = issue::sign(auth, &call.client, &token)?;
    Ok(TokenOut::new(access_token, &token))
}

/// What a client gets for itself: what it asks for, as far as it is registered for it and it is no person's.
fn granted(client: &Client, asked: Option<&str>, known: &Scopes) -> Result<Scopes, OAuthFault> {
    if client.confidentiality == Confidentiality::Public {
        return Err(OAuthFault::UnauthorizedClient("a public client has nothing on its own behalf"));
    }
    let is_backend = client.profile == Profile::SmartBackend;
    let own =
        if is_backend { scope::of_system(&client.scopes) } else { scope::without_person(&client.scopes) };
    let asked = match asked {
        Some(asked) => asked,
        // SMART Backend Services §2.3.6: the system says what for.
        None if is_backend => return Err(OAuthFault::InvalidScope("scope is missing")),
        None => return Ok(own),
    };
    let asked: Scopes = asked.parse().map_err(|_| OAuthFault::InvalidScope("scope is malformed"))?;
    let granted = scope::granted(&asked, &own, known).map_err(OAuthFault::InvalidScope)?;
    if granted.is_empty() && !asked.is_empty() {
        return Err(OAuthFault::InvalidScope("the client can have none of these on its own behalf"));
    }
    Ok(granted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{self, register::Registration};

    #[test]
    fn a_client_gets_what_it_is_registered_for_and_nothing_of_a_person() {
        let known: Scopes = format!("{} a b c", scope::built_in()).parse().unwrap();
        let client = |kind: &str| {
            let registration = Registration {
                name: "Diary".into(),
                uri: "https://app.example".into(),
                confidentiality: kind.into(),
                redirect_uris: vec!["https://app.example/cb".into()],
                grant_types: vec!["authorization_code".into()],
                scopes: "openid email a b".into(),
                ..Registration::default()
            };
            client::tests::client(&registration, &known)
        };
        let get =
            |kind: &str, asked| granted(&client(kind), asked, &known).map(|scopes| scopes.to_string()).ok();
        for (asked, scopes) in [
            (None, Some("a b")),
            (Some("a"), Some("a")),
            (Some("a c"), Some("a")),
            (Some("a openid"), Some("a")),
            (Some(" "), Some("")),
            (Some("c"), None),
            (Some("openid email"), None),
            (Some("a made-up"), None),
            (Some("a\"b"), None),
        ] {
            assert_eq!(get("confidential", asked).as_deref(), scopes, "{asked:?}");
        }
        assert_eq!(get("public", None), None);
    }

    #[test]
    fn a_backend_gets_system_scopes_alone_and_for_five_minutes() {
        let known: Scopes = format!("{} a", scope::built_in()).parse().unwrap();
        let registration = Registration {
            name: "Reporting".into(),
            uri: "https://reporting.example".into(),
            confidentiality: "confidential".into(),
            grant_types: vec!["client_credentials".into()],
            scopes: "a launch:create openid system/*.read user/*.read".into(),
            ..Registration::default()
        };
        let client = client::tests::client(&registration, &known);
        let client = Client { profile: Profile::SmartBackend, token_lifetime_s: 3_600, ..client };
        let get = |asked| granted(&client, asked, &known).map(|scopes| scopes.to_string()).ok();
        for (asked, scopes) in [
            (Some("system/*.read"), Some("system/*.read")),
            (Some("system/Observation.cruds"), Some("system/Observation.rs")),
            (Some("system/Observation.rs?category=a a"), Some("system/Observation.rs?category=a")),
            (Some("a launch:create user/*.read"), None),
            (Some("system/*.write"), None),
            (None, None),
        ] {
            assert_eq!(get(asked).as_deref(), scopes, "{asked:?}");
        }
        assert_eq!(client.token_lifetime().as_secs(), 300);
    }
}
