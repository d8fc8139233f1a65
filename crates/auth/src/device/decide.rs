//! The person, in a browser: which device is it, and may it?  RFC 8628 §3.3

use kernel::{Id, Scopes};

use super::{DeviceCode, DeviceFault, DeviceRow, Standing, UserCode, begin::user_digest, queries};
use crate::{
    Auth, SignedIn,
    authorize::Decision,
    client::{self, Client},
};

/// A device that waits for the person's answer.
pub struct Waiting {
    /// By which the answer names it.
    pub id: Id<DeviceCode>,
    /// What runs on the device.
    pub client: Client,
    /// What it asks for.
    pub scopes: Scopes,
}

/// The device that shows this code.
///
/// # Errors
/// [`DeviceFault::Unknown`].
pub async fn find(auth: &Auth, code: &UserCode) -> Result<Id<DeviceCode>, DeviceFault> {
    let row = queries::by_user_code(&mut auth.db().read().await?, &user_digest(auth, code)).await?;
    row.filter(|row| is_waiting(auth, row)).map(|row| row.id).ok_or(DeviceFault::Unknown)
}

/// What the page shows of it.
///
/// # Errors
/// [`DeviceFault::Unknown`].
pub async fn get(auth: &Auth, id: Id<DeviceCode>) -> Result<Waiting, DeviceFault> {
    let mut tx = auth.db().read().await?;
    let row = queries::by_id(&mut tx, id).await?.filter(|row| is_waiting(auth, row));
    let row = row.ok_or(DeviceFault::Unknown)?;
    let client = client::queries::of_any_organisation(&mut tx, row.client).await?;
    let client = client.filter(|client| client.disabled_at.is_none()).ok_or(DeviceFault::Unknown)?;
    Ok(Waiting { id, client, scopes: row.scopes })
}

fn is_waiting(auth: &Auth, row: &DeviceRow) -> bool {
    row.standing == Standing::Pending && auth.world().now() < row.expires_at
}

/// Take the person's answer, once.
///
/// # Errors
/// [`DeviceFault::Unknown`] when it is over or was answered.
pub async fn decide(
    auth: &Auth,
    signed_in: &SignedIn,
    id: Id<DeviceCode>,
    decision: &Decision,
) -> Result<(), DeviceFault> {
    let (auth_in, signed_in, decision) = (auth.clone(), signed_in.clone(), decision.clone());
    auth.db()
        .write(async move |tx| -> Result<(), DeviceFault> {
            let row = queries::by_id(tx, id).await?.filter(|row| is_waiting(&auth_in, row));
            let mut row = row.ok_or(DeviceFault::Unknown)?;
            let allowed = match &decision {
                Decision::Allow(allowed) => {
                    Some(row.scopes.intersection(allowed)).filter(|scopes| !scopes.is_empty())
                }
                Decision::Deny => None,
            };
            row.details.authenticated_at_s = Some(signed_in.authenticated_at.as_seconds());
            row.details.acr = Some(signed_in.acr.as_str().to_owned());
            row.details.amr.clone_from(&signed_in.amr);
            let (standing, outcome) = match allowed {
                Some(_) => (Standing::Allowed, audit::Outcome::Done),
                None => (Standing::Denied, audit::Outcome::Refused("access_denied")),
            };
            let scopes = allowed.unwrap_or_default();
            if queries::answer(tx, id, &signed_in, standing, &scopes, &row).await? == 0 {
                return Err(DeviceFault::Unknown);
            }
            let details = serde_json::json!({ "client": row.client, "scopes": scopes });
            let entry = signed_in.acting().entry("device.decided", id, details);
            audit::record(tx, auth_in.world(), &audit::Entry { outcome, ..entry }).await?;
            Ok(())
        })
        .await
}
