//! Terminology without a server: the code systems and value sets of the packages, the grammars that are code systems, and a port to a
//! server for the rest. <https://hl7.org/fhir/R4/terminologies.html>
//!
//! What cannot be decided is [`Answer::Undecided`] with its reason, and becomes a finding: nothing passes in silence.

mod check;
mod display;
mod expand;
mod filter;
mod grammar;
mod language;
mod list;
mod media_type;
mod messages;
mod operation;
mod remote;
mod set;
mod system;

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::Value;

use crate::{
    Library,
    package::{Head, Kind},
};
pub use display::is_same_display;
pub use expand::{Contained, EXPANDED_MAX, NoList};
pub use language::is_language_tag;
pub use list::{LISTED_MAX, Listed};
pub use media_type::is_media_type;
pub use operation::{EXPANSION_CODES_MAX, Operation};
pub use remote::{ANSWERS_MAX, Kept, Question, Remote, RemoteFault, Verdict};
use set::Part;
pub use set::Set;
pub use system::{CONCEPTS_MAX, Concept, Content, Designation, HIERARCHY_DEPTH_MAX, System};

/// `VALUE_SETS_DEEP_MAX`: value sets that are built on value sets.
pub const VALUE_SETS_DEEP_MAX: usize = 16;

/// Code systems and value sets of a library, each compiled when it is first asked for and kept.
pub struct Codes<'a> {
    library: &'a Library,
    remote: Option<Box<dyn Remote + 'a>>,
    systems: Shelf<System>,
    sets: Shelf<Set>,
}

/// What is compiled, by canonical; nothing stands for what is not there.
type Shelf<T> = RwLock<HashMap<Box<str>, Option<Arc<T>>>>;

/// Whether a code is in a value set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is.
    In,
    /// It is not.
    Out,
    /// That cannot be said here.
    Undecided(Why),
}

/// Why something cannot be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// No package has the code system.
    UnknownSystem(Box<str>),
    /// No package has the value set.
    UnknownSet(Box<str>),
    /// The rule of the value set is none that is known here.
    Rule(Box<str>),
    /// The terminology server did not answer.
    NoServer(Box<str>),
}

/// What a code is in its code system.
#[derive(Debug)]
pub enum Standing {
    /// One of its codes, with the system where it is compiled.
    Code(Option<Arc<System>>),
    /// None of its codes, and why, where the system is a grammar.
    NoCode(Option<String>),
    /// Not among the codes that are here of a system that has more.
    Beyond(Arc<System>),
    /// Nobody knows.
    Unknown,
}

/// How far down in value sets that are built on value sets, and what is said of codes that are not in the part of a system that is here.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    depth: usize,
    is_strict: bool,
}

impl Walk {
    /// Such a code is told of by itself: the value set of a binding says nothing against it.
    pub(super) const OF_BINDING: Self = Self { depth: 0, is_strict: false };
    /// Nobody can say whether such a code is one.
    pub(super) const STRICT: Self = Self { depth: 0, is_strict: true };

    const fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

impl<'a> Codes<'a> {
    /// Over the packages alone.
    pub fn new(library: &'a Library) -> Self {
        Self { library, remote: None, systems: Shelf::default(), sets: Shelf::default() }
    }

    /// Over the packages, and a server for what these cannot decide.
    pub fn with_remote(library: &'a Library, remote: Box<dyn Remote + 'a>) -> Self {
        Self { remote: Some(remote), ..Self::new(library) }
    }

    /// A code system of the packages, by its canonical.
    pub fn system(&self, canonical: &str) -> Option<Arc<System>> {
        // What is not there is not kept either: anybody may ask for anything, by as many names as there are.
        let found = self.library.canonical_of_type(canonical, "CodeSystem")?;
        kept(&self.systems, &named(canonical, found.head), || {
            let resource = found.parse().ok()?;
            let mut system = System::new(&resource);
            let url = system.url.clone();
            for supplement in self.supplements(&url) {
                system.supplement(&supplement);
            }
            Some(system)
        })
    }

    fn supplements(&self, url: &str) -> impl Iterator<Item = Value> {
        let supplements =
            self.library.of_type("CodeSystem").filter(move |resource| match &resource.head.kind {
                Kind::Supplement(of) => of.split('|').next() == Some(url),
                _ => false,
            });
        supplements.filter_map(|resource| resource.parse().ok())
    }

