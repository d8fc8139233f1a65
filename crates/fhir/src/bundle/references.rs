//! Conditional references: `Practitioner?identifier=…` in a resource. <https://hl7.org/fhir/R4/http.html#trules>

use std::collections::HashMap;

use kernel::Timestamp;
use percent_encoding::percent_decode_str;
use store::{DbError, Reader};

use super::Problem;
use crate::{
    parameter::ResourceType,
    query::{Handling, Reading, Test, read},
    resource::{Records, Where, WriteFault},
    search::Access,
    tenant::Tenant,
};

/// Asks which records conditional references mean.
pub(super) struct References<'r> {
    pub(super) records: &'r Records,
    pub(super) tenant: &'r Tenant,
    /// What the caller may see: nothing else is meant.
    pub(super) access: &'r Access,
}

impl References<'_> {
    /// The one record that is meant.
    pub(super) async fn one(
        &self,
        reader: &mut Reader,
        of: ResourceType,
        words: &str,
    ) -> Result<String, Problem> {
        let (_, asked) = words.split_once('?').unwrap_or_default();
        let decoded =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = asked.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<(String, String)> =
            pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
        let now: Timestamp = self.records.world().now();
        let registry = self.records.registry_of(self.tenant);
        let reading = Reading { registry: &registry, now, handling: Handling::Strict };
        let query = read(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())), &[of], &reading)?;
        if query.criteria.is_empty() {
            return Err(Problem::Reference("every record"));
        }
        let test = Test::All(query.criteria.into_iter().map(|criterion| criterion.test).collect());
        let meant = Where { test, access: self.access.clone() };
        match meant.one(reader, self.records, self.tenant, of).await {
            Ok(Some(version)) => Ok(version.reference()),
            Ok(None) => Err(Problem::Reference("no record")),
            Err(WriteFault::ManyMatches) => Err(Problem::Reference("several records")),
            Err(fault) => Err(fault.into()),
        }
    }

    /// What each means now. What means no record, or several, is told by the unit, if it is so then.
    pub(super) async fn guess(
        &self,
        reader: &mut Reader,
        asked: &[(ResourceType, String)],
    ) -> Result<HashMap<String, String>, DbError> {
        let mut meant = HashMap::with_capacity(asked.len());
        for (of, words) in asked {
            match self.one(reader, *of, words).await {
                Ok(reference) => drop(meant.insert(words.clone(), reference)),
                Err(Problem::Write(WriteFault::Store(fault))) => return Err(fault),
                Err(_) => {}
            }
        }
        Ok(meant)
    }
}
