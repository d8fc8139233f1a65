//! A Provenance that is kept with what it is about: its targets are the versions that one unit writes.
//! <https://hl7.org/fhir/R4/http.html#provenance>

use serde_json::{Map, Value, json};
use store::Writer;

use super::{Author, Draft, Judge, LogicalId, Method, Sheet, WriteFault};
use crate::parameter::ResourceType;

/// A Provenance without targets, and whether the caller may keep it once it has some.
#[derive(Clone)]
pub struct Stamp {
    provenance: Map<String, Value>,
    keep: Option<Judge>,
}

impl std::fmt::Debug for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stamp")
    }
}

impl Stamp {
    /// `keep` is asked of it as it will be kept.
    pub(crate) const fn new(provenance: Map<String, Value>, keep: Option<Judge>) -> Self {
        Self { provenance, keep }
    }

    fn of(&self, targets: &[(ResourceType, LogicalId, u32)]) -> String {
        let target = |(of, id, version): &(ResourceType, LogicalId, u32)| json!({"reference": format!("{of}/{id}/_history/{version}")});
        let mut provenance = self.provenance.clone();
        provenance.insert("target".to_owned(), targets.iter().map(target).collect());
        Value::from(provenance).to_string()
    }
}

impl Sheet<'_> {
    /// Put down the Provenance of what was put down, if its author brought one.
    pub(super) async fn stamp(&mut self, tx: &mut Writer, author: &Author) -> Result<(), WriteFault> {
        let Some(stamp) = author.stamp.as_ref().filter(|_| !self.written.is_empty()) else { return Ok(()) };
        let draft = Draft::parse(&stamp.of(&self.written), self.records.new_id())?;
        let ready = draft.ready(self.tenant, self.records);
        self.room(tx).await?;
        let version = self.put(&ready, Method::Post, None)?;
        match &stamp.keep {
            Some(keep) if !keep(&version) => Err(WriteFault::Outside),
            _ => Ok(()),
        }
    }
}
