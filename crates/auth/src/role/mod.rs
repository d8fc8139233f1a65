//! What people and clients are in an organisation or in a study of it: rows, and what of them a token tells.  Contract 4, RBAC
//!
//! `kernel::Role` has the words and `kernel::Permission` the one table of what they mean. Here is who has which.

pub(crate) mod queries;
mod read;

use std::collections::BTreeSet;

use kernel::{Grant, Grants, Id, Organisation, Permission, Role, Scopes};

pub use read::{MalformedRole, read};

/// A person's roles in every organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(BTreeSet<(Id<Organisation>, Grant)>);

impl Roles {
    /// Whether the person is that in the whole of this organisation. No role includes another.
    pub fn has(&self, organisation: Id<Organisation>, role: Role) -> bool {
        self.0.contains(&(organisation, Grant::whole(role)))
    }

    /// What the person is in this organisation.
    pub fn within(&self, organisation: Id<Organisation>) -> Grants {
        self.0.iter().filter(|(of, _)| *of == organisation).map(|(_, grant)| *grant).collect()
    }
}

impl FromIterator<(Id<Organisation>, Grant)> for Roles {
    fn from_iter<I: IntoIterator<Item = (Id<Organisation>, Grant)>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}

/// Whether a token with these scopes tells its holder's roles: no other has a use for them.
pub(crate) fn are_told(scopes: &Scopes) -> bool {
    Permission::SCOPES.iter().any(|scope| scopes.has(scope))
}
