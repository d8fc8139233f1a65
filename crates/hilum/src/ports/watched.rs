//! What is watched: integrations as the broker keeps them.

use broker::{
    Broker,
    managed::{IntId, Managed, Status},
};
use futures_util::{FutureExt, future::BoxFuture};
use kernel::{Id, Integration, Organisation};
use watch::{About, Integrations, Line, Log, PortFault, Standing, WATCHED_MAX, What};
use webhooks::inbound::{Became, Heard};

/// Integrations of the broker.
pub struct BrokerIntegrations(pub Broker);

impl Integrations for BrokerIntegrations {
    fn about(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<About>, PortFault>> {
        async move {
            let found = self.0.managed(integration).await.map_err(|fault| PortFault(Box::new(fault)))?;
            Ok(found.map(|found| About { organisation: found.organisation, studies: found.studies }))
        }
        .boxed()
    }

    fn of(&self, organisation: Id<Organisation>) -> BoxFuture<'_, Result<Vec<Standing>, PortFault>> {
        async move {
            let found = self.0.managed_of(organisation, WATCHED_MAX).await;
            let standing = |one: Managed| Standing {
                id: one.id,
                studies: one.studies,
                is_active: one.status == Status::Active,
                data_since: one.last_sync.unwrap_or(one.updated_at),
            };
            Ok(found.map_err(|fault| PortFault(Box::new(fault)))?.into_iter().map(standing).collect())
        }
        .boxed()
    }
}

/// What comes in of an integration goes into its log, if the integration is of the organisation that the address belongs to.
pub struct HeardOfIntegrations {
    /// Where integrations are kept.
    pub broker: Broker,
    /// Where it is told.
    pub log: Log,
}

impl Heard for HeardOfIntegrations {
    fn hear<'a>(
        &'a self,
        organisation: Id<Organisation>,
        integration: &'a str,
        became: Became,
    ) -> BoxFuture<'a, ()> {
        async move {
            let Ok(IntId(id)) = integration.parse() else { return };
            // A log that misses a line is better than a message that is not taken.
            let Ok(Some(found)) = self.broker.managed(id).await else { return };
            if found.organisation != organisation {
                return;
            }
            self.log.note(match became {
                Became::Taken(message) => Line::of(id, What::MessageTaken).about(message),
                Became::Refused(why) => Line::of(id, What::MessageRefused).because(why),
            });
        }
        .boxed()
    }
}
