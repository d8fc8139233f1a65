//! The codes of a value set and those above and below another, as a search of records asks for them.

use std::collections::BTreeSet;

use super::{Answer, Codes, Content, Set, System, VALUE_SETS_DEEP_MAX, Walk, pinned, set::Part};

/// `LISTED_MAX`: codes of one value set, or below one code, that are listed; there may be no more.
pub const LISTED_MAX: usize = 5_000;

/// A code, or all of a system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its system.
    pub system: Box<str>,
    /// The code; none for every one of the system.
    pub code: Option<Box<str>>,
}

impl Codes<'_> {
    /// What a value set has; nothing, where it cannot be told or is more than [`LISTED_MAX`].
    pub fn listed(&self, value_set: &str) -> Option<Vec<Listed>> {
        let set = self.set(value_set)?;
        let mut found = BTreeSet::new();
        if set.include.is_empty() {
            let expansion = set.expansion.as_ref().filter(|expansion| !expansion.is_open)?;
            found.extend(expansion.codes().map(|(system, code)| code_of(system, code)));
        }
        for part in &set.include {
            self.add_part(&set, part, &mut found, 0)?;
        }
        (found.len() <= LISTED_MAX).then(|| found.into_iter().collect())
    }

    /// Adds what a part lists and the whole value set has.
    fn add_part(&self, of: &Set, part: &Part, found: &mut BTreeSet<Listed>, depth: usize) -> Option<()> {
        if depth >= VALUE_SETS_DEEP_MAX {
            return None;
        }
        let Some(system) = &part.system else {
            for inner in &self.set(part.sets.first()?)?.include {
                self.add_part(of, inner, found, depth + 1)?;
            }
            return Some(());
        };
        let is_whole = part.concepts.is_none() && part.filters.is_empty() && part.sets.is_empty();
        if is_whole && of.exclude.is_empty() && depth == 0 {
            found.insert(Listed { system: system.clone(), code: None });
            return Some(());
        }
        let candidates: Vec<Box<str>> = match &part.concepts {
            Some(concepts) => concepts.keys().cloned().collect(),
            None => self.whole(&pinned(system, part.version.as_deref()))?,
        };
        for code in candidates {
            match self.is_in_set(of, Some(system), &code, Walk::OF_BINDING) {
                Answer::In => drop(found.insert(code_of(system, &code))),
                Answer::Out => {}
                Answer::Undecided(_) => return None,
            }
            if found.len() > LISTED_MAX {
                return None;
            }
        }
        Some(())
    }

    /// All codes of a system, if they are here.
    fn whole(&self, canonical: &str) -> Option<Vec<Box<str>>> {
        let system = self.complete(canonical)?;
        Some(system.concepts().map(|concept| concept.code.clone()).collect())
    }

    fn complete(&self, canonical: &str) -> Option<std::sync::Arc<System>> {
        self.system(canonical).filter(|system| system.content == Content::Complete)
    }

    /// A code and all that it subsumes; nothing, where the system is not here or has no such code.
    pub fn below(&self, system: &str, code: &str) -> Option<Vec<Box<str>>> {
        let known = self.complete(system)?;
        known.concept(code)?;
        let is_it = |one: &&super::Concept| known.is_same(&one.code, code) || known.is_below(one, code);
        let found: Vec<_> = known.concepts().filter(is_it).map(|one| one.code.clone()).collect();
        (found.len() <= LISTED_MAX).then_some(found)
    }

    /// A code and all that subsume it.
    pub fn above(&self, system: &str, code: &str) -> Option<Vec<Box<str>>> {
        let known = self.complete(system)?;
        let own = known.concept(code)?;
        let is_it = |one: &&super::Concept| known.is_same(&one.code, code) || known.is_below(own, &one.code);
        Some(known.concepts().filter(is_it).map(|one| one.code.clone()).collect())
    }
}

fn code_of(system: &str, code: &str) -> Listed {
    Listed { system: system.into(), code: Some(code.into()) }
}
