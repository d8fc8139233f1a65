//! Messages that were processed, and what they were answered.

use store::{DbError, Reader, Writer, binds};

use crate::tenant::Tenant;

/// A message that is to be processed once.
#[derive(Clone)]
pub(crate) struct Letter {
    /// A digest of who sent it and of its id.
    pub key: [u8; 32],
    /// A digest of all of it.
    pub digest: [u8; 32],
    /// What is answered once all that it brings is stored.
    pub answer: String,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Posted {
    /// It was answered so, now or before.
    Answered(String),
    /// Another message with this id was processed before.
    Another,
}

impl Letter {
    /// What became of it, if it was processed before.
    pub async fn known(&self, reader: &mut Reader, tenant: &Tenant) -> Result<Option<Posted>, DbError> {
        let sql = "SELECT digest, answer FROM fhir_message WHERE tenant = $1 AND key = $2";
        let key = self.key.to_vec();
        let found: Option<(Vec<u8>, String)> = reader.optional(sql, binds![tenant.number(), key]).await?;
        Ok(found.map(|(digest, answer)| match digest == self.digest {
            true => Posted::Answered(answer),
            false => Posted::Another,
        }))
    }

    /// It is processed, and answered so from now on.
    pub async fn keep(&self, tx: &mut Writer, (tenant, at): (&Tenant, i64)) -> Result<(), DbError> {
        let sql = "INSERT INTO fhir_message (tenant, key, digest, answer, at) VALUES ($1, $2, $3, $4, $5)";
        let (key, digest, answer) = (self.key.to_vec(), self.digest.to_vec(), self.answer.as_str());
        tx.execute(sql, binds![tenant.number(), key, digest, answer, at]).await.map(|_| ())
    }
}

/// Some answers that were given before this are gone; how many.
pub(super) async fn forget(tx: &mut Writer, tenant: &Tenant, before: i64, rows: i64) -> Result<u64, DbError> {
    let sql = "DELETE FROM fhir_message WHERE tenant = $1 AND key IN \
               (SELECT key FROM fhir_message WHERE tenant = $1 AND at < $2 ORDER BY at LIMIT $3)";
    tx.execute(sql, binds![tenant.number(), before, rows]).await
}