    /// A value set of the packages, or as the server has expanded it.
    pub fn set(&self, canonical: &str) -> Option<Arc<Set>> {
        let compiled = |resource: Option<Value>| resource.map(|resource| Set::new(&resource));
        if let Some(resource) = self.library.canonical_of_type(canonical, "ValueSet") {
            return kept(&self.sets, &named(canonical, resource.head), || compiled(resource.parse().ok()));
        }
        // An outage is no answer, and is not kept.
        let remote = self.remote.as_ref()?;
        let known = self.sets.read().unwrap_or_else(PoisonError::into_inner).get(canonical).cloned();
        if let Some(known) = known {
            return known;
        }
        let expanded = remote.expand(canonical).ok()?;
        kept(&self.sets, canonical, || compiled(expanded))
    }

    /// Whether a code is in a value set; without a system, in any of those that the value set names.
    pub fn contains(
        &self,
        value_set: &str,
        system: Option<&str>,
        version: Option<&str>,
        code: &str,
    ) -> Answer {
        let answer = match self.set(value_set) {
            Some(set) => self.is_in_set(&set, system, code, Walk::OF_BINDING),
            None => match grammar::check(value_set, code) {
                Some(Ok(())) => Answer::In,
                Some(Err(_)) => Answer::Out,
                None => Answer::Undecided(Why::UnknownSet(value_set.into())),
            },
        };
        let (Answer::Undecided(_), Some(remote)) = (&answer, &self.remote) else { return answer };
        let question = Question { system, version, code, display: None, value_set: Some(value_set) };
        match remote.validate_code(&question) {
            Ok(Verdict::Good { .. } | Verdict::WrongDisplay { .. }) => Answer::In,
            Ok(Verdict::Bad { .. }) => Answer::Out,
            Ok(Verdict::Unknown { .. }) => answer,
            Err(RemoteFault(why)) => Answer::Undecided(Why::NoServer(why.into())),
        }
    }

    pub(super) fn is_in_set(&self, set: &Set, system: Option<&str>, code: &str, walk: Walk) -> Answer {
        if walk.depth >= VALUE_SETS_DEEP_MAX {
            return Answer::Undecided(Why::Rule("over VALUE_SETS_DEEP_MAX".into()));
        }
        let by_rule = any(set.include.iter().map(|part| self.is_in_part(part, system, code, walk)));
        let by_rule = match by_rule {
            Answer::Out => Answer::Out,
            Answer::In if walk.is_strict && set.is_active_only && self.is_inactive(system, code) => {
                Answer::Out
            }
            answer => match any(set.exclude.iter().map(|part| self.is_in_part(part, system, code, walk))) {
                Answer::In => Answer::Out,
                Answer::Out => answer,
                undecided => undecided,
            },
        };
        // A list is only as good as the day on which it was made: the rule is asked first.
        match &set.expansion {
            Some(list) if set.include.is_empty() || matches!(by_rule, Answer::Undecided(_)) => {
                match list.has(system, code) {
                    true => Answer::In,
                    false if !list.is_open => Answer::Out,
                    false => Answer::Undecided(Why::Rule("its expansion is not complete".into())),
                }
            }
            _ => by_rule,
        }
    }

    /// All that an `include` says must hold.
    fn is_in_part(&self, part: &Part, system: Option<&str>, code: &str, walk: Walk) -> Answer {
        if let (Some(own), Some(asked)) = (&part.system, system)
            && **own != *asked
        {
            return Answer::Out;
        }
        let by_sets = part.sets.iter().map(|url| match self.set(url) {
            Some(set) => self.is_in_set(&set, system, code, walk.deeper()),
            None => Answer::Undecided(Why::UnknownSet(url.clone())),
        });
        let by_system = part.system.as_deref().map(|own| self.is_in_system_part(part, own, code, walk));
        all(by_system.into_iter().chain(by_sets))
    }

