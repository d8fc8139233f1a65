//! Create a record. <https://hl7.org/fhir/R4/http.html#create>

use store::{DbError, Writer};

use super::{Author, Draft, LogicalId, Method, Records, Sheet, Version, WriteFault};
use crate::tenant::Tenant;

/// What refuses a second record under one id.
const CURRENT: &str = "fhir_current_pkey";

impl Records {
    /// An id for a record that is created.
    pub fn new_id(&self) -> LogicalId {
        LogicalId::of(self.world().new_id::<kernel::EventRow>())
    }

    /// Create a record under a [new id](Records::new_id).
    ///
    /// # Errors
    /// [`WriteFault::Exists`] if there is one with this id.
    pub async fn create(
        &self,
        tenant: &Tenant,
        author: &Author,
        draft: Draft,
    ) -> Result<Version, WriteFault> {
        let (records, tenant, author) = (self.clone(), tenant.clone(), author.clone());
        let (turn, ready) = (tenant.number(), draft.ready(&tenant, self));
        self.db()
            .write_in_turn(turn, async move |tx: &mut Writer| {
                let mut sheet = Sheet::draw(tx, &records, &tenant, 1).await?;
                sheet.lets_keep(tx, &author, &ready).await?;
                let version = sheet.put(&ready, Method::Post, None)?;
                match sheet.write(tx, &author).await {
                    Err(WriteFault::Store(DbError::Unique { constraint })) if *constraint == *CURRENT => {
                        Err(WriteFault::Exists)
                    }
                    written => written.map(|()| version),
                }
            })
            .await
    }
}
