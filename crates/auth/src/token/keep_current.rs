//! Keeping this node's knowledge of revocations current: at once when told, and every few seconds in any case.

use std::time::Duration;

use super::revocation::CHANNEL;
use crate::Auth;

/// How often a node asks although nobody told it to.
const POLL: Duration = Duration::from_secs(5);

impl Auth {
    /// Runs until it is dropped: for [`web::Tasks::spawn`]. A message that is lost costs [`POLL`], not more.
    pub async fn keep_current(self) {
        let mut heard = self.db().notify().subscribe(CHANNEL);
        loop {
            let is_open = tokio::select! {
                signal = heard.next() => signal.is_some(),
                () = tokio::time::sleep(POLL) => true,
            };
            if !is_open {
                return;
            }
            if let Err(why) = self.checker().refresh(self.db(), self.world().now()).await {
                tracing::warn!(%why, "revocations cannot be read; tokens are refused when this lasts");
            }
        }
    }
}
