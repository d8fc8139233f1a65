//! Who is let in: the scope of the client, then whether the integration may be seen, then whether this may be done. What may not be seen is
//! answered as what is not there.

use kernel::{Id, Integration, Organisation, Permission, Study};
use web::{Bearer, Problem};

use crate::{Watch, fault::WatchFault, id};

/// A caller who may do something, somewhere.
pub(crate) struct Asking {
    pub bearer: Bearer,
    permission: Permission,
}

impl Asking {
    pub fn enter(bearer: Bearer, permission: Permission) -> Result<Self, Problem> {
        bearer.allow(permission)?;
        Ok(Self { bearer, permission })
    }

    /// Whether the caller may do this to a thing of `owner` that belongs to these studies.
    pub fn may(&self, owner: Id<Organisation>, studies: &[Id<Study>]) -> bool {
        self.bearer.0.may(self.permission, owner, studies)
    }

    /// Whether the caller may know of it.
    pub fn may_see(&self, owner: Id<Organisation>, studies: &[Id<Study>]) -> bool {
        self.bearer.0.may(Permission::Read, owner, studies)
    }

    /// The integration of this id, if the caller may see it and do this to it.
    pub async fn integration(&self, watch: &Watch, text: &str) -> Result<Id<Integration>, Problem> {
        let integration = id::read::<Integration>(text).ok_or(WatchFault::Unknown)?;
        let about = watch.integrations.about(integration).await?.ok_or(WatchFault::Unknown)?;
        let may = |permission| self.bearer.0.may(permission, about.organisation, &about.studies);
        match (may(Permission::Read), may(self.permission)) {
            (false, _) => Err(WatchFault::Unknown.into()),
            (true, false) => Err(Problem::role()),
            (true, true) => Ok(integration),
        }
    }
}
