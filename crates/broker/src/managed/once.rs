//! A request that may come twice has one effect: `Idempotency-Key`.  draft-ietf-httpapi-idempotency-key-header

use crypto::sha256;
use http::HeaderMap;
use kernel::{Digest, Id, Integration, Kind as Sort, Timestamp};
use store::{Writer, binds};
use web::{IDEMPOTENCY_KEPT, Problem, idempotency_key};

use super::{body::refused, door::Asking};

/// What a caller calls a request, and what was in it.
#[derive(Clone)]
pub struct Once {
    key: String,
    digest: Digest,
}

impl Once {
    /// The key of the request, if it has one.
    pub fn of(headers: &HeaderMap, body: &[u8]) -> Result<Option<Self>, Problem> {
        let key = idempotency_key(headers).map_err(|issue| refused(vec![issue]))?;
        Ok(key.map(|key| Self { key: key.to_owned(), digest: Digest::from_bytes(sha256(body)) }))
    }

    /// Take the key for this integration, or say which one was made under it: the row is the lock, so of two at once one waits.
    pub async fn take(
        &self,
        tx: &mut Writer,
        asking: &Asking,
        made: Id<Integration>,
        now: Timestamp,
    ) -> Result<Option<Id<Integration>>, Problem> {
        let caller = &asking.bearer.0;
        let holder: Id<kernel::Client> = caller.person.map_or(caller.client, Id::cast);
        tx.execute("DELETE FROM integration_request WHERE expires_at <= $1", binds![now]).await?;
        let taken = tx
            .execute(
                "INSERT INTO integration_request (organisation_id, holder_id, request_key, digest, integration_id, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organisation_id, holder_id, request_key) DO NOTHING",
                binds![caller.organisation, holder, &self.key, self.digest, made, now + IDEMPOTENCY_KEPT],
            )
            .await?;
        if taken > 0 {
            return Ok(None);
        }
        let (digest, there): (Digest, Id<Integration>) = tx
            .one(
                "SELECT digest, integration_id FROM integration_request \
                 WHERE organisation_id = $1 AND holder_id = $2 AND request_key = $3",
                binds![caller.organisation, holder, &self.key],
            )
            .await?;
        if digest == self.digest {
            Ok(Some(there))
        } else {
            let why = "the Idempotency-Key was used for another request within the last 24 hours";
            Err(Problem::new(Sort::Conflict, why).with_path("Idempotency-Key"))
        }
    }
}
