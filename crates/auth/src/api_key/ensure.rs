//! A key as a data set declares it: the same afterwards, however often it is declared.

use kernel::{Grants, Scopes, Secret, Timestamp};
use serde_json::json;
use store::{DbError, Writer};

use super::{
    ApiKey, ApiKeyFault, Maker, NewKey,
    make::{check_giver, make_with, read, read_roles, words},
    may_give, queries,
};
use crate::{
    Acting, Auth,
    client::{self, Client, NewSecret, secret::SecretRow},
    role,
    token::revocation::{self, Revoked},
};

/// Make a key whose text is given, or bring the one of this name in line: its text and its scopes. When it ends was decided when it
/// was made.
///
/// # Errors
/// As [`make`](super::make); [`ApiKeyFault::NameTaken`] also where a key of this name was deleted.
pub async fn ensure(
    auth: &Auth,
    acting: &Acting,
    new: &NewKey,
    text: Secret<String>,
) -> Result<ApiKey, ApiKeyFault> {
    let given = NewSecret::given(auth, text)?;
    let now = auth.world().now();
    let read = read(new, &may_give(Maker::Administrator, auth.scopes_known()), auth.scopes_known(), now)?;
    let there =
        queries::by_name(&mut auth.db().read().await?, acting.organisation, read.name.folded()).await?;
    let Some(there) = there else {
        return Ok(make_with(auth, acting, Maker::Administrator, new, given).await?.key);
    };
    let grants = read_roles(auth, acting, &new.roles).await?;
    bring_in_line(auth, acting, there, Wanted { scopes: read.scopes, grants, given }, now).await
}

/// What a declaration says of a key.
struct Wanted {
    scopes: Scopes,
    grants: Grants,
    given: NewSecret,
}

async fn bring_in_line(
    auth: &Auth,
    acting: &Acting,
    there: ApiKey,
    wanted: Wanted,
    now: Timestamp,
) -> Result<ApiKey, ApiKeyFault> {
    let (auth_in, acting, key_id) = (auth.clone(), acting.clone(), there.key_id.clone());
    let (after, revoked) = auth
        .db()
        .write(async move |tx| -> Result<(ApiKey, Option<Revoked>), ApiKeyFault> {
            let Wanted { scopes, grants, given } = &wanted;
            let client = client::queries::by_id(tx, acting.organisation, there.id.cast()).await?;
            let client = client.ok_or(ApiKeyFault::NotFound)?;
            let secret = SecretRow { expires_at: there.expires_at, ..given.row(&auth_in, &client, now) };
            let known = client::queries::secrets(tx, client.id).await?;
            let has_text = known.iter().any(|known| known.is_same(&secret) && known.is_live(now));
            let had = role::queries::within(tx, client.id, acting.organisation).await?;
            if has_text && client.scopes == *scopes && had == *grants {
                return Ok((ApiKey { grants: had, ..there.clone() }, None));
            }
            if !has_text {
                client::queries::end_secrets(tx, client.id, now).await?;
                client::queries::insert_secret(tx, &secret).await?;
            }
            check_giver(tx, &acting, grants).await?;
            let revoked = (had != *grants).then(|| Revoked::client(client.id, now));
            if let Some(row) = &revoked {
                replace(tx, &client, &had, grants, now).await?;
                revocation::record(tx, auth_in.world(), row).await?;
            }
            let details = json!({ "scopes": scopes, "roles": words(grants), "replaced": !has_text });
            let client = Client { scopes: scopes.clone(), updated_at: now, ..client };
            client::queries::update(tx, &client).await?;
            audit::record(tx, auth_in.world(), &acting.entry("api_key.changed", there.id, details)).await?;
            Ok((ApiKey { scopes: scopes.clone(), grants: grants.clone(), ..there.clone() }, revoked))
        })
        .await?;
    auth.directory().forget(key_id.as_str());
    revoked.iter().for_each(|revoked| auth.heed(revoked));
    Ok(after)
}

async fn replace(
    tx: &mut Writer,
    client: &Client,
    had: &Grants,
    wanted: &Grants,
    now: Timestamp,
) -> Result<(), DbError> {
    for grant in had.iter() {
        role::queries::take(tx, client.id, client.organisation, grant).await?;
    }
    for grant in wanted.iter() {
        role::queries::give(tx, client.id, client.organisation, grant, now).await?;
    }
    Ok(())
}
