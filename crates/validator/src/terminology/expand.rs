//! The codes of a value set, one by one, where its rule names systems that are here in full.
//! <https://hl7.org/fhir/R4/valueset.html#expansion>

use std::collections::HashSet;

use super::{
    Answer, Codes, Content, Designation, Set, Standing, System, VALUE_SETS_DEEP_MAX, Walk, Why, grammar,
    only_part, pinned,
    set::{Expansion, Own, Part},
};

/// `EXPANDED_MAX`: codes of one expansion. A value set that has more is not expanded.
pub const EXPANDED_MAX: usize = 20_000;

/// A code of an expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contained {
    /// Its code system.
    pub system: Box<str>,
    /// The version of the code system, where the value set or the system says one.
    pub version: Option<Box<str>>,
    /// The code.
    pub code: Box<str>,
    /// What people read: the value set's own words before the system's.
    pub display: Option<Box<str>>,
    /// What people read besides: the value set's own words before the system's.
    pub designations: Vec<Designation>,
    /// It may not be used any more.
    pub is_inactive: bool,
    /// It groups others and is no code for data.
    pub is_abstract: bool,
}

/// Why a value set has no list of codes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoList {
    /// It cannot be said which codes it has.
    Undecided(Why),
    /// It has more than [`EXPANDED_MAX`], or any number: a grammar has no last code.
    TooCostly,
}

/// Codes on their way into a list, each once.
#[derive(Default)]
struct List {
    codes: Vec<Contained>,
    known: HashSet<(Box<str>, Box<str>)>,
}

impl List {
    fn add(&mut self, one: Contained) -> Result<(), NoList> {
        if self.known.insert((one.system.clone(), one.code.clone())) {
            if self.codes.len() >= EXPANDED_MAX {
                return Err(NoList::TooCostly);
            }
            self.codes.push(one);
        }
        Ok(())
    }
}

