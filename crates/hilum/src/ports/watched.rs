//! What is watched: integrations as the broker keeps them.

use broker::Broker;
use futures_util::{FutureExt, future::BoxFuture};
use kernel::{Id, Integration};
use watch::{About, Integrations, PortFault};

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
}
