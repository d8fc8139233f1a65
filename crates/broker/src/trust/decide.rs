//! Asking for trust, granting it, withdrawing it.

use std::sync::Arc;

use audit::{Outcome, Subject};
use kernel::{Actor, Client, Id, Integration as IntegrationKind, Organisation, Person};
use serde_json::json;
use store::{Reader, Writer};

use super::{ACTIONS_MAX, CHANNEL, RATE_PER_MINUTE_MAX, State, Terms, Trust, TrustFault, queries};
use crate::{
    Broker, By,
    integration::{Integration, IntegrationFault},
    proxy::RULES_MAX,
};

impl Broker {
    /// Ask for trust. What was granted stays granted until an administrator decides; a withdrawn one is asked for anew.
    ///
    /// # Errors
    /// [`TrustFault`]: the integration is unknown, or a term is wrong.
    pub async fn request_trust(
        &self,
        organisation: Id<Organisation>,
        client: Id<Client>,
        slug: &str,
        terms: Terms,
        by: &By,
    ) -> Result<(), TrustFault> {
        self.decide(organisation, client, slug, (terms, State::Requested), by).await
    }

    /// Grant trust on these terms, asked for or not. Granting again changes the terms.
    ///
    /// # Errors
    /// [`TrustFault`]: the client is unknown or not verified, the integration is unknown, or a term is wrong.
    pub async fn grant_trust(
        &self,
        organisation: Id<Organisation>,
        client: Id<Client>,
        slug: &str,
        terms: Terms,
        by: &By,
    ) -> Result<(), TrustFault> {
        let known = self.clients.by_id(client).await.map_err(IntegrationFault::from)?;
        if !known.ok_or(TrustFault::Unknown)?.is_verified {
            return Err(TrustFault::Unverified);
        }
        self.decide(organisation, client, slug, (terms, State::Granted), by).await
    }

    /// Withdraw or refuse trust. It has its effect on every node at once.
    ///
    /// # Errors
    /// [`TrustFault::Unknown`] where there is nothing to withdraw.
    pub async fn withdraw_trust(
        &self,
        organisation: Id<Organisation>,
        client: Id<Client>,
        slug: &str,
        by: &By,
    ) -> Result<(), TrustFault> {
        let integration = self.own_integration(organisation, slug).await?;
        let (world, by, key) = (self.world.clone(), by.clone(), (client, integration.id));
        let unit = async move |tx: &mut Writer| -> Result<(), TrustFault> {
            let now = world.now();
            let there =
                queries::set_state(tx, client, integration.id, State::Withdrawn, person(&by), now).await?;
            if !there {
                return Err(TrustFault::Unknown);
            }
            let details = json!({ "client": client });
            let subject = Subject::of(integration.id);
            let entry = by.did(integration.organisation, "trust.withdrawn", subject, Outcome::Done, details);
            audit::record(tx, &world, &entry).await?;
            Ok(tx.publish(CHANNEL, &format!("{client} {}", integration.id)).await?)
        };
        self.db.write(unit).await?;
        self.trusts.forget(&key);
        Ok(())
    }

    /// All trust of this client, granted or not.
    ///
    /// # Errors
    /// [`TrustFault`]: the database does not answer.
    pub async fn trusts_of_client(&self, client: Id<Client>) -> Result<Vec<Trust>, TrustFault> {
        Ok(self.db.scan(async move |tx: &mut Reader| queries::of_client(tx, client).await).await?)
    }

    /// All trust in this integration, granted or not.
    ///
    /// # Errors
    /// [`store::DbError`]: the database does not answer.
    pub async fn trusts_of(&self, integration: Id<IntegrationKind>) -> Result<Vec<Trust>, store::DbError> {
        self.db.scan(async move |tx: &mut Reader| queries::of_integration(tx, integration).await).await
    }

    /// Trust is decided by the organisation that the integration belongs to; to others there is no such integration.
    async fn own_integration(
        &self,
        organisation: Id<Organisation>,
        slug: &str,
    ) -> Result<Arc<Integration>, TrustFault> {
        let found = self.integration_by_slug(slug).await?;
        found.filter(|integration| integration.organisation == organisation).ok_or(TrustFault::Unknown)
    }

    async fn decide(
        &self,
        organisation: Id<Organisation>,
        client: Id<Client>,
        slug: &str,
        (terms, state): (Terms, State),
        by: &By,
    ) -> Result<(), TrustFault> {
        let integration = self.own_integration(organisation, slug).await?;
        let terms = checked(&integration, terms)?;
        let (world, by, key) = (self.world.clone(), by.clone(), (client, integration.id));
        let unit = async move |tx: &mut Writer| -> Result<(), TrustFault> {
            let now = world.now();
            let before = queries::of_pair(tx, client, integration.id).await?;
            let is_granted = before.as_ref().is_some_and(|trust| trust.state == State::Granted);
            if state == State::Requested && is_granted {
                return Ok(());
            }
            let decided = state == State::Granted;
            let trust = Trust {
                id: world.new_id(),
                client,
                integration: integration.id,
                organisation: integration.organisation,
                state,
                terms: terms.clone(),
                requested_by: person(&by),
                requested_at: now,
                decided_by: person(&by).filter(|_| decided),
                decided_at: decided.then_some(now),
            };
            queries::put(tx, &trust).await?;
            let act = if decided { "trust.granted" } else { "trust.requested" };
            let details = json!({ "client": client, "actions": trust.terms.actions });
            let entry =
                by.did(integration.organisation, act, Subject::of(integration.id), Outcome::Done, details);
            audit::record(tx, &world, &entry).await?;
            Ok(tx.publish(CHANNEL, &format!("{client} {}", integration.id)).await?)
        };
        self.db.write(unit).await?;
        self.trusts.forget(&key);
        Ok(())
    }
}

fn person(by: &By) -> Option<Id<Person>> {
    match by.actor {
        Actor::Person { person, .. } => Some(person),
        Actor::Client(_) | Actor::Receiver(_) | Actor::System | Actor::Anonymous => None,
    }
}

/// The terms, if the integration can keep them. No scopes stated means all that it asks for.
fn checked(integration: &Integration, mut terms: Terms) -> Result<Terms, TrustFault> {
    let wrong = |field, message| Err(TrustFault::Term { field, message });
    if terms.actions.len() > ACTIONS_MAX {
        return wrong("actions", "too many");
    }
    if terms.actions.iter().any(|name| integration.provider.action(name).is_none()) {
        return wrong("actions", "the provider has no such action");
    }
    if terms.proxy.len() > RULES_MAX {
        return wrong("proxy", "too many rules");
    }
    if terms.rate_per_minute == 0 || terms.rate_per_minute > RATE_PER_MINUTE_MAX {
        return wrong("rate_per_minute", "state 1 to 600000");
    }
    if terms.scopes.is_empty() {
        terms.scopes = integration.scopes.clone();
    }
    if !terms.scopes.is_within(&integration.scopes) {
        return wrong("scopes", "the integration does not ask for all of these");
    }
    Ok(terms)
}
