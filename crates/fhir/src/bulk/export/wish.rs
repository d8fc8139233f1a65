//! What an export is asked for, read at the door.  <https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters>

use std::collections::BTreeSet;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use web::Problem;

use crate::{
    bulk::deidentify::Rule,
    index,
    interaction::{
        cursor,
        manner::prefer::{Handling, Prefer},
        posted::invalid,
        search::INDEXED_AGAIN_S,
    },
    key::is_added,
    parameter::{Registry, ResourceType},
    query::{self, Reading, Test},
};

/// Searches of `_typeFilter`.
pub const TYPE_FILTERS_MAX: usize = 64;
/// Names in `_elements`.
pub const EXPORT_ELEMENTS_MAX: usize = 64;
/// Patients that one kick-off may name.
pub const EXPORT_PATIENTS_MAX: usize = 10_000;

/// Whose records are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::bulk) enum Level {
    /// The site's.
    System,
    /// Those of all patients.
    Patients,
    /// Those of the members of a group, as it was in this version.
    Group { id: String, version: u32 },
}

/// What an export is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::bulk) struct Wish {
    pub level: Level,
    /// None for all.
    pub types: Vec<String>,
    /// Changed after this, in microseconds since 1970.
    pub since: Option<i64>,
    /// And before this.
    pub until: Option<i64>,
    /// `name` or `Patient.name`; none for whole records.
    pub elements: Vec<String>,
    /// `Observation?category=laboratory`
    pub filters: Vec<String>,
    /// What these ask of the parameters of the site's packages: their numbers, which never come to mean others.
    #[serde(default)]
    pub added: BTreeSet<u16>,
    /// Ids of patients; none for all.
    pub patients: Vec<String>,
    /// By which policy what tells whose records they are is left out.
    pub deidentify: Option<String>,
    /// Its rules, as they were at kick-off.
    pub rules: Vec<Rule>,
}

/// What words are read with.
pub(in crate::bulk) struct Words<'w> {
    pub prefer: Prefer,
    pub registry: &'w Registry,
    pub now: Timestamp,
}

impl Words<'_> {
    fn is_lenient(&self) -> bool {
        self.prefer.handling == Handling::Lenient
    }
}

