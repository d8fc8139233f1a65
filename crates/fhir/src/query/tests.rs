//! Every kind, modifier and prefix against records, by tables.

use std::{cell::Cell, sync::LazyLock};

use fhirpath::document::{Document, DocumentLimits};
use kernel::{SmartScope, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{
    index::{Entries, Reference, Token, Value, extract},
    parameter::Registry,
};

static R4: LazyLock<Registry> = LazyLock::new(|| Registry::r4().with_base("https://h.example/fhir"));

fn reading(handling: Handling) -> Reading<'static> {
    // 2024-06-01
    Reading { registry: &R4, now: Timestamp::from_seconds(1_717_200_000), handling }
}

fn typed(name: &str) -> ResourceType {
    ResourceType::named(name).unwrap()
}

fn pairs(words: &str) -> Vec<(&str, &str)> {
    words.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect()
}

fn parsed(of: &str, words: &str) -> Result<Query, QueryFault> {
    let types: Vec<ResourceType> = of.split(',').filter_map(ResourceType::named).collect();
    read(pairs(words), &types, &reading(Handling::Strict))
}

/// Some records around one another.
struct World {
    documents: Vec<Document<'static>>,
    asked: Cell<usize>,
}

impl World {
    fn of(records: &[&'static str]) -> Self {
        let read =
            |json: &&'static str| Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
        Self { documents: records.iter().map(read).collect(), asked: Cell::new(0) }
    }

    fn entries(&self) -> Vec<Entries<'_>> {
        self.documents.iter().map(|document| extract(document.root(), &R4).unwrap()).collect()
    }

    /// The ids of the records of the type that hold all of a search.
    fn found(&self, of: &str, words: &str) -> Result<Vec<String>, Undecided> {
        let query = parsed(of, words).unwrap_or_else(|fault| panic!("{words}: {fault}"));
        let mut ids = Vec::new();
        for record in self.entries().iter().filter(|own| own.resource_type.as_str() == of) {
            let mut all = true;
            for criterion in &query.criteria {
                all &= holds(&criterion.test, record, self)?;
            }
            ids.extend(all.then(|| record.id.to_string()));
        }
        Ok(ids)
    }
}

impl Around for World {
    fn record(
        &self,
        of: ResourceType,
        id: &str,
        ask: &mut dyn FnMut(&Entries<'_>) -> Result<bool, Undecided>,
    ) -> Result<bool, Undecided> {
        self.asked.set(self.asked.get() + 1);
        let all = self.entries();
        all.iter().find(|own| own.resource_type == of && own.id == id).map_or(Ok(false), ask)
    }

    fn referring(
        &self,
        source: ResourceType,
        parameter: ParameterId,
        to: (ResourceType, &str),
        ask: &mut dyn FnMut(&Entries<'_>) -> Result<bool, Undecided>,
    ) -> Result<bool, Undecided> {
        let refers = |own: &&Entries<'_>| {
            own.of(parameter).any(|value| {
                matches!(value, Value::Reference(Reference::Local { resource_type, id, .. })
                if (*resource_type, &**id) == to)
            })
        };
        for record in self.entries().iter().filter(|own| own.resource_type == source).filter(refers) {
            if ask(record)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn terminology(&self, token: &Token<'_>, asked: &TerminologyMatch) -> Result<bool, Undecided> {
        match asked {
            TerminologyMatch::In(url) if &**url == "urn:vs" => Ok(token.code == "a"),
            _ => Err(Undecided("a value set")),
        }
    }
}

const RECORDS: [&str; 8] = [
    r#"{"resourceType":"Patient","id":"p1","active":true,"gender":"male","birthDate":"1980-02-03","managingOrganization":{"reference":"Organization/o1"},
        "name":[{"family":"Müller-Lüdenscheid","given":["Jo,e"]}],"address":[{"city":"York"}],
        "identifier":[{"system":"urn:nhs","value":"1","type":{"coding":[{"system":"urn:v2","code":"MR"}]}}]}"#,
    r#"{"resourceType":"Patient","id":"p2","birthDate":"1980","name":[{"family":"Muller"}],"identifier":[{"value":"1"}],
        "generalPractitioner":[{"identifier":{"system":"urn:gp","value":"7"}},{"reference":"http://else.example/Practitioner/9"}]}"#,
    r#"{"resourceType":"Organization","id":"o1","name":"North"}"#,
    r#"{"resourceType":"Observation","id":"b1","status":"final","subject":{"reference":"Patient/p1"},"effectiveDateTime":"2024-05-01T10:00:00Z",
        "code":{"coding":[{"system":"http://loinc.org","code":"a","display":"Body Mass"}]},"category":[{"coding":[{"system":"c","code":"laboratory"}]}],
        "valueQuantity":{"value":2.5,"unit":"milligram","system":"http://unitsofmeasure.org","code":"mg"}}"#,
    r#"{"resourceType":"Observation","id":"b2","status":"final","subject":{"reference":"https://h.example/fhir/Patient/p2"},"effectivePeriod":{"start":"2024-05-03","end":"2024-05-10"},
        "code":{"coding":[{"system":"http://loinc.org","code":"b"}],"text":"Other"},"valueQuantity":{"value":0.0025,"system":"http://unitsofmeasure.org","code":"g"},
        "hasMember":[{"reference":"Observation/b1"}]}"#,
    r#"{"resourceType":"Observation","id":"b3","status":"final","code":{"coding":[{"system":"s","code":"a"}]},"effectiveDateTime":"2024-05","valueQuantity":{"value":7}}"#,
    r#"{"resourceType":"ValueSet","id":"v","url":"http://x.example/fhir/vs/1","status":"active","meta":{"profile":["http://x.example/P|2"]}}"#,
    r#"{"resourceType":"Location","id":"l","position":{"latitude":53.96,"longitude":-1.08}}"#,
];

