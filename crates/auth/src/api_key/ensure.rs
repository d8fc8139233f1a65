//! A key as a data set declares it: the same afterwards, however often it is declared.

use kernel::{Scopes, Secret, Timestamp};
use serde_json::json;

use super::{
    ApiKey, ApiKeyFault, Maker, NewKey,
    make::{make_with, read},
    may_give, queries,
};
use crate::{
    Acting, Auth,
    client::{self, Client, NewSecret, secret::SecretRow},
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
    bring_in_line(auth, acting, there, read.scopes, given, now).await
}

async fn bring_in_line(
    auth: &Auth,
    acting: &Acting,
    there: ApiKey,
    scopes: Scopes,
    given: NewSecret,
    now: Timestamp,
) -> Result<ApiKey, ApiKeyFault> {
    let (auth_in, acting, key_id) = (auth.clone(), acting.clone(), there.key_id.clone());
    let after = auth
        .db()
        .write(async move |tx| -> Result<ApiKey, ApiKeyFault> {
            let client = client::queries::by_id(tx, acting.organisation, there.id.cast()).await?;
            let client = client.ok_or(ApiKeyFault::NotFound)?;
            let row = SecretRow { expires_at: there.expires_at, ..given.row(&auth_in, &client, now) };
            let known = client::queries::secrets(tx, client.id).await?;
            let has_text = known.iter().any(|secret| secret.is_same(&row) && secret.is_live(now));
            if has_text && client.scopes == scopes {
                return Ok(there.clone());
            }
            if !has_text {
                client::queries::end_secrets(tx, client.id, now).await?;
                client::queries::insert_secret(tx, &row).await?;
            }
            let details = json!({ "scopes": scopes, "replaced": !has_text });
            let client = Client { scopes: scopes.clone(), updated_at: now, ..client };
            client::queries::update(tx, &client).await?;
            audit::record(tx, auth_in.world(), &acting.entry("api_key.changed", there.id, details)).await?;
            Ok(ApiKey { scopes: scopes.clone(), ..there.clone() })
        })
        .await?;
    auth.directory().forget(key_id.as_str());
    Ok(after)
}