impl Wish {
    /// Read the parameters of a kick-off.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn read(level: Level, pairs: &[(String, String)], words: &Words<'_>) -> Result<Self, Problem> {
        let mut wish = Self {
            level,
            types: Vec::new(),
            since: None,
            until: None,
            elements: Vec::new(),
            filters: Vec::new(),
            added: BTreeSet::new(),
            patients: Vec::new(),
            deidentify: None,
            rules: Vec::new(),
        };
        for (name, value) in pairs {
            wish.parameter(name, value, words)?;
        }
        wish.agrees()?;
        Ok(wish)
    }

    fn parameter(&mut self, name: &str, value: &str, words: &Words<'_>) -> Result<(), Problem> {
        match name {
            "_outputFormat" => output_format(value),
            "_since" => once(&mut self.since, value, "_since"),
            "_until" => once(&mut self.until, value, "_until"),
            "_type" => self.add_types(value, words),
            "_elements" => self.add_elements(value),
            "_typeFilter" => self.add_filters(value, words),
            "patient" => self.add_patient(value),
            "_deidentify" => match self.deidentify.replace(value.to_owned()) {
                None => Ok(()),
                Some(_) => Err(invalid("_deidentify is there more than once", "_deidentify")),
            },
            "_format" | "_pretty" => Ok(()),
            _ if words.is_lenient() => Ok(()),
            "includeAssociatedData" => Err(unsupported(
                "includeAssociatedData is not supported; with Prefer: handling=lenient it is left out",
                "includeAssociatedData",
            )),
            other => {
                let shown: String = other.chars().filter(char::is_ascii_graphic).take(64).collect();
                Err(Problem::new(kernel::Kind::Invalid, "an export is not asked for by this parameter")
                    .with_code("MSG_PARAM_UNKNOWN")
                    .with_path(shown))
            }
        }
    }

    fn add_types(&mut self, value: &str, words: &Words<'_>) -> Result<(), Problem> {
        for name in value.split(',').map(str::trim) {
            match ResourceType::named(name) {
                Some(of) if !self.types.iter().any(|one| one == of.as_str()) => {
                    self.types.push(of.as_str().to_owned());
                }
                Some(_) => {}
                None if words.is_lenient() => {}
                None => return Err(invalid("_type names a type that FHIR R4 does not have", "_type")),
            }
        }
        Ok(())
    }

    fn add_elements(&mut self, value: &str) -> Result<(), Problem> {
        for name in value.split(',').map(str::trim) {
            let (of, element) =
                name.split_once('.').map_or((None, name), |(of, element)| (Some(of), element));
            let is_name = !element.is_empty() && element.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !is_name || of.is_some_and(|of| ResourceType::named(of).is_none()) {
                let words = "_elements must be names of elements, such as id or Patient.name, with commas between them";
                return Err(invalid(words, "_elements"));
            }
            self.elements.push(name.to_owned());
        }
        at_most(self.elements.len(), EXPORT_ELEMENTS_MAX, "_elements")
    }

    fn add_filters(&mut self, value: &str, words: &Words<'_>) -> Result<(), Problem> {
        for filter in filters(value) {
            let (_, test) = read_filter(&filter, words.registry, words.now)?;
            self.added.extend(added(&test));
            self.filters.push(filter);
        }
        at_most(self.filters.len(), TYPE_FILTERS_MAX, "_typeFilter")
    }

    fn add_patient(&mut self, value: &str) -> Result<(), Problem> {
        let refused = || invalid("patient must be a reference such as Patient/1", "patient");
        for reference in value.split(',').map(str::trim) {
            let id = reference.rsplit_once("Patient/").ok_or_else(refused)?.1;
            let id: crate::resource::LogicalId = id.parse().map_err(|_| refused())?;
            self.patients.push(id.as_str().to_owned());
        }
        at_most(self.patients.len(), EXPORT_PATIENTS_MAX, "patient")
    }

    /// What one parameter says fits what the others say.
    fn agrees(&self) -> Result<(), Problem> {
        if self.level == Level::System && !self.patients.is_empty() {
            return Err(invalid("patient belongs to exports of patients and groups", "patient"));
        }
        let is_asked = |of: &str| self.types.is_empty() || self.types.iter().any(|one| one == of);
        match self.filters.iter().all(|filter| filter.split_once('?').is_some_and(|(of, _)| is_asked(of))) {
            true => Ok(()),
            false => Err(invalid("_typeFilter is about a type that _type does not name", "_typeFilter")),
        }
    }

    /// What `_typeFilter` asks of records of which types, as it meant at kick-off; none where the site has not all of these parameters any
    /// more, or others of the same names.
    pub fn tests(&self, registry: &Registry, now: Timestamp) -> Option<Vec<(ResourceType, Test)>> {
        let read = self.filters.iter().map(|text| read_filter(text, registry, now).ok());
        let tests: Vec<(ResourceType, Test)> = read.collect::<Option<_>>()?;
        let asked: BTreeSet<u16> = tests.iter().flat_map(|(_, test)| added(test)).collect();
        (asked == self.added).then_some(tests)
    }

    /// The types that are asked for; none for all.
    pub fn types(&self) -> BTreeSet<ResourceType> {
        self.types.iter().filter_map(|name| ResourceType::named(name)).collect()
    }
}

fn unsupported(words: &'static str, at: &'static str) -> Problem {
    invalid(words, at).with_code("MSG_PARAM_UNKNOWN")
}

fn at_most(count: usize, most: usize, at: &'static str) -> Result<(), Problem> {
    match count <= most {
        true => Ok(()),
        false => Err(invalid(format!("{at} has more than {most} values"), at)),
    }
}

