//! A record on its way in: all that can be made of it before the unit that writes it begins.

use fhirpath::document::{Document, DocumentLimits, Format, ParseFault};

use kernel::Timestamp;

use super::{
    Body, BodyFault, Edit, LogicalId, Records,
    body::Packed,
    rewrite::{Kept, rewrite},
    rows::{Rows, rows},
};
use crate::{parameter::ResourceType, tenant::Tenant};

/// A resource under its id, as it will be kept.
#[derive(Clone)]
pub struct Draft {
    pub(super) resource_type: ResourceType,
    pub(super) id: LogicalId,
    pub(super) kept: Kept,
    pub(super) packed: Packed,
}

/// A draft with the rows that it will be found by under a site.
pub(crate) struct Ready {
    pub(super) draft: Draft,
    pub(super) rows: Rows,
    /// Which of the site's parameters the rows are of.
    pub(super) generation: i64,
}

impl Ready {
    /// The text that is kept.
    pub(crate) fn text(&self) -> &str {
        self.draft.text()
    }

    /// Of which type it is.
    pub(crate) const fn resource_type(&self) -> ResourceType {
        self.draft.resource_type
    }
}

/// Why a document is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftFault {
    /// It cannot be read.
    #[error("the resource cannot be read: {0}")]
    Malformed(#[from] ParseFault),
    /// It does not say what it is.
    #[error("the resource does not say its type, or one that R4 does not have")]
    UnknownType,
}

impl Draft {
    /// A resource under this id. What the document says of its id, `meta.versionId` and `meta.lastUpdated` is not kept.
    ///
    /// # Errors
    /// [`DraftFault`].
    pub fn new(document: &Document<'_>, id: LogicalId) -> Result<Self, DraftFault> {
        Self::edited(document, id, &[])
    }

    /// As [`Draft::new`], with parts of a JSON document written otherwise.
    ///
    /// # Errors
    /// [`DraftFault`].
    pub fn edited(document: &Document<'_>, id: LogicalId, edits: &[Edit]) -> Result<Self, DraftFault> {
        let resource_type = document
            .root()
            .resource_type()
            .and_then(|name| ResourceType::named(&name))
            .ok_or(DraftFault::UnknownType)?;
        let kept = match document.format() {
            Format::Json => rewrite(document.source(), edits, &id),
            Format::Xml => rewrite(&document.to_json(), &[], &id),
        };
        let kept = kept.ok_or(DraftFault::UnknownType)?;
        let packed = Packed::pack(&kept);
        Ok(Self { resource_type, id, kept, packed })
    }

    /// As [`Draft::new`], of a text.
    ///
    /// # Errors
    /// [`DraftFault`].
    pub fn parse(source: &str, id: LogicalId) -> Result<Self, DraftFault> {
        Self::new(&Document::from_json(source.as_bytes(), &DocumentLimits::default())?, id)
    }

    /// As [`Draft::edited`], of a JSON text that was read before.
    pub(crate) fn rewritten(
        resource_type: ResourceType,
        source: &str,
        edits: &[Edit],
        id: LogicalId,
    ) -> Result<Self, DraftFault> {
        let kept = rewrite(source, edits, &id).ok_or(DraftFault::UnknownType)?;
        let packed = Packed::pack(&kept);
        Ok(Self { resource_type, id, kept, packed })
    }

    /// The same resource under another id.
    pub(crate) fn under(&self, id: LogicalId) -> Result<Self, DraftFault> {
        Self::rewritten(self.resource_type, &self.kept.text, &[], id)
    }

    /// Its type.
    pub const fn resource_type(&self) -> ResourceType {
        self.resource_type
    }

    /// The text that is kept: without the id's version and time.
    pub(crate) fn text(&self) -> &str {
        &self.kept.text
    }

    /// Its id.
    pub const fn id(&self) -> &LogicalId {
        &self.id
    }

    pub(crate) fn ready(self, tenant: &Tenant, records: &Records) -> Ready {
        let rows = rows(tenant, &records.registry_of(tenant), &self.kept.text);
        Ready { draft: self, rows, generation: tenant.added().generation() }
    }

    /// What is served of it as this version.
    pub(super) fn body(&self, version: u32, at: Timestamp) -> Result<Body, BodyFault> {
        Body::dressed(self.kept.text.clone(), self.kept.meta_at, version, at)
    }
}
