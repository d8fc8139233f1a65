//! Where checks put what they find, until the places are worked out.

use std::{collections::HashSet, sync::Arc};

use fhirpath::document::Element;

use crate::finding::{Message, Severity};

/// The findings of one run, still at their elements.
#[derive(Debug, Default)]
pub struct Findings<'d> {
    found: Vec<Found<'d>>,
    seen: HashSet<u64>,
    profile: Option<Arc<str>>,
    max: usize,
}

/// A finding whose place is still an element.
#[derive(Debug, Clone)]
pub(crate) struct Found<'d> {
    pub(crate) at: Element<'d>,
    pub(crate) place: Place,
    pub(crate) severity: Severity,
    pub(crate) message: &'static Message,
    pub(crate) arguments: Box<[Box<str>]>,
    pub(crate) profile: Option<Arc<str>>,
}

/// Where a finding about an element is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// At the element.
    Element,
    /// At what holds the element, by its expression; by line and column at the element.
    Parent,
    /// At the element, whose expression does not say which resource it is.
    Bare,
    /// At the element by its expression; by line and column at what holds it.
    AtParent,
    /// At the element by its expression; by line and column at what holds what holds it.
    AtGrandparent,
    /// At the element, as readers of JSON tell it: choices by their own name, and without saying which resource it is.
    JsonElement,
    /// The same, for all elements of its name.
    JsonName,
    /// At what holds the element, as readers of JSON tell it; by line and column at the element.
    JsonParent,
    /// At what holds the element, as readers of XML tell it.
    XmlParent,
    /// At the element, without its number.
    Name,
    /// At the first of the elements of its name.
    First,
    /// At the element, every number one higher, without the types of choices and resources.
    FromOne,
    /// At the element, with the url of the extension that it is.
    Url,
    /// At the element by its expression, but nowhere by line and column.
    Nowhere,
}

impl<'d> Findings<'d> {
    /// None yet, and never more than `max`.
    pub fn within(max: usize) -> Self {
        Self { max, ..Self::default() }
    }

    /// Notes a finding about an element. The same twice is noted once.
    pub fn tell(
        &mut self,
        at: Element<'d>,
        severity: Severity,
        message: &'static Message,
        arguments: &[&str],
    ) {
        self.tell_at(at, Place::Element, severity, message, arguments);
    }

    pub(crate) fn tell_at(
        &mut self,
        at: Element<'d>,
        place: Place,
        severity: Severity,
        message: &'static Message,
        arguments: &[&str],
    ) {
        use std::hash::{DefaultHasher, Hash, Hasher};
        if self.is_full() {
            return;
        }
        let mut hasher = DefaultHasher::new();
        (at.index(), &place, severity, message.id, arguments).hash(&mut hasher);
        if self.seen.insert(hasher.finish()) {
            let arguments = arguments.iter().map(|argument| (*argument).into()).collect();
            let profile = self.profile.clone();
            self.found.push(Found { at, place, severity, message, arguments, profile });
        }
    }

    /// The profile whose rules are checked now.
    pub(crate) fn set_profile(&mut self, profile: Option<Arc<str>>) {
        self.profile = profile;
    }

    /// Whether `FINDINGS_MAX` is reached, so that nothing more is noted.
    pub fn is_full(&self) -> bool {
        self.found.len() >= self.max
    }

    /// What is noted so far: where, how bad, what kind.
    pub fn told(&self) -> impl Iterator<Item = (Element<'d>, Severity, &'static Message)> {
        self.found.iter().map(|found| (found.at, found.severity, found.message))
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|found| found.severity >= Severity::Error)
    }

    pub(crate) fn into_found(self) -> Vec<Found<'d>> {
        self.found
    }
}
