//! Whether a caller may know of an integration at all.  Contract 1, "Rules"

use std::sync::Arc;

use kernel::{Caller, Client, Id, Kind, Person};
use web::Problem;

use super::{State, Trust, TrustFault, queries};
use crate::{
    Broker,
    integration::{Integration, IntegrationFault},
};

/// A person, and an integration that the person's client is trusted for.
pub(crate) struct Access {
    pub person: Id<Person>,
    pub integration: Arc<Integration>,
    pub trust: Arc<Trust>,
}

/// The person in whose name the caller speaks.
pub(crate) fn person_of(caller: &Caller) -> Result<Id<Person>, Problem> {
    caller.person.ok_or_else(|| {
        Problem::new(Kind::Forbidden, "this needs an access token of a person, not one of the client itself")
    })
}

/// The integration of this slug, if it is enabled and the caller's client is trusted for it. One answer for all that
/// stands against it: a client learns nothing about integrations that are not its own.
pub(crate) async fn require_trust(broker: &Broker, caller: &Caller, slug: &str) -> Result<Access, Problem> {
    let person = person_of(caller)?;
    let unknown = || Problem::of_status(http::StatusCode::NOT_FOUND);
    let integration = match broker.enabled_integration(slug).await {
        Ok(integration) => integration,
        Err(IntegrationFault::Unknown) => return Err(unknown()),
        Err(fault) => return Err(fault.into()),
    };
    if integration.organisation != caller.organisation {
        return Err(unknown());
    }
    let trust = broker.trust(caller.client, &integration).await?.ok_or_else(unknown)?;
    Ok(Access { person, integration, trust })
}

impl Broker {
    /// The trust that is granted to this client for this integration. Trust of a client whose verification was taken away
    /// has no effect. Contract 1, "verified and trusted"
    pub(crate) async fn trust(
        &self,
        client: Id<Client>,
        integration: &Integration,
    ) -> Result<Option<Arc<Trust>>, TrustFault> {
        let load = async {
            if !self.is_verified(client).await? {
                return Ok(None);
            }
            let mut reader = self.db.read().await?;
            Ok::<_, TrustFault>(queries::of_pair(&mut reader, client, integration.id).await?)
        };
        let found = self.trusts.get(&(client, integration.id), self.world.now(), load).await?;
        Ok(found.filter(|trust| trust.state == State::Granted))
    }

    async fn is_verified(&self, client: Id<Client>) -> Result<bool, TrustFault> {
        let known = self.clients.by_id(client).await.map_err(IntegrationFault::from)?;
        Ok(known.is_some_and(|client| client.is_verified))
    }

    /// The enabled integrations of its own organisation that the caller's client is trusted for, by slug.
    pub(crate) async fn trusted_integrations(
        &self,
        caller: &Caller,
    ) -> Result<Vec<Arc<Integration>>, TrustFault> {
        let client = caller.client;
        if !self.is_verified(client).await? {
            return Ok(Vec::new());
        }
        let slugs = self
            .db
            .scan(async move |tx: &mut store::Reader| queries::granted_slugs(tx, client).await)
            .await?;
        let mut integrations = Vec::new();
        for (slug,) in slugs {
            match self.enabled_integration(&slug).await {
                Ok(integration) if integration.organisation == caller.organisation => {
                    integrations.push(integration)
                }
                Ok(_) | Err(IntegrationFault::Unknown) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(integrations)
    }
}