#[test]
fn kinds_modifiers_and_prefixes_find_what_they_say() {
    let world = World::of(&RECORDS);
    for (of, words, expected) in [
        ("Patient", "_id=p1", &["p1"][..]),
        ("Patient", "_id=p1,p2", &["p1", "p2"]),
        // token
        ("Patient", "gender=male", &["p1"]),
        ("Patient", "gender=http://hl7.org/fhir/administrative-gender|male", &["p1"]),
        ("Patient", "gender=MALE", &[]),
        ("Patient", "gender:not=male", &["p2"]),
        ("Patient", "gender:missing=true", &["p2"]),
        ("Patient", "gender:missing=false", &["p1"]),
        ("Patient", "active=true", &["p1"]),
        ("Patient", "identifier=1", &["p1", "p2"]),
        ("Patient", "identifier=urn:nhs|1", &["p1"]),
        ("Patient", "identifier=|1", &["p2"]),
        ("Patient", "identifier=urn:nhs|", &["p1"]),
        ("Patient", "identifier:of-type=urn:v2|MR|1", &["p1"]),
        ("Patient", "identifier:of-type=urn:v2|XX|1", &[]),
        ("Observation", "code:text=body", &["b1"]),
        ("Observation", "code:text=OTHER", &["b2"]),
        ("Observation", "code:in=urn:vs", &["b1", "b3"]),
        ("Observation", "code:not-in=urn:vs", &["b2"]),
        ("Observation", "code=http://loinc.org|a,http://loinc.org|b", &["b1", "b2"]),
        ("Observation", "code=a&status=final&category=laboratory", &["b1"]),
        // string
        ("Patient", "family=mull", &["p1", "p2"]),
        ("Patient", "family=MÜLLER-l", &["p1"]),
        ("Patient", "family:exact=Muller", &["p2"]),
        ("Patient", "family:exact=muller", &[]),
        ("Patient", "family:contains=denscheid", &["p1"]),
        ("Patient", "given=jo\\,e", &["p1"]),
        ("Patient", "given=jo\\,f", &[]),
        // reference
        ("Observation", "subject=Patient/p1", &["b1"]),
        ("Observation", "subject=p1", &["b1"]),
        ("Observation", "subject:Patient=p2", &["b2"]),
        ("Observation", "patient=p2", &["b2"]),
        ("Observation", "subject=https://h.example/fhir/Patient/p1", &["b1"]),
        ("Observation", "subject=Group/p1", &[]),
        ("Patient", "general-practitioner=http://else.example/Practitioner/9", &["p2"]),
        ("Patient", "general-practitioner:identifier=urn:gp|7", &["p2"]),
        ("Patient", "general-practitioner:identifier=|7", &[]),
        // chains
        ("Observation", "subject:Patient.family=muller-", &["b1"]),
        ("Observation", "subject.family=muller", &["b1", "b2"]),
        ("Observation", "patient.organization.name=north", &["b1"]),
        ("Observation", "subject:Patient.gender:not=male", &["b2"]),
        ("Observation", "has-member.subject.gender=male", &["b2"]),
        ("Patient", "_has:Observation:patient:code=b", &["p2"]),
        ("Patient", "_has:Observation:subject:_has:Observation:has-member:code=b", &["p1"]),
        ("Patient", "_has:Observation:patient:has-member.code=a", &["p2"]),
        ("Organization", "_has:Patient:organization:_has:Observation:patient:code=a", &["o1"]),
        ("Observation", "patient._has:Observation:patient:code=b", &["b2"]),
        // dates: p1 1980-02-03, p2 1980
        ("Patient", "birthdate=1980-02-03", &["p1"]),
        ("Patient", "birthdate=1980", &["p1", "p2"]),
        ("Patient", "birthdate=ne1980-02-03", &["p2"]),
        ("Patient", "birthdate=gt1980-02-03", &["p2"]),
        ("Patient", "birthdate=lt1980-02-03", &["p2"]),
        ("Patient", "birthdate=ge1980-02-03", &["p1", "p2"]),
        ("Patient", "birthdate=le1980-02-03", &["p1", "p2"]),
        ("Patient", "birthdate=sa1980-02-02", &["p1"]),
        ("Patient", "birthdate=eb1980-02-04", &["p1"]),
        ("Patient", "birthdate=ap1984", &["p1", "p2"]),
        ("Patient", "birthdate=ap1994", &[]),
        ("Observation", "date=2024-05-01_2024-05-03", &["b1"]),
        ("Observation", "date=2024-05-01_2024-05-10", &["b1", "b2"]),
        ("Observation", "date=ge2024-05-04&date=le2024-05-05", &["b2", "b3"]),
        ("Observation", "date=2024-05", &["b1", "b2", "b3"]),
        // quantities: 2.5 mg, 0.0025 g, 7
        ("Observation", "value-quantity=2.5|http://unitsofmeasure.org|mg", &["b1", "b2"]),
        ("Observation", "value-quantity=0.0025|http://unitsofmeasure.org|g", &["b1", "b2"]),
        ("Observation", "value-quantity=2.5", &["b1"]),
        ("Observation", "value-quantity=2.5||milligram", &["b1"]),
        ("Observation", "value-quantity=2.5||mg", &["b1"]),
        ("Observation", "value-quantity=gt2|http://unitsofmeasure.org|mg", &["b1", "b2"]),
        ("Observation", "value-quantity=lt2500|http://unitsofmeasure.org|ug", &[]),
        ("Observation", "value-quantity=le2500|http://unitsofmeasure.org|ug", &["b1", "b2"]),
        ("Observation", "value-quantity=ge2500|http://unitsofmeasure.org|ug", &["b1", "b2"]),
        ("Observation", "value-quantity=7.0", &["b3"]),
        ("Observation", "value-quantity=7", &["b3"]),
        ("Observation", "value-quantity=ne7", &["b1", "b2"]),
        ("Observation", "value-quantity=ap7.5", &["b3"]),
        ("Observation", "value-quantity=1e1", &["b3"]),
        ("Observation", "value-quantity=sa6.9", &["b3"]),
        ("Observation", "value-quantity=eb7", &["b1", "b2"]),
        // composites
        ("Observation", "code-value-quantity=http://loinc.org|a$2.5|http://unitsofmeasure.org|mg", &["b1"]),
        ("Observation", "code-value-quantity=a$gt5", &["b3"]),
        ("Observation", "code-value-quantity=b$gt5", &[]),
        // uri
        ("ValueSet", "url=http://x.example/fhir/vs/1", &["v"]),
        ("ValueSet", "url=http://x.example/fhir", &[]),
        ("ValueSet", "url:below=http://x.example/fhir", &["v"]),
        ("ValueSet", "url:below=http://x.example/fh", &[]),
        ("ValueSet", "url:above=http://x.example/fhir/vs/1/2", &["v"]),
        ("ValueSet", "_profile=http://x.example/P", &["v"]),
        ("ValueSet", "_profile=http://x.example/P|2", &["v"]),
        ("ValueSet", "_profile=http://x.example/P|3", &[]),
        // place
        ("Location", "near=53.95|-1.08|2|km", &["l"]),
        ("Location", "near=53.95|-1.08|1|km", &[]),
        ("Location", "near=53.95|-1.08", &["l"]),
        ("Location", "near=53.95|-1.08|2000|m", &["l"]),
    ] {
        assert_eq!(
            world.found(of, words),
            Ok(expected.iter().map(ToString::to_string).collect()),
            "{of}?{words}"
        );
    }
}

