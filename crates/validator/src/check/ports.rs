//! What invariants may ask of the outside.

use fhirpath::{
    document::Element,
    evaluate::{Item, PortFault, Ports},
};

use super::{Terminology, reference::Links};

/// The document's own references, and terminology; nothing is fetched.
pub(super) struct RunPorts<'d> {
    links: &'d Links<'d>,
    terminology: &'d dyn Terminology,
}

impl<'d> RunPorts<'d> {
    pub(super) fn new(links: &'d Links<'d>, terminology: &'d dyn Terminology) -> Self {
        Self { links, terminology }
    }
}

impl<'d> Ports<'d> for RunPorts<'d> {
    fn resolve(&self, reference: &str, from: Element<'d>) -> Result<Option<Element<'d>>, PortFault> {
        Ok(self.links.resolve(reference, from).found())
    }

    fn member_of(&self, item: &Item<'d>, value_set: &str) -> Result<Option<bool>, PortFault> {
        match self.terminology.is_in(item, value_set) {
            Some(truth) => Ok(Some(truth)),
            None => Err(PortFault {
                function: "memberOf",
                why: format!("the value set `{value_set}` cannot be asked"),
            }),
        }
    }
}
