//! One run over one resource: what is shared by all checks.

use std::collections::{HashMap, HashSet};

use fhirpath::{
    document::{Document, Element},
    evaluate::{Budget, Context, Evaluator},
};

use super::{
    EntryProfile, Findings, Html, Links, MustSupport, References, Request, Terminology, Validator,
    findings::Place, messages,
};
use crate::{
    Severity,
    finding::Message,
    program::{Globals, Profile, Programs, Rule},
};

/// `STEPS_MAX`: elements times rules, and steps of invariants, of one resource; what comes after them is not looked at, and a finding says so.
pub const STEPS_MAX: u64 = 200_000_000;
/// `TRIALS_MAX`: profiles tried within one another, as those of references within what is referred to.
pub const TRIALS_MAX: usize = 24;

/// What one profile says of the element that is looked at.
#[derive(Clone, Copy)]
pub(super) struct Active<'d> {
    pub(super) profile: &'d Profile,
    pub(super) rule: &'d Rule,
}

impl PartialEq for Active<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.rule, other.rule)
    }
}

/// One run over one resource.
pub(super) struct Run<'a, 'd> {
    pub(super) programs: &'d Programs<'a>,
    pub(super) terminology: &'d dyn Terminology,
    pub(super) document: &'d Document<'d>,
    pub(super) links: &'d Links<'d>,
    pub(super) evaluator: Evaluator<'d>,
    pub(super) findings: Findings<'d>,
    /// Rules of the elements that are open, those of the innermost last.
    pub(super) actives: Vec<Active<'d>>,
    pub(super) counts: Vec<u32>,
    /// Elements that were tried against a profile, and what came of it; nothing while it is being tried.
    pub(super) tried: HashMap<(u32, usize), Option<bool>>,
    pub(super) trials: usize,
    pub(super) steps: u64,
    pub(super) html: Html,
    pub(super) references: References,
    pub(super) must_support: MustSupport,
    pub(super) entries: &'d [EntryProfile],
    /// What narratives of the document can link to, once somebody has asked.
    pub(super) anchors: Option<HashSet<&'d str>>,
    /// By type of resource, the profiles that guides ask of all, with the guide.
    pub(super) globals: &'d Globals,
}

impl<'a, 'd> Run<'a, 'd> {
    pub(super) fn new(
        validator: &'d Validator<'a>,
        document: &'d Document<'d>,
        links: &'d Links<'d>,
        ports: &'d dyn fhirpath::evaluate::Ports<'d>,
        request: &Request<'_>,
    ) -> Self {
        let budget = Budget { steps_max: 2_000_000, items_max: 1_000_000, until: None };
        let context =
            Context::new(validator.programs.model(), request.now).with_ports(ports).with_budget(budget);
        Self {
            programs: &validator.programs,
            terminology: &*validator.terminology,
            document,
            links,
            evaluator: Evaluator::new(context),
            findings: Findings::within(super::FINDINGS_MAX),
            actives: Vec::with_capacity(64),
            counts: Vec::with_capacity(256),
            tried: HashMap::new(),
            trials: 0,
            steps: 0,
            html: validator.html,
            references: validator.references,
            must_support: validator.must_support,
            entries: &validator.entries,
            anchors: None,
            globals: validator.programs.globals(),
        }
    }

    pub(super) fn tell(
        &mut self,
        at: Element<'d>,
        severity: Severity,
        message: &'static Message,
        arguments: &[&str],
    ) {
        self.findings.tell(at, severity, message, arguments);
    }

    pub(super) fn tell_at(
        &mut self,
        at: Element<'d>,
        place: Place,
        severity: Severity,
        message: &'static Message,
        arguments: &[&str],
    ) {
        self.findings.tell_at(at, place, severity, message, arguments);
    }

    /// Counts work; `false`, when the resource has had its share.
    pub(super) fn spend(&mut self, steps: usize) -> bool {
        self.steps = self.steps.saturating_add(steps as u64);
        self.steps <= STEPS_MAX && !self.findings.is_full()
    }

    /// Whether an element conforms to a profile: tried aside, each pair once. What is being tried already holds until shown otherwise.
    pub(super) fn conforms(&mut self, element: Element<'d>, profile: &'d Profile) -> bool {
        let key = (element.index(), std::ptr::from_ref(profile) as usize);
        if let Some(known) = self.tried.get(&key) {
            return known.unwrap_or(true);
        }
        if self.trials >= TRIALS_MAX {
            return true;
        }
        self.tried.insert(key, None);
        self.trials += 1;
        let (found, ()) = self.aside(|run| run.check_against(element, profile));
        self.trials -= 1;
        let good = !found.has_errors();
        self.tried.insert(key, Some(good));
        good
    }

    /// Does work whose findings are kept apart.
    pub(super) fn aside<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> (Findings<'d>, T) {
        let outer = std::mem::replace(&mut self.findings, Findings::within(super::FINDINGS_MAX));
        let done = work(self);
        (std::mem::replace(&mut self.findings, outer), done)
    }

    /// Checks an element against the root of a profile and nothing else.
    fn check_against(&mut self, element: Element<'d>, profile: &'d Profile) {
        let Some(rule) = profile.root() else { return };
        if element.resource_type().is_some() {
            let base = self.actives.len();
            self.push(Active { profile, rule });
            self.check_resource_as(element, base);
            self.actives.truncate(base);
            return;
        }
        let base = self.actives.len();
        self.push(Active { profile, rule });
        self.check_element(element, base, &profile.defines);
        self.actives.truncate(base);
    }

    /// Adds a rule for the element that is looked at, if it is not there already. Actives of one element stand from `base` on.
    pub(super) fn push(&mut self, active: Active<'d>) {
        self.actives.push(active);
    }

    pub(super) fn push_new(&mut self, base: usize, active: Active<'d>) {
        if !self.actives.iter().skip(base).any(|known| *known == active) {
            self.actives.push(active);
        }
    }

    pub(super) fn active(&self, at: usize) -> Option<Active<'d>> {
        self.actives.get(at).copied()
    }

    /// Tells that a profile is not here, once for each place.
    pub(super) fn unknown_profile(&mut self, at: Element<'d>, url: &str) {
        self.tell(at, Severity::Warning, &messages::UNKNOWN_PROFILE, &[url]);
    }
}
