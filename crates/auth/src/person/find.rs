//! Reading people, with what is personal opened.

use kernel::{Id, Organisation, Timestamp};
use vault::{Sealed, TenantVault};

use super::{Email, Person, PersonFault, place, queries};
use crate::{Acting, Auth};

/// How many people a list shows; an organisation with more pages through them by the last id.
pub const LIST_ROWS_MAX: i64 = 200;

/// A person as their row holds them.
pub(super) struct Closed {
    pub id: Id<kernel::Person>,
    pub organisation: Id<Organisation>,
    pub email: Sealed,
    pub display_name: Sealed,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
}

/// One person of an organisation.
///
/// # Errors
/// The database, the vault.
pub async fn find(
    auth: &Auth,
    organisation: Id<Organisation>,
    id: Id<kernel::Person>,
) -> Result<Option<Person>, PersonFault> {
    let Some(closed) = queries::by_id(&mut auth.db().read().await?, organisation, id).await? else {
        return Ok(None);
    };
    let vault = auth.vault().tenant(organisation).await?;
    open(&vault, &closed).map(Some)
}

/// The person of an organisation who signs in with this e-mail address.
///
/// # Errors
/// The database, the vault.
pub async fn by_email(
    auth: &Auth,
    organisation: Id<Organisation>,
    email: &Email,
) -> Result<Option<Person>, PersonFault> {
    let digest = email.digest(auth.vault());
    let Some(closed) = queries::by_email(&mut auth.db().read().await?, organisation, &digest).await? else {
        return Ok(None);
    };
    let vault = auth.vault().tenant(organisation).await?;
    open(&vault, &closed).map(Some)
}

/// One person, whosesoever they are: for tokens, which name a person and no organisation of theirs.
///
/// # Errors
/// The database, the vault.
pub(crate) async fn find_anywhere(
    auth: &Auth,
    id: Id<kernel::Person>,
) -> Result<Option<Person>, PersonFault> {
    let Some(closed) = queries::of_any_organisation(&mut auth.db().read().await?, id).await? else {
        return Ok(None);
    };
    let vault = auth.vault().tenant(closed.organisation).await?;
    open(&vault, &closed).map(Some)
}

/// The people of the acting person's organisation after the given one, in the order in which they came.
///
/// # Errors
/// The database, the vault.
pub async fn list_of(
    auth: &Auth,
    acting: &Acting,
    after: Option<Id<kernel::Person>>,
) -> Result<Vec<Person>, PersonFault> {
    let organisation = acting.organisation;
    let closed = auth
        .db()
        .scan(async move |tx| -> Result<_, PersonFault> {
            Ok(queries::of_organisation(tx, organisation, after, LIST_ROWS_MAX).await?)
        })
        .await?;
    let vault = auth.vault().tenant(organisation).await?;
    closed.iter().map(|closed| open(&vault, closed)).collect()
}

fn open(vault: &TenantVault, closed: &Closed) -> Result<Person, PersonFault> {
    let text = |column, sealed: &Sealed| -> Result<String, PersonFault> {
        Ok(vault.open_text(place(closed.id, column), sealed)?.expose().clone())
    };
    Ok(Person {
        id: closed.id,
        organisation: closed.organisation,
        email: text("email", &closed.email)?,
        display_name: text("display_name", &closed.display_name)?,
        created_at: closed.created_at,
        updated_at: closed.updated_at,
        disabled_at: closed.disabled_at,
    })
}
