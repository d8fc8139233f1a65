//! Looking at one's factors, naming and removing them.

use kernel::{Id, Timestamp};
use vault::Sealed;

use super::{Factor, FactorFault, Kind, just_signed_in, name, place, queries};
use crate::{Auth, SignedIn};

/// A factor as its row holds it, as far as its person sees it.
pub(super) struct FactorRow {
    pub id: Id<kernel::Factor>,
    pub kind: Kind,
    pub name: Sealed,
    pub confirmed_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// The person's factors, the oldest first.
///
/// # Errors
/// The database, the vault.
pub async fn list(auth: &Auth, signed_in: &SignedIn) -> Result<Vec<Factor>, FactorFault> {
    let rows = queries::of(&mut auth.db().read().await?, signed_in.person).await?;
    let vault = auth.vault().tenant(signed_in.organisation).await?;
    let open = |row: FactorRow| -> Result<Factor, FactorFault> {
        let name = vault.open_text(place(row.id, "name"), &row.name)?.expose().clone();
        Ok(Factor { id: row.id, kind: row.kind, name, since: row.confirmed_at, used_at: row.used_at })
    };
    rows.into_iter().map(open).collect()
}

/// Call a factor something else. It changes nothing about who gets in, so it needs no new sign-in.
///
/// # Errors
/// [`FactorFault::Name`], [`FactorFault::NotFound`].
pub async fn rename(
    auth: &Auth,
    signed_in: &SignedIn,
    id: Id<kernel::Factor>,
    called: &str,
) -> Result<(), FactorFault> {
    let vault = auth.vault().tenant(signed_in.organisation).await?;
    let sealed = vault.seal(place(id, "name"), name(called)?.as_bytes());
    let (world, person) = (auth.world().clone(), signed_in.person);
    let entry = signed_in.acting().entry("factor.renamed", id, serde_json::Value::Null);
    auth.db()
        .write(async move |tx| -> Result<(), FactorFault> {
            if queries::rename(tx, person, id, &sealed).await? == 0 {
                return Err(FactorFault::NotFound);
            }
            audit::record(tx, &world, &entry).await?;
            Ok(())
        })
        .await
}

/// Remove a factor. With the last one the recovery codes go too: there is nothing left that they stand in for.
///
/// # Errors
/// [`FactorFault::NotRecent`], [`FactorFault::NotFound`].
pub async fn remove(auth: &Auth, signed_in: &SignedIn, id: Id<kernel::Factor>) -> Result<(), FactorFault> {
    let entry = signed_in.acting().entry("factor.removed", id, serde_json::Value::Null);
    let (auth_in, signed_in) = (auth.clone(), signed_in.clone());
    auth.db()
        .write(async move |tx| -> Result<(), FactorFault> {
            just_signed_in(&auth_in, tx, &signed_in).await?;
            if queries::remove(tx, signed_in.person, id).await? == 0 {
                return Err(FactorFault::NotFound);
            }
            if queries::kinds(tx, signed_in.person).await?.is_empty() {
                queries::forget_recovery_codes(tx, signed_in.person).await?;
            }
            audit::record(tx, auth_in.world(), &entry).await?;
            Ok(())
        })
        .await
}
