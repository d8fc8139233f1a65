//! What invariants may ask of the outside.

use fhirpath::{
    document::{Document, Element},
    evaluate::{Item, NoPorts, PortFault, Ports},
};
use kernel::Timestamp;

use super::{Request, Validator, reference::Links, run::Run};

/// The document's own references, terminology and profiles; nothing is fetched.
pub(super) struct RunPorts<'a, 'd> {
    pub(super) validator: &'d Validator<'a>,
    pub(super) document: &'d Document<'d>,
    pub(super) links: &'d Links<'d>,
    pub(super) now: Timestamp,
}

impl<'d> Ports<'d> for RunPorts<'_, 'd> {
    fn resolve(&self, reference: &str, from: Element<'d>) -> Result<Option<Element<'d>>, PortFault> {
        Ok(self.links.resolve(reference, from).found())
    }

    fn member_of(&self, item: &Item<'d>, value_set: &str) -> Result<Option<bool>, PortFault> {
        match self.validator.terminology.is_in(item, value_set) {
            Some(truth) => Ok(Some(truth)),
            None => Err(PortFault {
                function: "memberOf",
                why: format!("the value set `{value_set}` cannot be asked"),
            }),
        }
    }

    /// In a run of its own, whose invariants ask no profile in turn: so no two profiles ask each other for ever.
    fn conforms_to(&self, element: Element<'d>, profile: &str) -> Result<bool, PortFault> {
        let Some(found) = self.validator.programs.profile(profile) else {
            let why = format!("the profile `{profile}` is in no package here");
            return Err(PortFault { function: "conformsTo", why });
        };
        let request = Request { profiles: &[], now: self.now };
        let mut run = Run::new(self.validator, self.document, self.links, &NoPorts, &request);
        Ok(run.is_of(element, found) && run.conforms(element, found))
    }
}