#[test]
fn what_is_not_known_is_refused_or_told() {
    for (of, words, expected) in [
        ("Patient", "famly=x", "search parameter `famly`: `famly` is no search parameter of Patient"),
        (
            "Patient",
            "family:below=x",
            "search parameter `family:below`: `:below` is no modifier of a string parameter",
        ),
        ("Patient", "family=", "search parameter `family`: it has no value"),
        (
            "Patient",
            "birthdate=1980,x",
            "search parameter `birthdate`: value 2 is not a date, perhaps behind a prefix",
        ),
        (
            "Patient",
            "birthdate=xx1980",
            "search parameter `birthdate`: value 1 is not a date, perhaps behind a prefix",
        ),
        (
            "Patient",
            "birthdate=1981_1980",
            "search parameter `birthdate`: value 1 is not two dates, the earlier first, without a prefix",
        ),
        (
            "Patient",
            "gender:missing=maybe",
            "search parameter `gender:missing`: value 1 is not `true` or `false`",
        ),
        (
            "Patient",
            "gender=|",
            "search parameter `gender`: value 1 is not `code`, `system|code`, `|code` or `system|`",
        ),
        (
            "Patient",
            "family.name=x",
            "search parameter `family.name`: `family` is no reference, so that nothing can be asked of what it refers to",
        ),
        (
            "Patient",
            "organization:Group.name=x",
            "search parameter `organization:Group.name`: `organization` does not refer to Group",
        ),
        (
            "Patient",
            "organization:Nobody.name=x",
            "search parameter `organization:Nobody.name`: `Nobody` is no type of resource",
        ),
        (
            "Patient",
            "organization.nme=x",
            "search parameter `organization.nme`: `nme` is no search parameter of Organization",
        ),
        (
            "Patient",
            "_has:Observation:code:code=x",
            "search parameter `_has:Observation:code:code`: `code` is no reference, so that nothing can be asked of what it refers to",
        ),
        (
            "Group",
            "_has:Encounter:patient:status=x",
            "search parameter `_has:Encounter:patient:status`: `patient` does not refer to Group",
        ),
        (
            "Observation",
            "value-quantity=5|mg",
            "search parameter `value-quantity`: value 1 is not `number`, `number|system|code` or `number||code`",
        ),
        (
            "Observation",
            "code-value-quantity=a",
            "search parameter `code-value-quantity`: value 1 is not one value for each component, parted by `$`",
        ),
        (
            "Observation",
            "subject=a b",
            "search parameter `subject`: value 1 is not `Type/id`, an id or a URL",
        ),
        (
            "Observation",
            "subject:Patient=Group/1",
            "search parameter `subject:Patient`: value 1 is not a reference to the type that `:` names",
        ),
        (
            "Observation",
            "subject:Coverage=1",
            "search parameter `subject:Coverage`: `subject` does not refer to Coverage",
        ),
        ("Patient", "_count=1&_count=2", "search parameter `_count`: it may be given once"),
        ("Patient", "_count=-1", "search parameter `_count`: value 1 is not a number of entries"),
        ("Patient", "page=0", "search parameter `page`: value 1 is not the number of a page, from 1"),
        ("Patient", "_sort=nme", "search parameter `_sort`: `nme` is no search parameter of Patient"),
        (
            "Observation",
            "_sort=code-value-quantity",
            "search parameter `_sort`: `code-value-quantity` cannot be sorted by",
        ),
        (
            "Patient",
            "_include=Patient:family",
            "search parameter `_include`: `family` is no reference, so that nothing can be asked of what it refers to",
        ),
        (
            "Patient",
            "_include:next=*",
            "search parameter `_include:next`: `:next` is no modifier of a reference parameter",
        ),
        ("Patient", "_since=2020-01-01", "search parameter `_since`: value 1 is not within the last 90 days"),
        (
            "Patient",
            "_contained=both",
            "search parameter `_contained`: value 1 is not `false`: contained records are not searched",
        ),
        (
            "Patient",
            "_elements=a.b",
            "search parameter `_elements`: value 1 is not the name of an element at the top of a record",
        ),
        ("Patient", "_query=x", "search parameter `_query`: `_query` is no search parameter of Patient"),
        (
            "",
            "gender=x",
            "search parameter `gender`: `gender` is no search parameter of every type of resource",
        ),
    ] {
        let told = parsed(of, words).map_err(|fault| fault.to_string());
        assert_eq!(told.err().as_deref(), Some(expected), "{of}?{words}");
    }
    let lenient =
        read(pairs("famly=x&gender=male&family="), &[typed("Patient")], &reading(Handling::Lenient)).unwrap();
    let ignored: Vec<&str> = lenient.ignored.iter().map(|own| &*own.name).collect();
    assert_eq!((lenient.criteria.len(), ignored), (1, vec!["famly", "family"]));
    // A restriction that is known and wrong is never passed over.
    assert!(read(pairs("birthdate=x"), &[typed("Patient")], &reading(Handling::Lenient)).is_err());
}