impl Codes<'_> {
    /// Whether a value set has a code, of this version of its system where one is said. Other than for the binding of an element, what
    /// is not in the part of a system that is here is not taken for good.
    pub fn holds(&self, set: &Set, (system, version): (&str, Option<&str>), code: &str) -> Answer {
        let answer = self.is_in_set(set, Some(system), code, Walk::STRICT);
        if answer != Answer::In || version.is_none() {
            return answer;
        }
        match self.standing(system, version, code) {
            Standing::Code(_) => Answer::In,
            Standing::NoCode(_) => Answer::Out,
            Standing::Beyond(_) => Answer::Undecided(Why::Rule(only_part(system).into())),
            Standing::Unknown => Answer::Undecided(Why::UnknownSystem(pinned(system, version).into())),
        }
    }

    /// All codes of a value set, in the order in which it and its systems name them.
    ///
    /// # Errors
    /// [`NoList`]: never a part of the list in place of the whole.
    pub fn expand(&self, set: &Set) -> Result<Vec<Contained>, NoList> {
        self.list(set, 0)
    }

    /// By its rule; where that cannot be followed, the list that somebody has made of all of it.
    fn list(&self, set: &Set, depth: usize) -> Result<Vec<Contained>, NoList> {
        if depth >= VALUE_SETS_DEEP_MAX {
            return Err(NoList::Undecided(Why::Rule("over VALUE_SETS_DEEP_MAX".into())));
        }
        match (&set.expansion, set.include.is_empty()) {
            (Some(made), true) => self.list_of(made),
            (None, _) => self.list_by_rule(set, depth),
            (Some(made), false) => self.list_by_rule(set, depth).or_else(|why| match made.is_open {
                true => Err(why),
                false => self.list_of(made),
            }),
        }
    }

    fn list_of(&self, made: &Expansion) -> Result<Vec<Contained>, NoList> {
        if made.is_open {
            return Err(NoList::Undecided(Why::Rule("its expansion is not complete".into())));
        }
        let mut list = List::default();
        for (system, code, own) in &made.order {
            list.add(self.contained((system, None), code, Some(own)))?;
        }
        Ok(list.codes)
    }

    fn list_by_rule(&self, set: &Set, depth: usize) -> Result<Vec<Contained>, NoList> {
        let mut list = List::default();
        for part in &set.include {
            for one in self.candidates(part, depth)? {
                if self.is_kept(set, part, &one, depth)? {
                    list.add(one)?;
                }
            }
        }
        Ok(list.codes)
    }

    /// Whether a candidate holds all else that its part says, and is in nothing that is left out.
    fn is_kept(&self, set: &Set, part: &Part, one: &Contained, depth: usize) -> Result<bool, NoList> {
        let walk = Walk { depth, ..Walk::STRICT };
        let ask = |part| match self.is_in_part(part, Some(&*one.system), &one.code, walk) {
            Answer::In => Ok(true),
            Answer::Out => Ok(false),
            Answer::Undecided(why) => Err(NoList::Undecided(why)),
        };
        if (set.is_active_only && one.is_inactive) || !ask(part)? {
            return Ok(false);
        }
        for excluded in &set.exclude {
            if ask(excluded)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What a part could take: a list, all codes of a system, or those of the first of its value sets.
    fn candidates(&self, part: &Part, depth: usize) -> Result<Vec<Contained>, NoList> {
        let Some(system) = part.system.as_deref() else {
            let Some(first) = part.sets.first() else { return Ok(Vec::new()) };
            let set = self.set(first).ok_or_else(|| NoList::Undecided(Why::UnknownSet(first.clone())))?;
            return self.list(&set, depth + 1);
        };
        let named = (system, part.version.as_deref());
        if let Some(listed) = &part.concepts {
            let in_order = part.order.iter().filter_map(|code| listed.get_key_value(code));
            return Ok(in_order.map(|(code, own)| self.contained(named, code, Some(own))).collect());
        }
        if grammar::check(system, "").is_some() {
            return Err(NoList::TooCostly);
        }
        let known = self.complete_for(named)?;
        if known.len() > EXPANDED_MAX && part.filters.is_empty() {
            return Err(NoList::TooCostly);
        }
        Ok(known.concepts().map(|concept| of(&known, named, &concept.code, None)).collect())
    }

    fn complete_for(
        &self,
        (system, version): (&str, Option<&str>),
    ) -> Result<std::sync::Arc<System>, NoList> {
        let unknown = || NoList::Undecided(Why::UnknownSystem(pinned(system, version).into()));
        let known = self.system(&pinned(system, version)).ok_or_else(unknown)?;
        match known.content {
            Content::Complete => Ok(known),
            Content::Absent => Err(unknown()),
            Content::Part => Err(NoList::Undecided(Why::Rule(only_part(system).into()))),
        }
    }

    fn contained(&self, named: (&str, Option<&str>), code: &str, own: Option<&Own>) -> Contained {
        match self.standing(named.0, named.1, code) {
            Standing::Code(Some(known)) => of(&known, named, code, own),
            _ => Contained {
                system: named.0.into(),
                version: named.1.map(Into::into),
                code: code.into(),
                display: own.and_then(|own| own.display.clone()),
                designations: own.map(|own| own.designations.clone()).unwrap_or_default(),
                is_inactive: false,
                is_abstract: false,
            },
        }
    }
}

/// A code of a system that is here. A list that stands in for a system says nothing of the system's version.
fn of(known: &System, (system, version): (&str, Option<&str>), code: &str, own: Option<&Own>) -> Contained {
    let concept = known.concept(code);
    let theirs = if *known.url == *system { known.version.clone() } else { None };
    let designations = own.into_iter().flat_map(|own| &own.designations);
    let besides = concept.into_iter().flat_map(|concept| &concept.designations);
    let display = own.and_then(|own| own.display.clone());
    Contained {
        system: system.into(),
        version: theirs.or_else(|| version.map(Into::into)),
        code: concept.map_or_else(|| code.into(), |concept| concept.code.clone()),
        display: display.or_else(|| concept.and_then(|concept| concept.display.clone())),
        designations: designations.chain(besides).cloned().collect(),
        is_inactive: concept.is_some_and(|concept| concept.is_inactive),
        is_abstract: concept.is_some_and(|concept| concept.is_abstract),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Library, Package};

    fn library() -> Library {
        let file = |of: Value| {
            (format!("{}.json", of["id"].as_str().unwrap_or_default()), of.to_string().into_bytes())
        };
        let system = json!({"resourceType": "CodeSystem", "id": "s", "url": "http://s", "version": "1", "content": "complete",
            "concept": [{"code": "a", "display": "A", "concept": [{"code": "b", "display": "B"}, {"code": "c",
                "property": [{"code": "inactive", "valueBoolean": true}]}]}, {"code": "d"}]});
        let part = json!({"resourceType": "CodeSystem", "id": "p", "url": "http://p", "content": "fragment", "concept": [{"code": "x"}]});
        let set = json!({"resourceType": "ValueSet", "id": "v", "url": "http://v",
            "compose": {"include": [{"system": "http://s", "concept": [{"code": "d", "display": "Dee"}, {"code": "b"}]}]}});
        let files = [file(system), file(part), file(set)];
        Library::new([Package::of_files("files", files, &fhirpath::model::NoModel)])
    }

    fn expanded(compose: &Value) -> Result<String, NoList> {
        let library = library();
        let codes = Codes::new(&library);
        let set = Set::new(&json!({"url": "http://own", "compose": compose}));
        let list = codes.expand(&set)?;
        for one in &list {
            assert_eq!(codes.holds(&set, (&one.system, one.version.as_deref()), &one.code), Answer::In);
        }
        let shown = |one: Contained| {
            let mark = if one.is_inactive { "!" } else { "" };
            format!(
                "{}{mark}{}",
                one.code,
                one.display.map(|display| format!("={display}")).unwrap_or_default()
            )
        };
        Ok(list.into_iter().map(shown).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_rule_becomes_its_codes() {
        let (all, v) = (json!({"system": "http://s"}), json!({"valueSet": ["http://v"]}));
        let concept = |op: &str| json!({"system": "http://s", "filter": [{"property": "concept", "op": op, "value": "a"}]});
        let listed = |codes: Value| json!({"system": "http://s", "concept": codes});
        for (compose, codes) in [
            (json!({"include": [all]}), "a=A b=B c! d"),
            (json!({"include": [all], "inactive": false}), "a=A b=B d"),
            (json!({"include": [all], "exclude": [listed(json!([{"code": "a"}]))]}), "b=B c! d"),
            (json!({"include": [concept("descendent-of")]}), "b=B c!"),
            (json!({"include": [all], "exclude": [concept("is-a")]}), "d"),
            (json!({"include": [v]}), "d=Dee b=B"),
            (json!({"include": [{"system": "http://s", "valueSet": ["http://v"]}]}), "b=B d"),
            (json!({"include": [v, listed(json!([{"code": "b"}, {"code": "a"}]))]}), "d=Dee b=B a=A"),
            // What the system does not have is no code, however often it is listed.
            (json!({"include": [listed(json!([{"code": "none"}, {"code": "d"}]))]}), "d"),
            (
                json!({"include": [{"system": "http://other", "concept": [{"code": "q", "display": "Q"}]}]}),
                "q=Q",
            ),
        ] {
            assert_eq!(expanded(&compose).as_deref(), Ok(codes), "{compose}");
        }
    }

    #[test]
    fn what_cannot_be_listed_is_not() {
        let unknown = |of: &str| NoList::Undecided(Why::UnknownSystem(of.into()));
        for (include, why) in [
            (json!({"system": "http://nowhere"}), unknown("http://nowhere")),
            (json!({"system": "http://s", "version": "2"}), unknown("http://s|2")),
            (
                json!({"valueSet": ["http://nowhere"]}),
                NoList::Undecided(Why::UnknownSet("http://nowhere".into())),
            ),
            (json!({"system": "http://unitsofmeasure.org"}), NoList::TooCostly),
            (
                json!({"system": "http://p"}),
                NoList::Undecided(Why::Rule("only a part of http://p is here".into())),
            ),
        ] {
            assert_eq!(expanded(&json!({"include": [include]})), Err(why), "{include}");
        }
    }

    #[test]
    fn a_list_that_is_whole_stands_for_a_rule_that_cannot_be_followed() {
        let library = library();
        let codes = Codes::new(&library);
        let set = |total: u32| {
            Set::new(
                &json!({"url": "http://own", "compose": {"include": [{"system": "http://nowhere"}]}, "expansion": {"total": total,
                "contains": [{"system": "http://nowhere", "code": "1", "contains": [{"system": "http://nowhere", "code": "2"}]}]}}),
            )
        };
        let shown = codes.expand(&set(2)).map(|all| all.iter().map(|one| &*one.code).collect::<String>());
        assert_eq!(shown.as_deref(), Ok("12"));
        assert!(codes.expand(&set(3)).is_err());
        let holds = |set: &Set, code: &str| codes.holds(set, ("http://nowhere", None), code);
        assert_eq!((holds(&set(2), "1"), holds(&set(2), "3")), (Answer::In, Answer::Out));
        assert!(matches!(holds(&set(3), "3"), Answer::Undecided(_)));
    }

    #[test]
    fn a_part_of_a_system_is_taken_for_no_more() {
        let library = library();
        let codes = Codes::new(&library);
        let set = Set::new(&json!({"url": "http://own", "compose": {"include": [{"system": "http://p"}]}}));
        assert_eq!(codes.holds(&set, ("http://p", None), "x"), Answer::In);
        assert!(matches!(codes.holds(&set, ("http://p", None), "y"), Answer::Undecided(_)));
        assert!(matches!(codes.holds(&set, ("http://p", Some("9")), "x"), Answer::Undecided(_)));
        assert_eq!(codes.holds(&set, ("http://s", None), "a"), Answer::Out);
    }
}
