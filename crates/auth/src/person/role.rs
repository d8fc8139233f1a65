//! What people may do, organisation by organisation.

use std::collections::BTreeSet;

use kernel::{Id, Organisation};
use store::Writer;

use super::{PersonFault, queries};
use crate::{Acting, Auth, row::text_column};

/// What a person is in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Gives roles, verifies clients, grants trust.
    Administrator,
    /// Registers client applications.
    Developer,
    /// Links accounts of their own.
    Person,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Administrator, Self::Developer, Self::Person];

    /// The word for it in the database and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Developer => "developer",
            Self::Person => "person",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}
text_column!(Role, "a role", Self::parse);

/// A person's roles in every organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(BTreeSet<(Id<Organisation>, Role)>);

impl Roles {
    /// Whether the person is that in this organisation. No role includes another.
    pub fn has(&self, organisation: Id<Organisation>, role: Role) -> bool {
        self.0.contains(&(organisation, role))
    }

    /// Each organisation and what the person is there.
    pub fn iter(&self) -> impl Iterator<Item = (Id<Organisation>, Role)> {
        self.0.iter().copied()
    }
}

impl FromIterator<(Id<Organisation>, Role)> for Roles {
    fn from_iter<I: IntoIterator<Item = (Id<Organisation>, Role)>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}

/// Give a person a role in the acting person's organisation.
///
/// # Errors
/// [`PersonFault::NotFound`].
pub async fn grant(
    auth: &Auth,
    acting: &Acting,
    person: Id<kernel::Person>,
    role: Role,
) -> Result<(), PersonFault> {
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    auth.db()
        .write(async move |tx| -> Result<(), PersonFault> {
            queries::by_id(tx, acting.organisation, person).await?.ok_or(PersonFault::NotFound)?;
            if queries::grant(tx, person, acting.organisation, role, now).await? > 0 {
                let entry =
                    acting.entry("role.granted", person, serde_json::json!({ "role": role.as_str() }));
                audit::record(tx, &world, &entry).await?;
            }
            Ok(())
        })
        .await
}

/// Take a role in the acting person's organisation from a person.
///
/// # Errors
/// [`PersonFault::LastAdministrator`] where nobody would be left who can give roles.
pub async fn withdraw(
    auth: &Auth,
    acting: &Acting,
    person: Id<kernel::Person>,
    role: Role,
) -> Result<(), PersonFault> {
    let (world, acting) = (auth.world().clone(), acting.clone());
    auth.db()
        .write(async move |tx| -> Result<(), PersonFault> {
            if queries::withdraw(tx, person, acting.organisation, role).await? > 0 {
                keep_an_administrator(tx, acting.organisation).await?;
                let entry =
                    acting.entry("role.withdrawn", person, serde_json::json!({ "role": role.as_str() }));
                audit::record(tx, &world, &entry).await?;
            }
            Ok(())
        })
        .await
}

/// The roles that a person of the acting person's organisation has there.
///
/// # Errors
/// The database.
pub async fn roles_of(
    auth: &Auth,
    acting: &Acting,
    person: Id<kernel::Person>,
) -> Result<Vec<Role>, PersonFault> {
    let roles = queries::roles(&mut auth.db().read().await?, person).await?;
    Ok(roles
        .iter()
        .filter(|(organisation, _)| *organisation == acting.organisation)
        .map(|(_, role)| role)
        .collect())
}

/// Undoes the unit where it would leave an organisation without an administrator.
pub(super) async fn keep_an_administrator(
    tx: &mut Writer,
    organisation: Id<Organisation>,
) -> Result<(), PersonFault> {
    if queries::live_administrators(tx, organisation).await? == 0 {
        Err(PersonFault::LastAdministrator)
    } else {
        Ok(())
    }
}