#[test]
fn limits_are_told_by_name() {
    let many = |word: &str, count: usize, with: &str| vec![word; count].join(with);
    for (words, expected) in [
        (many("gender=male", limits::CRITERIA_MAX + 1, "&"), "more than 64 criteria"),
        (format!("gender={}", many("a", limits::VALUES_MAX + 1, ",")), "more than 1000 values"),
        (
            format!("link.{}gender=a", many("link", limits::CHAIN_DEPTH_MAX, ".") + "."),
            "more than 4 steps to other records",
        ),
        (many("_include=*", limits::INCLUDES_MAX + 1, "&"), "more than 32 includes"),
        (format!("_sort={}", many("_id", limits::SORTS_MAX + 1, ",")), "more than 8 parameters to sort by"),
        (format!("_elements={}", many("id", limits::ELEMENTS_MAX + 1, ",")), "more than 200 elements"),
        (
            "_has:List:item:item.item.item.status=a".to_owned(),
            "more than 500 ways by references that name no type",
        ),
    ] {
        let fault = parsed("Patient", &words).unwrap_err();
        assert_eq!(fault.problem.to_string(), expected);
    }
    let long = "x".repeat(1000);
    assert_eq!(
        parsed("Patient", &format!("{long}=1")).unwrap_err().parameter.len(),
        limits::NAME_SHOWN_BYTES
    );
}

