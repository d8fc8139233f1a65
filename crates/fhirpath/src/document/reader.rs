//! Reading many documents with the memory of one.

use super::{Document, DocumentLimits, Format, Node, ParseFault, json, text, xml};
use crate::model::Model;

/// Reads documents one after the other. What a document was kept in is used for the next, once it is [given back](Reader::reuse),
/// so that a long run of small documents allocates nothing for each.
#[derive(Debug, Default)]
pub struct Reader {
    limits: DocumentLimits,
    nodes: Vec<Node>,
    names: Vec<json::Named>,
}

impl Reader {
    /// Elements for which memory is kept between two documents: what a larger one needed is let go.
    pub const ELEMENTS_KEPT_MAX: usize = 1 << 16;

    /// With limits for each document.
    pub fn new(limits: DocumentLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// As [`Document::from_json`].
    pub fn json<'a>(&mut self, bytes: &'a [u8]) -> Result<Document<'a>, ParseFault> {
        let source = text::utf8(bytes, &self.limits)?;
        let nodes = std::mem::take(&mut self.nodes);
        let (nodes, read) = json::read(source, &self.limits, nodes, &mut self.names);
        self.finish(source, Format::Json, nodes, read)
    }

    /// As [`Document::from_xml`].
    pub fn xml<'a>(&mut self, bytes: &'a [u8], model: &dyn Model) -> Result<Document<'a>, ParseFault> {
        let source = text::utf8(bytes, &self.limits)?;
        let nodes = std::mem::take(&mut self.nodes);
        let (nodes, read) = xml::read(source, &self.limits, model, nodes);
        self.finish(source, Format::Xml, nodes, read)
    }

    /// Takes back the memory of a document that is no longer needed.
    pub fn reuse(&mut self, document: Document<'_>) {
        self.keep(document.nodes);
    }

    fn finish<'a>(
        &mut self,
        source: &'a str,
        format: Format,
        nodes: Vec<Node>,
        read: Result<(), ParseFault>,
    ) -> Result<Document<'a>, ParseFault> {
        match read {
            Ok(()) => Ok(Document { source, format, nodes }),
            Err(fault) => {
                self.keep(nodes);
                Err(fault)
            }
        }
    }

    fn keep(&mut self, mut nodes: Vec<Node>) {
        nodes.clear();
        nodes.shrink_to(Self::ELEMENTS_KEPT_MAX);
        if nodes.capacity() > self.nodes.capacity() {
            self.nodes = nodes;
        }
    }
}
