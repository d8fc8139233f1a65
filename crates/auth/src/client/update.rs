//! A developer changes what is registered.

use kernel::{Id, Issue, Timestamp};

use super::{
    Client, ClientFault, queries,
    register::{Registered, Registration, read},
    review::{self, keys_of},
};
use crate::{Acting, Auth};

/// Replace what is registered for a client of the acting person's organisation. The suffix and with it the client id
/// stay. A change of anything that an administrator has looked at takes the verification away.
///
/// # Errors
/// [`ClientFault::Refused`] names every field at fault; [`ClientFault::NotFound`].
pub async fn update(
    auth: &Auth,
    acting: &Acting,
    id: Id<kernel::Client>,
    registration: &Registration,
) -> Result<Client, ClientFault> {
    let read = read(registration, &auth.known()).map_err(ClientFault::Refused)?;
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    let after = auth
        .db()
        .write(async move |tx| -> Result<Client, ClientFault> {
            let before = queries::by_id(tx, acting.organisation, id).await?.ok_or(ClientFault::NotFound)?;
            let after = changed(before.clone(), read.clone(), now)?;
            review::lapse(tx, &world, &acting, &before, &after).await?;
            queries::update(tx, &after).await?;
            let details =
                serde_json::json!({ "scopes": after.scopes, "verified": after.verified_at.is_some() });
            audit::record(tx, &world, &acting.entry("client.updated", id, details)).await?;
            Ok(after)
        })
        .await?;
    auth.directory().forget(after.client_id.as_str());
    Ok(after)
}

/// The client with its new registration. Who was trusted under one name, address or key is not trusted under another; what an
/// application gives up takes nothing away.
pub(super) fn changed(before: Client, read: Registered, now: Timestamp) -> Result<Client, ClientFault> {
    if before.confidentiality != read.confidentiality {
        let issue = Issue::at("confidentiality", "cannot change; register another application");
        return Err(ClientFault::Refused(vec![issue]));
    }
    let is_same_to_people = before.name == read.name
        && before.uri == read.uri
        && before.profile == read.profile
        && read.redirect_uris.iter().all(|uri| before.redirect_uris.contains(uri))
        && read.grant_types.iter().all(|grant| before.grant_types.contains(grant))
        && read.scopes.is_within(&before.scopes)
        && read.metadata.jwks_uri.as_ref().is_none_or(|uri| before.metadata.jwks_uri.as_ref() == Some(uri))
        && keys_of(&read.metadata).is_subset(&keys_of(&before.metadata));
    let (verified_at, verified_by) =
        if is_same_to_people { (before.verified_at, before.verified_by) } else { (None, None) };
    Ok(Client {
        name: read.name,
        profile: read.profile,
        auth_method: read.auth_method,
        metadata: read.metadata,
        uri: read.uri,
        redirect_uris: read.redirect_uris,
        post_logout_redirect_uris: read.post_logout_redirect_uris,
        grant_types: read.grant_types,
        scopes: read.scopes,
        logo_uri: read.logo_uri,
        token_lifetime_s: read.token_lifetime_s,
        verified_at,
        verified_by,
        updated_at: now,
        ..before
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::{ClientMetadata, register},
        scope,
    };

    fn registration() -> Registration {
        Registration {
            name: "Sleep diary".into(),
            uri: "https://app.example".into(),
            confidentiality: "confidential".into(),
            redirect_uris: vec!["https://app.example/a".into(), "https://app.example/b".into()],
            grant_types: vec!["authorization_code".into()],
            scopes: "openid profile".into(),
            ..Registration::default()
        }
    }

    /// With these keys, each a coordinate of its own.
    fn with_keys(keys: &[&str]) -> Registration {
        let key = |x: &&str| serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": crypto::b64::encode(x.repeat(32)) });
        let jwks = serde_json::json!({ "keys": keys.iter().map(key).collect::<Vec<_>>() });
        Registration {
            metadata: ClientMetadata { jwks: Some(jwks), ..ClientMetadata::default() },
            ..registration()
        }
    }

    #[test]
    fn verification_is_lost_with_what_was_verified() {
        let read = |registration: &Registration| {
            register::read(registration, &register::Known::in_tests(&scope::built_in())).unwrap()
        };
        let verified = Some(Timestamp::from_seconds(1));
        let before = Client {
            verified_at: verified,
            ..crate::client::tests::client(&with_keys(&["a", "b"]), &scope::built_in())
        };
        for (change, stays) in [
            (registration(), true),
            (Registration { scopes: "openid".into(), ..registration() }, true),
            (Registration { redirect_uris: vec!["https://app.example/b".into()], ..registration() }, true),
            (Registration { logo_uri: "https://app.example/logo.png".into(), ..registration() }, true),
            (Registration { name: "Your bank".into(), ..registration() }, false),
            (Registration { uri: "https://evil.example".into(), ..registration() }, false),
            (Registration { profile: "legacy".into(), ..registration() }, false),
            (Registration { scopes: "openid profile email".into(), ..registration() }, false),
            (Registration { redirect_uris: vec!["https://app.example/c".into()], ..registration() }, false),
            (
                Registration {
                    grant_types: vec!["authorization_code".into(), "client_credentials".into()],
                    ..registration()
                },
                false,
            ),
            (with_keys(&["a"]), true),
            (with_keys(&["a", "b"]), true),
            (with_keys(&["a", "c"]), false),
            (
                Registration {
                    metadata: ClientMetadata {
                        jwks_uri: Some("https://app.example/keys".into()),
                        ..ClientMetadata::default()
                    },
                    ..registration()
                },
                false,
            ),
        ] {
            let after = changed(before.clone(), read(&change), Timestamp::from_seconds(2)).unwrap();
            assert_eq!(after.verified_at, verified.filter(|_| stays), "{change:?}");
        }
        let public = Registration { confidentiality: "public".into(), ..registration() };
        let refused = changed(before, read(&public), Timestamp::from_seconds(2));
        assert!(matches!(refused, Err(ClientFault::Refused(issues)) if issues[0].path == "confidentiality"));
    }
}