fn once(slot: &mut Option<i64>, value: &str, at: &'static str) -> Result<(), Problem> {
    let instant = cursor::instant(value).ok_or_else(|| invalid(format!("{at} must be an instant"), at))?;
    match slot.replace(instant.as_micros()) {
        None => Ok(()),
        Some(_) => Err(invalid(format!("{at} is there more than once"), at)),
    }
}

fn output_format(value: &str) -> Result<(), Problem> {
    match value.replace(' ', "+").as_str() {
        "application/fhir+ndjson" | "application/ndjson" | "ndjson" => Ok(()),
        _ => Err(invalid("_outputFormat must be application/fhir+ndjson", "_outputFormat")),
    }
}

/// Searches with commas between them; a comma within one is followed by no `Type?`.
fn filters(value: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for part in value.split(',') {
        let begins = part.split_once('?').is_some_and(|(of, _)| ResourceType::named(of.trim()).is_some());
        match all.last_mut() {
            Some(last) if !begins => {
                last.push(',');
                last.push_str(part);
            }
            _ => all.push(part.trim().to_owned()),
        }
    }
    all
}

/// One search of `_typeFilter`: of which type, and what it asks of a record alone.
fn read_filter(text: &str, registry: &Registry, now: Timestamp) -> Result<(ResourceType, Test), Problem> {
    let refused = |words: String| invalid(words, "_typeFilter");
    let shape = "_typeFilter must be a search such as Observation?category=laboratory";
    let (of, asked) = text.split_once('?').ok_or_else(|| refused(shape.to_owned()))?;
    let of = ResourceType::named(of).ok_or_else(|| refused(shape.to_owned()))?;
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(asked.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let reading = Reading { registry, now, handling: query::Handling::Strict };
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let query = query::read(pairs, &[of], &reading).map_err(|fault| match fault.problem {
        // As a search by it is answered.
        query::Problem::BeingIndexed(_) => {
            Problem::new(kernel::Kind::Unavailable, format!("_typeFilter: {fault}"))
                .with_path("_typeFilter")
                .with_retry_after(INDEXED_AGAIN_S)
        }
        _ => refused(format!("_typeFilter: {fault}")),
    })?;
    let criteria = query.criteria.len();
    let bare = query::Query { resource_types: vec![of], criteria: query.criteria.clone(), ..<_>::default() };
    if criteria == 0 || query != bare {
        return Err(refused("_typeFilter chooses records and does nothing else".to_owned()));
    }
    let test = Test::All(query.criteria.into_iter().map(|criterion| criterion.test).collect());
    match test.is_alone() {
        true => Ok((of, test)),
        false => {
            Err(refused("_typeFilter asks of the record itself: no chain, no _has, no value set".to_owned()))
        }
    }
}

/// The numbers of the parameters of packages that a test looks at.
fn added(test: &Test) -> impl Iterator<Item = u16> + use<> {
    let mut asked = index::Asked::default();
    test.asked(&mut asked);
    asked.parameters.into_iter().map(|parameter| parameter.0).filter(|number| is_added(*number))
}

#[cfg(test)]
mod tests {
    use fhirpath::document::{Document, DocumentLimits};
    use http::HeaderMap;

    use super::*;
    use crate::parameter::{Definition, ParameterId, Standing};

    fn read(level: Level, query: &str, prefer: &str) -> Result<Wish, String> {
        let registry = Registry::r4();
        let headers: HeaderMap =
            [(http::HeaderName::from_static("prefer"), prefer.parse().unwrap())].into_iter().collect();
        let words = Words {
            prefer: Prefer::of(&headers),
            registry: &registry,
            now: Timestamp::from_seconds(1_800_000_000),
        };
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Wish::read(level, &pairs, &words).map_err(|problem| problem.path().unwrap_or_default().to_owned())
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let wish = read(
            Level::Patients,
            "_type=Patient,Observation&_type=Patient&_since=2026-01-01T00:00:00Z&_outputFormat=ndjson\
             &_elements=id,Patient.name&_typeFilter=Observation%3Fcategory%3Da%2Cb%2CPatient%3Fgender%3Dmale&patient=Patient/1,Patient/2",
            "respond-async",
        )
        .unwrap();
        assert_eq!(wish.types, ["Patient", "Observation"]);
        assert_eq!(wish.since, Some(1_767_225_600_000_000));
        assert_eq!(wish.elements, ["id", "Patient.name"]);
        assert_eq!(wish.filters, ["Observation?category=a,b", "Patient?gender=male"]);
        assert_eq!(wish.patients, ["1", "2"]);
    }

    /// R4 with `shoe` of Patient, which selects this, under this number.
    fn with_shoes(selected: &str, number: u16, standing: Standing) -> Registry {
        let text = format!(
            r#"{{"resourceType":"SearchParameter","url":"http://x/shoe","code":"shoe","base":["Patient"],"type":"number","expression":"{selected}"}}"#
        );
        let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).unwrap();
        let mut registry = Registry::r4();
        registry.add(&Definition::read(document.root()).unwrap(), ParameterId(number), standing).unwrap();
        registry
    }

    #[test]
    fn a_parameter_of_a_package_means_what_it_meant_at_kick_off() {
        let first = ParameterId::ADDED_MIN;
        let (now, then) =
            (Timestamp::from_seconds(0), with_shoes("Patient.extension.value", first, Standing::Ready));
        let words = Words { prefer: Prefer::of(&HeaderMap::new()), registry: &then, now };
        let pairs = [("_typeFilter".to_owned(), "Patient?shoe:missing=true&gender=male".to_owned())];
        let wish = Wish::read(Level::System, &pairs, &words).unwrap();
        assert_eq!(wish.added, [first].into());
        assert_eq!(wish.tests(&then, now).map(|tests| tests.len()), Some(1));
        let other = "Patient.extension.where(url = 'x').value";
        for (what, registry) in [
            ("off", Registry::r4()),
            ("another one", with_shoes(other, first + 1, Standing::Ready)),
            ("another one that is being indexed", with_shoes(other, first + 1, Standing::Building)),
            ("being taken away", with_shoes("Patient.extension.value", first, Standing::Leaving)),
        ] {
            assert!(wish.tests(&registry, now).is_none(), "{what}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_its_name() {
        for (query, at) in [
            ("_type=Patients", "_type"),
            ("_since=yesterday", "_since"),
            ("_since=2026&_since=2027", "_since"),
            ("_outputFormat=text/csv", "_outputFormat"),
            ("_elements=a%20b", "_elements"),
            ("_elements=Nothing.a", "_elements"),
            ("_typeFilter=Observation", "_typeFilter"),
            ("_typeFilter=Observation?", "_typeFilter"),
            ("_typeFilter=Observation%3Fnothing%3D1", "_typeFilter"),
            ("_typeFilter=Observation%3F_sort%3Ddate%26code%3Da", "_typeFilter"),
            ("_typeFilter=Observation%3Fsubject:Patient.name%3Da", "_typeFilter"),
            ("_typeFilter=Observation%3Fcode:in%3Dhttp://x", "_typeFilter"),
            ("_typeFilter=Patient%3F_has:Observation:subject:code%3Da", "_typeFilter"),
            ("_type=Patient&_typeFilter=Observation%3Fcode%3Da", "_typeFilter"),
            ("patient=1", "patient"),
            ("includeAssociatedData=LatestProvenanceResources", "includeAssociatedData"),
            ("organizeOutputBy=Patient", "organizeOutputBy"),
        ] {
            assert_eq!(read(Level::Patients, query, "respond-async"), Err(at.to_owned()), "{query}");
        }
        assert_eq!(read(Level::System, "patient=Patient/1", "respond-async"), Err("patient".to_owned()));
        let lenient = read(
            Level::System,
            "_type=Patient,Nothing&includeAssociatedData=x&organizeOutputBy=Patient",
            "respond-async, handling=lenient",
        );
        assert_eq!(lenient.unwrap().types, ["Patient"]);
    }
}
