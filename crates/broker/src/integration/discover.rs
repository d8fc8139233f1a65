//! The authorization code grant of an integration: from the catalogue, or from the tenant's discovery document.
//! SMART App Launch 2.2 §conformance

use std::sync::Arc;

use http::{HeaderValue, header};

use super::{Integration, IntegrationFault};
use crate::{
    Broker,
    provider::{Auth, OAuth2Code, Smart, SmartConfiguration},
};
use outbound::Call;

/// The longest discovery document that is read.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

impl Broker {
    /// How accounts are linked at this integration. A discovered grant is kept for a while.
    pub(crate) async fn code_flow(
        &self,
        integration: &Integration,
    ) -> Result<Arc<OAuth2Code>, IntegrationFault> {
        let key = (integration.id, integration.version);
        let load = async {
            match &integration.provider.auth {
                Auth::OAuth2Code(code) => Ok(Some(OAuth2Code::clone(code))),
                Auth::SmartDiscovery(smart) => self.discovered(integration, smart).await.map(Some),
                _ => Ok(None),
            }
        };
        self.code_flows.get(&key, self.world.now(), load).await?.ok_or(IntegrationFault::NoCodeFlow)
    }

    async fn discovered(
        &self,
        integration: &Integration,
        smart: &Smart,
    ) -> Result<OAuth2Code, IntegrationFault> {
        let url = smart.discovery_address(&integration.settings)?;
        let mut call = Call::get(url);
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.outbound.read(call, DOCUMENT_BYTES_MAX).await?;
        if !answer.status.is_success() {
            return Err(IntegrationFault::UnreadableDiscovery);
        }
        let found: SmartConfiguration =
            serde_json::from_slice(&answer.body).map_err(|_| IntegrationFault::UnreadableDiscovery)?;
        Ok(smart.code_flow(&found, &integration.settings)?)
    }
}
