//! Keeping this node's knowledge of revocations, clients and keys current: at once when told, and every few seconds in any case.

use std::time::Duration;

use super::revocation::CHANNEL;
use store::Signal;

use crate::{Auth, client};

/// How often a node asks although nobody told it to.
pub(crate) const POLL: Duration = Duration::from_secs(5);

impl Auth {
    /// Runs until it is dropped: for [`web::Tasks::spawn`]. A message that is lost costs [`POLL`], not more.
    pub async fn keep_current(self) {
        tokio::select! {
            () = self.keep_knowledge() => {}
            () = self.keep_keys() => {}
        }
    }

    async fn keep_knowledge(&self) {
        let mut heard = self.db().notify().subscribe(CHANNEL);
        let mut stale = self.db().notify().subscribe(client::STALE);
        // Not a new wait each time round: clients that change all the time would put it off for ever.
        let mut look = tokio::time::interval(POLL);
        loop {
            tokio::select! {
                signal = heard.next() => if signal.is_none() { return },
                signal = stale.next() => match signal {
                    Some(Signal::Message(client_id)) => {
                        self.directory().forget(&client_id);
                        continue;
                    }
                    Some(Signal::Resync) => self.directory().forget_all(),
                    None => return,
                },
                _ = look.tick() => {
                    if let Err(why) = self.look_at_clients().await {
                        tracing::warn!(%why, "changes of clients cannot be read");
                    }
                    if let Err(why) = self.lists().look(self.db(), self.world()).await {
                        tracing::warn!(%why, "no further status list can be begun");
                    }
                }
            }
            if let Err(why) = self.checker().refresh(self.db(), self.world().now()).await {
                tracing::warn!(%why, "revocations cannot be read; tokens are refused when this lasts");
            }
        }
    }
}