#[test]
fn the_rest_of_a_search_is_read() {
    let id = |of: &str, code: &str| R4.parameter(typed(of), code).unwrap().id;
    let query = parsed(
        "Observation",
        "_count=20&_sort=-date,_id&_total=accurate&_summary=count&_elements=id,code&_include=Observation:subject:Patient&_include:iterate=Patient:*\
         &_revinclude=*&_since=2024-05-20&_format=json&_pretty=true&page=3",
    )
    .unwrap();
    assert!(query.criteria.is_empty() && query.ignored.is_empty());
    assert_eq!((query.count, query.page), (Some(20), Some(3)));
    assert_eq!((query.total, query.summary), (Some(Total::Accurate), Some(Summary::Count)));
    assert_eq!(query.since, Some(1_716_163_200_000_000));
    let sort = |own: &Sort| (own.parameter, own.order);
    let expected = [(id("Observation", "date"), Order::Descending), (ParameterId::ID, Order::Ascending)];
    assert_eq!(query.sort.iter().map(sort).collect::<Vec<_>>(), expected);
    assert_eq!(query.elements, ["id", "code"].map(Box::<str>::from));
    let include = |direction, source: Option<&str>, parameter, target: Option<&str>, reach| Include {
        direction,
        source: source.map(typed),
        parameter,
        target: target.map(typed),
        reach,
    };
    let subject = Some(id("Observation", "subject"));
    assert_eq!(
        query.includes,
        [
            include(Direction::Forward, Some("Observation"), subject, Some("Patient"), Reach::Matches),
            include(Direction::Forward, Some("Patient"), None, None, Reach::Iterate),
            include(Direction::Reverse, None, None, None, Reach::Matches),
        ]
    );
    let both = parsed("", "_type=Patient,Person&name=x").unwrap();
    assert_eq!(both.resource_types, [typed("Patient"), typed("Person")]);
    assert!(parsed("", "_id=x&_lastUpdated=2024").is_ok());
}

