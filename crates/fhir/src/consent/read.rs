//! A Consent as rules.  <https://hl7.org/fhir/R4/consent.html>
//!
//! What a denial says that is not understood does not narrow it, and nothing said elsewhere lifts it; a permission that says such a
//! thing permits nothing. A Consent whose base is not understood denies.

use fhirpath::document::{Document, Element};

use super::{
    Consent, Effect, NESTED_PROVISIONS_MAX, PROVISION_WORDS_MAX, PROVISIONS_MAX, Rule, dims, purpose,
    record::{Class, Condition, Label},
    who::{Action, identifier_word, is_purpose, purpose_word, reference_word},
};
use crate::index::{Reference, date_range, read_reference};

/// Something in a Consent that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unclear {
    /// What, as a path.
    pub at: &'static str,
    /// What becomes of it.
    pub why: &'static str,
}

/// The rules of a Consent; none of one that is not active, or about something else than privacy.
pub fn read(document: &Document<'_>, base: Option<&str>) -> Option<Consent> {
    let root = document.root();
    let is_active = root.resource_type().as_deref() == Some("Consent")
        && text(root, "status").as_deref() == Some("active");
    let scopes = root.child("scope").into_iter().flat_map(codings);
    if !is_active || !scopes.into_iter().any(|(_, code)| code == "patient-privacy") {
        return None;
    }
    let mut reading = Reading { base, rules: Vec::new(), unclear: Vec::new() };
    if reading.whole(root).is_none() {
        reading.rules = vec![Frame::open().rule(Effect::Deny, 0, dims::UNCLEAR)];
        reading.tell("Consent.provision", "it has more provisions than are read: all is denied");
    }
    let patient = root.child("patient").and_then(|patient| local(patient, base));
    let at = text(root, "dateTime").and_then(|text| date_range(&text)).map_or(i64::MIN, |range| range.lo);
    let Reading { rules, unclear, .. } = reading;
    let patient = patient.and_then(|named| named.strip_prefix("Patient/").map(Box::from)).unwrap_or_default();
    Some(Consent { patient, at, rules, unclear })
}

/// What a provision demands together with those that it stands in.
#[derive(Clone)]
struct Frame {
    from: i64,
    until: i64,
    dims: i64,
    asks: Vec<Vec<String>>,
    records: Vec<Condition>,
    /// Something that narrows it is not understood.
    is_unclear: bool,
}

impl Frame {
    const fn open() -> Self {
        Self {
            from: i64::MIN,
            until: i64::MAX,
            dims: 0,
            asks: Vec::new(),
            records: Vec::new(),
            is_unclear: false,
        }
    }

    fn rule(&self, effect: Effect, number: usize, more: i64) -> Rule {
        let mut asks = self.asks.clone();
        // Who states no purpose is under every denial that is bound to one, and has no permission that is.
        if effect == Effect::Deny {
            let bound = |words: &&mut Vec<String>| words.iter().any(|word| is_purpose(word));
            asks.iter_mut().filter(bound).for_each(|words| words.push(purpose::NONE.to_owned()));
        }
        // Who files what was told does not read it: only a rule that names it speaks of that.
        if self.dims & dims::ACTION == 0 {
            asks.push([Action::Access, Action::Correct].map(|action| action.word().to_owned()).to_vec());
        }
        let unclear = if self.is_unclear { dims::UNCLEAR } else { 0 };
        Rule {
            effect,
            number,
            last: number,
            dims: self.dims | unclear | more,
            from: self.from,
            until: self.until,
            asks,
            records: self.records.clone(),
        }
    }

    fn words(&self) -> usize {
        self.asks.iter().map(Vec::len).sum::<usize>()
            + self.records.iter().map(Condition::words).sum::<usize>()
    }
}

struct Reading<'r> {
    base: Option<&'r str>,
    rules: Vec<Rule>,
    unclear: Vec<Unclear>,
}