    fn is_in_system_part(&self, part: &Part, system: &str, code: &str, walk: Walk) -> Answer {
        let compiled = || self.system(&pinned(system, part.version.as_deref()));
        if let Some(concepts) = &part.concepts {
            let same = |system: &System| concepts.keys().any(|listed| system.is_same(listed, code));
            let is_listed = concepts.contains_key(code)
                || compiled().is_some_and(|system| !system.is_case_sensitive && same(&system));
            // What a value set lists and its system does not have is no code.
            let is_none =
                || matches!(self.standing(system, part.version.as_deref(), code), Standing::NoCode(_));
            return if is_listed && !(walk.is_strict && is_none()) { Answer::In } else { Answer::Out };
        }
        if part.filters.is_empty() {
            return match self.standing(system, part.version.as_deref(), code) {
                // A part of a system says nothing against what is not in it; that it is not there is told of the code itself.
                Standing::Code(_) => Answer::In,
                Standing::Beyond(_) if walk.is_strict => {
                    Answer::Undecided(Why::Rule(only_part(system).into()))
                }
                Standing::Beyond(_) => Answer::In,
                Standing::NoCode(_) => Answer::Out,
                Standing::Unknown => Answer::Undecided(Why::UnknownSystem(system.into())),
            };
        }
        let known = compiled().filter(|system| system.content != Content::Absent);
        let Some(known) = known else { return Answer::Undecided(Why::UnknownSystem(system.into())) };
        let Some(concept) = known.concept(code) else {
            return match known.content {
                Content::Complete => Answer::Out,
                _ => Answer::Undecided(Why::Rule(only_part(system).into())),
            };
        };
        all(part.filters.iter().map(|filter| match filter {
            Ok(filter) if filter.passes(&known, concept) => Answer::In,
            Ok(_) => Answer::Out,
            Err(why) => Answer::Undecided(Why::Rule(why.as_str().into())),
        }))
    }

    fn is_inactive(&self, system: Option<&str>, code: &str) -> bool {
        let Some(Standing::Code(Some(known))) = system.map(|system| self.standing(system, None, code)) else {
            return false;
        };
        known.concept(code).is_some_and(|concept| concept.is_inactive)
    }

    /// What a code is in its system.
    pub fn standing(&self, system: &str, version: Option<&str>, code: &str) -> Standing {
        if let Some(answer) = grammar::check(system, code) {
            return match answer {
                Ok(()) => Standing::Code(None),
                Err(why) => Standing::NoCode(Some(why)),
            };
        }
        let compiled = self.system(&pinned(system, version)).or_else(|| self.system(stand_in(system)?));
        let Some(compiled) = compiled else { return Standing::Unknown };
        if compiled.concept(code).is_some() {
            return Standing::Code(Some(compiled));
        }
        match compiled.content {
            Content::Complete if *compiled.url == *system => Standing::NoCode(None),
            Content::Complete | Content::Part => Standing::Beyond(compiled),
            Content::Absent => Standing::Unknown,
        }
    }
}

/// A list in the packages that holds codes of a system that has no resource of its own. It is older than the system is.
fn stand_in(system: &str) -> Option<&'static str> {
    (system == "urn:iso:std:iso:4217").then_some("http://terminology.hl7.org/CodeSystem/v3-iso4217-HL7")
}

fn only_part(system: &str) -> String {
    format!("only a part of {system} is here")
}

/// One name for all ways to ask for a resource.
fn named<'c>(canonical: &'c str, head: &Head) -> Cow<'c, str> {
    match head.url.as_deref() {
        Some(url) if url != canonical => pinned(url, head.version.as_deref()).into(),
        _ => canonical.into(),
    }
}

fn pinned(system: &str, version: Option<&str>) -> String {
    version.map_or_else(|| system.to_owned(), |version| format!("{system}|{version}"))
}

fn any(answers: impl Iterator<Item = Answer>) -> Answer {
    let mut best = Answer::Out;
    for answer in answers {
        match answer {
            Answer::In => return Answer::In,
            Answer::Undecided(_) if best == Answer::Out => best = answer,
            _ => {}
        }
    }
    best
}

fn all(answers: impl Iterator<Item = Answer>) -> Answer {
    let mut worst = None;
    for answer in answers {
        match (&answer, &worst) {
            (Answer::Out, _) => return Answer::Out,
            (_, Some(Answer::Undecided(_))) => {}
            _ => worst = Some(answer),
        }
    }
    // A part that says nothing takes nothing.
    worst.unwrap_or(Answer::Out)
}

fn kept<T>(shelf: &Shelf<T>, key: &str, make: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
    if let Some(known) = shelf.read().unwrap_or_else(PoisonError::into_inner).get(key) {
        return known.clone();
    }
    // Made outside of the lock: two may make the same, and the first is kept.
    let made = make().map(Arc::new);
    let mut shelf = shelf.write().unwrap_or_else(PoisonError::into_inner);
    shelf.entry(key.into()).or_insert(made).clone()
}