#[test]
fn scopes_ask_as_searches_do() {
    let world = World::of(&RECORDS);
    let records = world.entries();
    let record = |id: &str| records.iter().find(|own| own.id == id).unwrap();
    let asked = |scope: &str, id: &str| {
        let scope: SmartScope = scope.parse().unwrap();
        let of = record(id).resource_type;
        holds(&scope_test(scope.criteria(), of, &reading(Handling::Strict)), record(id), &Alone)
    };
    for (scope, id, expected) in [
        ("patient/Observation.rs", "b1", Ok(true)),
        ("patient/Observation.rs?category=laboratory", "b1", Ok(true)),
        ("patient/Observation.rs?category=laboratory", "b2", Ok(false)),
        ("patient/Observation.rs?category=c|laboratory,c|vital", "b1", Ok(true)),
        ("patient/Observation.rs?category=laboratory&code=b", "b1", Ok(false)),
        ("patient/Observation.rs?nonsense=laboratory", "b1", Ok(false)),
        ("patient/Observation.rs?category:not=laboratory", "b2", Ok(true)),
        ("patient/Observation.rs?subject.gender=male", "b1", Err(Undecided("a chain"))),
    ] {
        assert_eq!(asked(scope, id), expected, "{scope} {id}");
    }
}

#[test]
fn compartments_and_sums_of_tests_hold() {
    let world = World::of(&RECORDS);
    let records = world.entries();
    let ids = |test: &Test| -> Vec<&str> {
        records.iter().filter(|own| holds(test, own, &Alone).unwrap()).map(|own| &*own.id).collect()
    };
    let of_p1 = Test::In { compartment: Compartment::Patient, ids: vec!["p1".into()] };
    assert_eq!(ids(&of_p1), ["p1", "b1"]);
    let only = Test::OfType(vec![typed("Observation")]);
    assert_eq!(ids(&Test::All(vec![of_p1.clone(), only.clone()])), ["b1"]);
    assert_eq!(ids(&Test::AnyOf(vec![of_p1.clone(), only.clone()])), ["p1", "b1", "b2", "b3"]);
    assert_eq!(ids(&Test::All(vec![only, Test::Not(Box::new(of_p1))])), ["b2", "b3"]);
    assert!(ids(&Test::NONE).is_empty() && ids(&Test::EVERY).len() == RECORDS.len());
    // What is undecided is neither: it decides nothing that something else has decided.
    let chain = parsed("Observation", "subject.gender=male").unwrap().criteria.remove(0).test;
    let b1 = records.iter().find(|own| own.id == "b1").unwrap();
    assert!(holds(&Test::Not(Box::new(chain.clone())), b1, &Alone).is_err());
    assert_eq!(holds(&Test::All(vec![chain.clone(), Test::NONE]), b1, &Alone), Ok(false));
    assert_eq!(holds(&Test::AnyOf(vec![chain, Test::EVERY]), b1, &Alone), Ok(true));
}