impl Reading<'_> {
    fn tell(&mut self, at: &'static str, why: &'static str) {
        let unclear = Unclear { at, why };
        if !self.unclear.contains(&unclear) {
            self.unclear.push(unclear);
        }
    }

    /// None if there is more of it than is read.
    fn whole(&mut self, consent: Element<'_>) -> Option<()> {
        let base = consent.child("policyRule").and_then(effect_of_policy);
        let root = consent.child("provision");
        let own = root.and_then(|root| effect(root));
        for (name, at) in
            [("modifierExtension", "Consent.modifierExtension"), ("implicitRules", "Consent.implicitRules")]
        {
            if consent.child(name).is_some() {
                self.tell(at, "it is not understood: all is denied");
                self.rules.push(Frame::open().rule(Effect::Deny, 0, dims::UNCLEAR));
                return Some(());
            }
        }
        match (base, own, root) {
            // The base says it of everything, the root of what it names.
            (Some(base), Some(_), Some(root)) => {
                self.rules.push(Frame::open().rule(base, 0, 0));
                self.provision(root, &Frame::open(), 1)?;
                self.close(0);
            }
            // The root narrows the base.
            (Some(base), None, Some(root)) => self.root(root, base, 0)?,
            (Some(base), _, None) => self.rules.push(Frame::open().rule(base, 0, 0)),
            (None, Some(own), Some(root)) => self.root(root, own, 0)?,
            (None, None, Some(root)) => {
                self.tell("Consent.policyRule", "neither opt-in nor opt-out: it denies");
                self.root(root, Effect::Deny, dims::UNCLEAR)?;
            }
            (None, _, None) => {
                self.tell("Consent.policyRule", "neither opt-in nor opt-out: it denies");
                self.rules.push(Frame::open().rule(Effect::Deny, 0, dims::UNCLEAR));
            }
        }
        Some(())
    }

    fn root(&mut self, root: Element<'_>, effect: Effect, more: i64) -> Option<()> {
        let frame = self.frame(root, &Frame::open(), effect);
        self.put(root, frame, (effect, more), 0)
    }

    fn provision(&mut self, provision: Element<'_>, around: &Frame, depth: usize) -> Option<()> {
        let (effect, more) = match effect(provision) {
            Some(effect) => (effect, 0),
            None => {
                self.tell("Consent.provision.type", "neither permit nor deny: it denies");
                (Effect::Deny, dims::UNCLEAR)
            }
        };
        let frame = self.frame(provision, around, effect);
        self.put(provision, frame, (effect, more), depth)
    }

    fn put(
        &mut self,
        provision: Element<'_>,
        frame: Frame,
        (effect, more): (Effect, i64),
        depth: usize,
    ) -> Option<()> {
        let number = self.rules.len();
        if depth > NESTED_PROVISIONS_MAX || number > PROVISIONS_MAX || frame.words() > PROVISION_WORDS_MAX {
            return None;
        }
        let mut rule = frame.rule(effect, number, more);
        // A permission that is not understood speaks at no time; its number stays, since others stand in it.
        if effect == Effect::Permit && frame.is_unclear {
            rule.until = i64::MIN;
        }
        self.rules.push(rule);
        for inner in named(provision, "provision") {
            self.provision(inner, &frame, depth + 1)?;
        }
        self.close(number);
        Some(())
    }

    fn close(&mut self, number: usize) {
        let last = self.rules.len().saturating_sub(1);
        if let Some(rule) = self.rules.get_mut(number) {
            rule.last = last;
        }
    }

    fn frame(&mut self, provision: Element<'_>, around: &Frame, effect: Effect) -> Frame {
        let mut frame = around.clone();
        self.time(provision, &mut frame);
        self.who(provision, &mut frame, effect);
        self.what(provision, &mut frame, effect);
        if provision.child("modifierExtension").is_some() {
            self.doubt(&mut frame, "Consent.provision.modifierExtension");
        }
        frame
    }

    fn doubt(&mut self, frame: &mut Frame, at: &'static str) {
        frame.is_unclear = true;
        self.tell(at, "it is not understood: what it narrows is denied without it, and not permitted");
    }

    fn time(&mut self, provision: Element<'_>, frame: &mut Frame) {
        let Some(period) = provision.child("period") else { return };
        match span(period) {
            Some((from, until)) => {
                frame.from = frame.from.max(from);
                frame.until = frame.until.min(until);
            }
            None => self.doubt(frame, "Consent.provision.period"),
        }
    }

    fn who(&mut self, provision: Element<'_>, frame: &mut Frame, effect: Effect) {
        let (mut actors, mut is_clear) = (Vec::new(), true);
        for actor in named(provision, "actor") {
            let word = actor.child("reference").and_then(|reference| self.actor(reference));
            is_clear &= word.is_some();
            actors.extend(word);
        }
        self.narrow(frame, (actors, is_clear), (dims::ACTOR, "Consent.provision.actor"));
        let (mut actions, mut is_clear) = (Vec::new(), true);
        for action in named(provision, "action") {
            let known: Vec<&str> =
                codings(action).iter().filter_map(|(_, code)| action_word(code, effect)).collect();
            is_clear &= !known.is_empty();
            actions.extend(known.into_iter().map(str::to_owned));
        }
        self.narrow(frame, (actions, is_clear), (dims::ACTION, "Consent.provision.action"));
        let purposes: Vec<_> = named(provision, "purpose").map(coding).collect();
        let is_clear = purposes.iter().all(Option::is_some);
        let word = |(system, code): (Option<String>, String)| {
            purpose_word(&purpose::named(system.as_deref(), &code))
        };
        let purposes = purposes.into_iter().flatten().map(word).collect();
        self.narrow(frame, (purposes, is_clear), (dims::PURPOSE, "Consent.provision.purpose"));
    }

    /// One of these words has to be said. A list with a word that is not understood is not narrowed by the others.
    fn narrow(
        &mut self,
        frame: &mut Frame,
        (words, is_clear): (Vec<String>, bool),
        (dim, at): (i64, &'static str),
    ) {
        if !is_clear {
            self.doubt(frame, at);
        } else if !words.is_empty() {
            frame.asks.push(words);
            frame.dims |= dim;
        }
    }

    fn actor(&self, reference: Element<'_>) -> Option<String> {
        if let Some(named) = local(reference, self.base) {
            // Who belongs to these is not known of a caller.
            let is_many = ["Group/", "CareTeam/", "PractitionerRole/"].iter().any(|of| named.starts_with(of));
            return (!is_many).then(|| reference_word(&named));
        }
        let identifier = reference.child("identifier")?;
        Some(identifier_word(text(identifier, "system").as_deref(), &text(identifier, "value")?))
    }

    fn what(&mut self, provision: Element<'_>, frame: &mut Frame, effect: Effect) {
        let labels =
            named(provision, "securityLabel").map(|label| Label::of(&coding(label)?, effect)).collect();
        self.hold(frame, labels, (dims::LABEL, "Consent.provision.securityLabel"), Condition::Labels);
        let classes = named(provision, "class").map(|class| Class::of(&coding(class)?)).collect();
        self.hold(frame, classes, (dims::CLASS, "Consent.provision.class"), Condition::Classes);
        let mut codes = Vec::new();
        for concept in named(provision, "code") {
            let own = codings(concept);
            codes.extend(if own.is_empty() { vec![None] } else { own.into_iter().map(Some).collect() });
        }
        self.hold(frame, codes, (dims::CODE, "Consent.provision.code"), Condition::Codes);
        let data = named(provision, "data").map(|data| self.instance(data)).collect();
        self.hold(frame, data, (dims::DATA, "Consent.provision.data"), Condition::Instances);
        if let Some(period) = provision.child("dataPeriod") {
            match span(period) {
                Some((from, until)) => {
                    frame.records.push(Condition::Within { from, until, effect });
                    frame.dims |= dims::DATA_PERIOD;
                }
                None => self.doubt(frame, "Consent.provision.dataPeriod"),
            }
        }
    }

    fn hold<T>(
        &mut self,
        frame: &mut Frame,
        read: Vec<Option<T>>,
        (dim, at): (i64, &'static str),
        condition: impl Fn(Vec<T>) -> Condition,
    ) {
        let (count, known): (usize, Vec<T>) = (read.len(), read.into_iter().flatten().collect());
        if known.len() < count {
            self.doubt(frame, at);
        } else if count > 0 {
            frame.records.push(condition(known));
            frame.dims |= dim;
        }
    }

    /// What is related to a record, depends on it or is by somebody is not known here.
    fn instance(&self, data: Element<'_>) -> Option<String> {
        let is_it = text(data, "meaning").as_deref() == Some("instance");
        data.child("reference").filter(|_| is_it).and_then(|reference| local(reference, self.base))
    }
}

fn text(of: Element<'_>, name: &str) -> Option<String> {
    of.child(name)?.text().map(|text| text.into_owned())
}

fn named<'d>(of: Element<'d>, name: &'static str) -> impl Iterator<Item = Element<'d>> {
    of.children().filter(move |child| child.name() == name)
}

fn coding(of: Element<'_>) -> Option<(Option<String>, String)> {
    Some((text(of, "system"), text(of, "code")?))
}

fn codings(concept: Element<'_>) -> Vec<(Option<String>, String)> {
    named(concept, "coding").filter_map(coding).collect()
}

/// `Patient/1`, of a record of this server.
fn local(reference: Element<'_>, base: Option<&str>) -> Option<String> {
    match read_reference(reference.child("reference")?.text()?, base)? {
        Reference::Local { resource_type, id, .. } => Some(format!("{resource_type}/{id}")),
        _ => None,
    }
}

fn effect(provision: Element<'_>) -> Option<Effect> {
    match text(provision, "type")?.as_str() {
        "permit" => Some(Effect::Permit),
        "deny" => Some(Effect::Deny),
        _ => None,
    }
}

/// <http://terminology.hl7.org/CodeSystem/v3-ActCode>: opt-in, with or without restrictions; opt-out, with or without exceptions.
fn effect_of_policy(rule: Element<'_>) -> Option<Effect> {
    codings(rule).iter().find_map(|(_, code)| match code.as_str() {
        "OPTIN" | "OPTINR" => Some(Effect::Permit),
        "OPTOUT" | "OPTOUTE" => Some(Effect::Deny),
        _ => None,
    })
}

/// Serving a record is access to it and discloses it; leave to use what one has is no leave to get it.
fn action_word(code: &str, effect: Effect) -> Option<&'static str> {
    match (code, effect) {
        ("access" | "disclose", _) | ("use", Effect::Deny) => Some(Action::Access.word()),
        ("correct", _) => Some(Action::Correct.word()),
        ("collect", _) => Some(Action::Collect.word()),
        _ => None,
    }
}

/// The first moment of a Period, and the first behind it.
fn span(period: Element<'_>) -> Option<(i64, i64)> {
    let from = match text(period, "start") {
        Some(start) => date_range(&start)?.lo,
        None => i64::MIN,
    };
    let until = match text(period, "end") {
        Some(end) => date_range(&end)?.hi.saturating_add(1),
        None => i64::MAX,
    };
    Some((from, until))
}
