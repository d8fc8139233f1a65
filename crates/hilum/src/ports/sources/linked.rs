//! Accounts that people have linked, as a source: the broker calls in each one's name, and `auth` knows which Patient is whose.

use std::time::Duration;

use auth::{
    Acting, Auth,
    smart::{Relation, links_of},
};
use broker::{Broker, UpstreamFault, connection::LinkedAccount, credential::CredentialFault, managed::IntId};
use exchange::{
    connector::{
        Account, PullFault,
        linked::{Accounts, Linked, NotRead},
    },
    mapping::Given,
};
use futures_util::{FutureExt, future::BoxFuture};
use kernel::{Connection, Id, Integration, Organisation};
use outbound::{Call, OutboundFault, WholeAnswer};

/// Accounts of an integration that people link at.
pub(super) struct BrokerAccounts {
    pub broker: Broker,
    pub auth: Auth,
    pub organisation: Id<Organisation>,
    pub integration: Id<Integration>,
}

/// The integration that is named, as `int_…`.
pub(super) fn named(text: Option<&str>) -> Result<Id<Integration>, &'static str> {
    let id = text.and_then(|text| text.parse::<IntId>().ok());
    id.map(|id| id.0).ok_or("config.linked_integration names no integration that people link at")
}

impl BrokerAccounts {
    async fn linked(&self, account: LinkedAccount) -> Result<Linked, PullFault> {
        let acting = Acting::system(self.organisation);
        let links = links_of(&self.auth, &acting, account.person).await.map_err(|fault| {
            tracing::warn!(%fault, "it cannot be told whose patient somebody is");
            PullFault::again("it cannot be told whose patient somebody is")
        })?;
        let mut own = links.into_iter().filter(|link| link.relation == Relation::Themself);
        // Of two own records nobody knows which is meant: what needs one waits in quarantine.
        let given = match (own.next(), own.next()) {
            (Some(link), None) => {
                Given::from([("patient".to_owned(), format!("Patient/{}", link.patient.as_str()))])
            }
            _ => Given::new(),
        };
        let account_out = Account { id: account.id.to_string(), given };
        Ok(Linked { account: account_out, linked_at: account.linked_at })
    }
}

fn unread(fault: &UpstreamFault) -> NotRead {
    let again = |why, after_s| NotRead::Fault(PullFault::Again { why, after_s });
    match fault {
        UpstreamFault::Credential(CredentialFault::NotLinked | CredentialFault::NeedsReconnect(_)) => {
            NotRead::Ended
        }
        UpstreamFault::NotAccepted => NotRead::Ended,
        UpstreamFault::Credential(CredentialFault::Integration(_)) => NotRead::Fault(PullFault::last(
            "the integration that people link at is not enabled, or its API is elsewhere",
        )),
        UpstreamFault::Throttled { retry_after_s, .. } => {
            NotRead::Fault(PullFault::Later { after: Duration::from_secs(*retry_after_s) })
        }
        UpstreamFault::Outbound(OutboundFault::Refused(_)) => {
            NotRead::Fault(PullFault::last("the source's address is not allowed here"))
        }
        UpstreamFault::Credential(CredentialFault::NotRenewed { retry_after_s }) => {
            again("a linked account's access is not renewed at the moment", Some(*retry_after_s))
        }
        UpstreamFault::Status { retry_after_s, .. } => again("the source has trouble", *retry_after_s),
        _ => again("no answer of the source in a person's name", None),
    }
}

impl Accounts for BrokerAccounts {
    fn next<'a>(&'a self, after: Option<&'a str>) -> BoxFuture<'a, Result<Option<Linked>, PullFault>> {
        async move {
            let after = after.map(str::parse::<Id<Connection>>).transpose();
            let after = after.map_err(|_| PullFault::last("where the run was cannot be read"))?;
            let found = self.broker.linked_after((self.organisation, self.integration), after).await;
            let found = found.map_err(|fault| {
                tracing::warn!(%fault, "linked accounts cannot be looked up");
                PullFault::again("linked accounts cannot be looked up")
            })?;
            match found {
                Some(account) => self.linked(account).await.map(Some),
                None => Ok(None),
            }
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        account: &'a str,
        call: Call,
        bytes_max: usize,
    ) -> BoxFuture<'a, Result<WholeAnswer, NotRead>> {
        async move {
            let account: Id<Connection> = account.parse().map_err(|_| NotRead::Ended)?;
            let of = (self.organisation, self.integration);
            let answer = self.broker.read_in_name(of, account, call).await.map_err(|fault| unread(&fault))?;
            let whole = answer.read(bytes_max).await;
            whole.map_err(|fault| unread(&UpstreamFault::Outbound(fault)))
        }
        .boxed()
    }
}