#[test]
fn a_loop_of_references_ends() {
    let world = World::of(&[
        r#"{"resourceType":"Patient","id":"a","link":[{"other":{"reference":"Patient/a"}}],"gender":"male"}"#,
    ]);
    assert_eq!(
        world.found("Patient", "link:Patient.link:Patient.link:Patient.gender=male"),
        Ok(vec!["a".to_owned()])
    );
    assert_eq!(world.asked.get(), 3);
}

fn word() -> impl Strategy<Value = String> {
    let name =
        "(_has|_id|_sort|_include|_type|code|subject|patient|date|value-quantity|near|family|[a-z]{1,4}|é)";
    let part = "(:[a-z-]{1,8}|:Patient|:missing|:identifier|\\.[a-z]{1,6}|:Observation:patient:code)";
    proptest::string::string_regex(&format!("{name}{part}{{0,3}}")).unwrap()
}

proptest! {
    #[test]
    fn reading_never_panics_and_never_shows_a_value(
        name in word(),
        value in "[a-z0-9|$,\\\\:/é.*_-]{0,24}",
        of in 1u16..149,
    ) {
        let of = ResourceType::numbered(of).unwrap();
        for types in [&[of][..], &[]] {
            let read = read([(name.as_str(), value.as_str())], types, &reading(Handling::Strict));
            if let Err(fault) = read
                && !name.starts_with("_") && value.len() > 8
            {
                prop_assert!(!fault.to_string().contains(&value), "{fault}");
            }
        }
    }

    #[test]
    fn equal_and_not_equal_are_complementary(
        value in "-?[0-9]{1,6}(\\.[0-9]{1,4})?",
        asked in "-?[0-9]{1,6}(\\.[0-9]{1,4})?(e[0-9])?",
    ) {
        let json = format!(r#"{{"resourceType":"Observation","id":"x","valueQuantity":{{"value":{value}}},"effectiveDateTime":"2024-05-01"}}"#);
        let document = Document::from_json(json.as_bytes(), &DocumentLimits::default());
        prop_assume!(document.is_ok());
        let document = document.unwrap();
        let record = extract(document.root(), &R4).unwrap();
        let held = |prefix: &str| {
            let test = read_test("value-quantity", &format!("{prefix}{asked}"), &[typed("Observation")], &reading(Handling::Strict));
            holds(&test.unwrap(), &record, &Alone).unwrap()
        };
        prop_assert_ne!(held("eq"), held("ne"));
        prop_assert_eq!(held(""), held("eq"));
        prop_assert_eq!(held("gt") , held("sa"));
        prop_assert_ne!(held("gt"), held("le"));
        prop_assert_ne!(held("lt"), held("ge"));
    }

    #[test]
    fn what_is_written_is_found_by_its_beginning(name in "[A-Za-zà-ÿ]{1,12}", at in 1usize..12) {
        let json = serde_json::json!({"resourceType": "Patient", "id": "x", "name": [{"family": name}]}).to_string();
        let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
        let record = extract(document.root(), &R4).unwrap();
        let beginning: String = name.to_uppercase().chars().take(at).collect();
        let test = read_test("family", &beginning, &[typed("Patient")], &reading(Handling::Strict)).unwrap();
        prop_assert_eq!(holds(&test, &record, &Alone), Ok(true));
        let exact = read_test("family:exact", &name, &[typed("Patient")], &reading(Handling::Strict)).unwrap();
        prop_assert_eq!(holds(&exact, &record, &Alone), Ok(true));
    }
}
