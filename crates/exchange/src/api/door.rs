//! Who is let in: the scope of the client, then whether the integration may be seen, then whether this may be done. What may not be seen is answered
//! as what is not there.

use kernel::{Actor, Id, Integration, Permission, RequestId};
use web::{Bearer, Problem};

use super::id;
use crate::{
    About, Exchange,
    run::{Run, RunFault, SyncRun, anybodys},
};

/// Who asks, and in which request.
pub(super) struct Asking {
    bearer: Bearer,
    request: RequestId,
}

impl Asking {
    pub fn enter(bearer: Bearer, request: RequestId, permission: Permission) -> Result<Self, Problem> {
        bearer.allow(permission)?;
        Ok(Self { bearer, request })
    }

    /// Who acts, for the audit trail.
    pub fn by(&self) -> (Actor, Option<RequestId>) {
        (self.bearer.0.actor(), Some(self.request.clone()))
    }

    /// Who acts, in the words of the API.
    pub fn by_whom(&self) -> String {
        self.bearer.0.actor().name()
    }

    pub fn organisation(&self) -> Id<kernel::Organisation> {
        self.bearer.0.organisation
    }

    /// The integration of this id, if the caller may see it and do this to it.
    pub async fn integration(
        &self,
        exchange: &Exchange,
        text: &str,
        permission: Permission,
    ) -> Result<(Id<Integration>, About), Problem> {
        let id = id::read::<Integration>(text).ok_or_else(nothing)?;
        Ok((id, self.about(exchange, id, permission).await?))
    }

    async fn about(
        &self,
        exchange: &Exchange,
        id: Id<Integration>,
        permission: Permission,
    ) -> Result<About, Problem> {
        let about = exchange.sources.about(id).await?.ok_or_else(nothing)?;
        let may = |permission| self.bearer.0.may(permission, about.organisation, &about.studies);
        match (may(Permission::Read), may(permission)) {
            (false, _) => Err(nothing()),
            (true, false) => Err(Problem::role()),
            (true, true) => Ok(about),
        }
    }

    /// The run of this id, by the same rule.
    pub async fn run(&self, exchange: &Exchange, text: &str, permission: Permission) -> Result<Run, Problem> {
        let id = id::read::<SyncRun>(text).ok_or_else(nothing)?;
        let run = anybodys(&mut exchange.db.read().await?, id).await?.ok_or_else(nothing)?;
        self.about(exchange, run.integration, permission).await?;
        Ok(run)
    }
}

pub(super) fn nothing() -> Problem {
    RunFault::Unknown.into()
}
