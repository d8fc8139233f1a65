//! A token to use, at once wherever possible.
//!
//! A token that is still good costs no lock, no database read and no write: it lies decrypted in memory, under its
//! version, until somebody says that the connection has changed.

use std::sync::Arc;

use kernel::{Id, Person};

use super::{
    CredentialFault, Live,
    claim::Wanted,
    decide::{Use, how_to_use, renew_from},
    flight::{landed, seconds_until},
    queries::{self, LiveRow},
    refresh::Renewal,
    tokens::places,
};
use crate::{Broker, By, integration::Integration};

/// How often a caller looks again after a renewal.
const LOOKS_MAX: u32 = 3;
/// Told to callers whose renewal has not come to an end.
const COME_BACK_S: u64 = 2;

impl Broker {
    /// The person's connection at this integration, with an access token that is good now.
    pub(crate) async fn credential(
        &self,
        person: Id<Person>,
        integration: &Integration,
        by: &By,
    ) -> Result<Arc<Live>, CredentialFault> {
        for _ in 0..LOOKS_MAX {
            let live = self.live_connection(person, integration).await?;
            match how_to_use(&live, self.world.now()) {
                Use::Now => return Ok(live),
                Use::NowAndRenew => {
                    drop(self.flights.join(self, wanted(&live), by.clone()));
                    return Ok(live);
                }
                Use::Never(reason) => return Err(CredentialFault::NeedsReconnect(reason)),
                Use::NotBefore(then) => {
                    let retry_after_s = seconds_until(then, self.world.now());
                    return Err(CredentialFault::NotRenewed { retry_after_s });
                }
                Use::AfterRenewal => self.renewed(&live, by).await?,
            }
        }
        Err(CredentialFault::NotRenewed { retry_after_s: COME_BACK_S })
    }

    /// A newer token than this one, which the third party did not accept.
    pub(crate) async fn newer_credential(
        &self,
        live: &Live,
        integration: &Integration,
        by: &By,
    ) -> Result<Arc<Live>, CredentialFault> {
        if live.renewable {
            self.renewed(live, by).await?;
        }
        let newer = self.live_connection(live.person, integration).await?;
        match how_to_use(&newer, self.world.now()) {
            Use::Never(reason) => Err(CredentialFault::NeedsReconnect(reason)),
            _ if newer.version > live.version => Ok(newer),
            _ => Err(CredentialFault::NotRenewed { retry_after_s: COME_BACK_S }),
        }
    }

    /// Have a token renewed that the third party did not accept; nobody waits for it.
    pub(crate) fn renew_in_background(&self, live: &Live, by: &By) {
        if live.renewable && live.retry_at <= self.world.now() {
            drop(self.flights.join(self, wanted(live), by.clone()));
        }
    }

    /// Have it renewed and wait, for a limited time.
    async fn renewed(&self, live: &Live, by: &By) -> Result<(), CredentialFault> {
        let under_way = self.flights.join(self, wanted(live), by.clone());
        let renewal = tokio::time::timeout(self.policy.wait_max, landed(under_way)).await;
        self.live.forget(&(live.person, live.integration));
        match renewal {
            Ok(Renewal::Done | Renewal::Ended) => Ok(()),
            Ok(Renewal::NotBefore(then)) => {
                let retry_after_s = seconds_until(then, self.world.now());
                Err(CredentialFault::NotRenewed { retry_after_s })
            }
            Ok(Renewal::Failed) | Err(_) => Err(CredentialFault::NotRenewed { retry_after_s: COME_BACK_S }),
        }
    }

    async fn live_connection(
        &self,
        person: Id<Person>,
        integration: &Integration,
    ) -> Result<Arc<Live>, CredentialFault> {
        let key = (person, integration.id);
        let found = self.live.get(&key, self.world.now(), self.load_live(person, integration)).await?;
        found.ok_or(CredentialFault::NotLinked)
    }

    async fn load_live(
        &self,
        person: Id<Person>,
        integration: &Integration,
    ) -> Result<Option<Live>, CredentialFault> {
        let vault = self.vault.tenant(integration.organisation).await?;
        let mut reader = self.db.read().await?;
        let Some(LiveRow { connection: row, credential }) =
            queries::live_of_person(&mut reader, person, integration.id).await?
        else {
            return Ok(None);
        };
        drop(reader);
        let access = vault.open_text(places::access(row.id), &credential.access)?;
        let margin_max = self.policy.margin_max;
        Ok(Some(Live {
            id: row.id,
            person,
            integration: integration.id,
            status: row.status,
            granted: row.scopes_granted,
            version: row.credential_version,
            authorization: super::ask::sensitive(&format!("Bearer {}", access.expose()))?,
            renewable: credential.refresh.is_some(),
            expires_at: credential.expires_at,
            renew_from: credential
                .expires_at
                .map(|end| renew_from(row.id, credential.obtained_at, end, margin_max)),
            retry_at: row.retry_at,
        }))
    }
}

const fn wanted(live: &Live) -> Wanted {
    Wanted { connection: live.id, seen: live.version }
}
