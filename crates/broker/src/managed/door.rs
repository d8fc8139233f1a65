//! Who is let in to which integration: the scope, then whether it may be seen, then whether this may be done.

use kernel::{Kind as Sort, Permission, RequestId, Timestamp};
use store::Reader;
use web::{Bearer, Problem};

use super::{IntId, Managed, Status, queries};
use crate::By;

/// Who asks, and in which request.
#[derive(Clone)]
pub struct Asking {
    pub bearer: Bearer,
    pub request: RequestId,
}

impl Asking {
    /// Insist on the scope and on a role that allows this anywhere.
    pub fn enter(bearer: Bearer, request: RequestId, permission: Permission) -> Result<Self, Problem> {
        bearer.allow(permission)?;
        Ok(Self { bearer, request })
    }

    /// Who acts, for the record of the integration: the person, or the client that acts for itself.
    pub fn by_whom(&self) -> String {
        self.bearer.0.actor().name()
    }

    pub fn by(&self) -> By {
        By::new(self.bearer.0.actor(), Some(self.request.clone()))
    }

    /// The integration of this id, if the caller may see it, and do this to it. Archived ones are there for whoever asks for them.
    pub async fn find(&self, tx: &mut Reader, id: &str, permission: Permission) -> Result<Managed, Problem> {
        let id: IntId = id.parse().map_err(|_| nothing())?;
        let found = queries::by_id(tx, id.0).await?.ok_or_else(nothing)?;
        let may = |permission| self.bearer.0.may(permission, found.organisation, &found.studies);
        if !may(Permission::Read) {
            return Err(nothing());
        }
        if may(permission) { Ok(found) } else { Err(Problem::role()) }
    }

    /// The same, unless it is archived.
    pub async fn find_live(
        &self,
        tx: &mut Reader,
        id: &str,
        permission: Permission,
    ) -> Result<Managed, Problem> {
        let found = self.find(tx, id, permission).await?;
        if found.status == Status::Archived { Err(nothing()) } else { Ok(found) }
    }

    /// What the integration will be: the next version, by whom, when.
    pub fn next(&self, there: &Managed, now: Timestamp) -> Managed {
        Managed {
            version: there.version.saturating_add(1),
            updated_by: Some(self.by_whom()),
            updated_at: now,
            ..there.clone()
        }
    }
}

/// What is not there, and what the caller may not know of.
pub fn nothing() -> Problem {
    Problem::new(Sort::NotFound, "there is no such integration")
}

/// Somebody else's change came first, within the time of this one.
pub fn overtaken() -> Problem {
    Problem::new(Sort::Conflict, "the integration has changed meanwhile; read it again")
        .with_status(http::StatusCode::PRECONDITION_FAILED)
}
