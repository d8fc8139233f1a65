//! What a search finds against what it has to find: fetch everything, ask each record.

use std::{collections::BTreeSet, sync::Arc};

use fhir::{
    index::{Entries, extract, says},
    parameter::{ParameterId, Registry, ResourceType},
    query::{
        Around, Handling, Query, Reading, SystemMatch, Terminology, TerminologyMatch, Test, TokenMatch,
        Undecided, holds, read,
    },
    resource::Span,
    search::{Counted, Cursor, Page, Search},
};
use fhirpath::document::{Document, DocumentLimits};
use kernel::Timestamp;
use store::Db;
use testkit::{SeededEntropy, on_each_engine};

use crate::{
    invented::{Chance, list, observation, organisation, patient, report},
    stage::{Stage, id, of},
};

const PATIENTS: &[&str] = &[
    "",
    "_id=1,3,nobody",
    "family=umi",
    "family=smithson-of-a-very-long-name-that-goes-on-and-on-to-the-end-a",
    "family=smithson-of-a-very-long-name-that-goes-on-and-on-to-the-end-b",
    "family:exact=Umit",
    "given:contains=n",
    "family:contains=mit",
    "family:contains=mit,end-a&gender=male",
    "family:contains=it",
    "family:contains=on-to-the-end-a",
    "family:contains=nobody",
    "name:contains=o&birthdate:missing=false",
    "name=bo,ana",
    "gender=male",
    "gender:not=male",
    "active=true&gender=female",
    "birthdate=1970",
    "birthdate=ne1970",
    "birthdate=lt1970-01-05",
    "birthdate=le1970-01-05",
    "birthdate=gt1970-01-05",
    "birthdate=ge1970-01",
    "birthdate=sa1970",
    "birthdate=eb2000",
    "birthdate=ap1970-01",
    "birthdate:missing=true",
    "birthdate:missing=false",
    "identifier=1",
    "identifier=urn:1|1",
    "identifier=urn:0|",
    "identifier:text=medical r",
    "organization:text=north",
    "name:missing=true&organization:missing=false",
    "_id:missing=true",
    "_lastUpdated:missing=false&gender=male",
    "identifier=|2",
    "organization=Organization/1",
    "organization=1,2",
    "organization.name=north",
    "organization.partof.name=south",
    "organization:missing=true",
    "_has:Observation:patient:code=a",
    "_has:Observation:patient:code=http://loinc.org|b&gender=male",
    "_has:Observation:patient:status=final,amended",
    "_filter=family eq \"Umit\" and gender eq male",
    "_filter=gender eq male or birthdate ge 1970-01 and not (active eq true)",
    "_filter=(gender eq male or family sw smi) and not(birthdate pr true)",
    "_filter=family ew mit or given co nn",
    "_filter=family ne Smith",
    "_filter=identifier ne urn:1|1",
    "_filter=identifier eq urn:1|1 or birthdate po 1970-01",
    "_filter=organization.name eq North and organization re Organization/1",
    "_filter=birthdate ne 1970",
    "_text=hello",
    "_text=HELLO wörld,nothing",
    "_content=umit",
    "_content=medical 1970&gender=male",
    "_list=0",
    "_list=1,2&gender=female",
    "_list=nowhere",
    "gender:in=urn:some",
    "gender:not-in=urn:some",
    "_lastUpdated=ge2026-01-05T08:00:10Z",
    "_lastUpdated=2026-01-05T08:00:05Z",
    "_lastUpdated=lt2026-01-05T08:00:09Z",
];

const OBSERVATIONS: &[&str] = &[
    "code=a",
    "code=http://loinc.org|a",
    "code:in=urn:loinc",
    "code:not-in=urn:loinc",
    "code:in=urn:some&status=final",
    "code:below=http://loinc.org|a",
    "code:above=http://loinc.org|a,http://loinc.org|b",
    "patient.gender:in=urn:some",
    "_filter=code in urn:loinc and not (code ss http://loinc.org|a)",
    "_filter=patient.family sw umi",
    "_content=loinc.org amended",
    "_has:DiagnosticReport:result:status=final",
    "code=http://loinc.org|",
    "code:text=some",
    "code:text=other",
    "combo-code:text=SOME W",
    "code:text=none",
    "subject:text=somebody",
    "patient:text=some",
    "patient:text=else",
    "combo-code=http://loinc.org|",
    "code=http://loinc.org|&status=final&_tag:missing=true",
    "status:missing=true",
    "combo-code:missing=false",
    "component-code:missing=true&patient:missing=false",
    "_profile:below=http://x.org/a/",
    "_profile:below=http://x.org/a/b",
    "_profile:below=http://x.org/",
    "_profile:above=http://x.org/a/b/c/d",
    "patient.name:contains=mi",
    "patient.name:missing=true",
    "patient:Patient.identifier=urn:0|",
    "code=a,b&status=final",
    "code:not=a",
    "status:not=final,amended",
    "subject=Patient/1",
    "subject=2",
    "subject:Patient=2",
    "patient=Patient/3&code=b",
    "patient=1,2,3&status=final&code=a,c",
    "patient.gender=female",
    "patient.family=umi&status=amended",
    "subject:Patient.organization.name=north",
    "patient._has:Observation:patient:code=c",
    "date=2026",
    "date=2026-01-05",
    "date=2026-01-05T08:00:00Z",
    "date=ge2026-01-05",
    "date=gt2026-01-05T08:00:00Z",
    "date=le2026-01-05T08:00:00.0005Z",
    "date=lt2026&date=gt2025-01",
    "date=eb2026-01-05",
    "date=sa2025-03",
    "date=ne2026",
    "value-quantity=1",
    "value-quantity=1.0|http://unitsofmeasure.org|mg",
    "value-quantity=2500|http://unitsofmeasure.org|mg",
    "value-quantity=gt1||g",
    "value-quantity=lt1||mg",
    "value-quantity=le1.04",
    "value-quantity=ge2.5|http://unitsofmeasure.org|g",
    "value-quantity=ap1",
    "value-quantity=ne1",
    "value-quantity:missing=true",
    "combo-value-quantity=gt1|http://unitsofmeasure.org|g",
    "code-value-quantity=a$gt1",
    "code-value-quantity=http://loinc.org|a$2500|http://unitsofmeasure.org|mg",
    "component-code-value-quantity=b$le1.04",
    "combo-code-value-quantity=c$lt5|http://unitsofmeasure.org|g",
    "_profile=http://x.org/a/b",
    "_profile:below=http://x.org/a",
    "_profile=http://x.org/a/d|1",
    "_tag=urn:t|t",
    "_tag:not=t",
    "_id=1",
];

const ORGANISATIONS: &[&str] = &[
    "name=north",
    "partof=Organization/1",
    "partof.partof.name=north",
    "_has:Patient:organization:gender=male",
    "_has:Patient:organization:_has:Observation:patient:status=final",
    "_has:Patient:organization:family=smith",
];

/// Every record of a site.
pub(crate) struct Everything {
    registry: Registry,
    records: Vec<(ResourceType, String, String)>,
    seen: fhir::search::Access,
}

impl Everything {
    pub(crate) async fn of(stage: &Stage, seen: fhir::search::Access) -> Self {
        let history =
            stage.records.history(&stage.here, Span::Site, (None, None, 5_000), None).await.unwrap();
        let mut known = BTreeSet::new();
        let newest = history.versions.into_iter().filter(|version| known.insert(version.reference()));
        let records = newest.filter_map(|version| {
            Some((version.resource_type, version.id.to_string(), version.body?.into_string()))
        });
        Self { registry: Registry::r4(), records: records.collect(), seen }
    }

    fn ask(
        &self,
        text: &str,
        ask: &mut dyn FnMut(&Entries<'_>) -> Result<bool, Undecided>,
    ) -> Result<bool, Undecided> {
        let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).unwrap();
        let entries = extract(document.root(), &self.registry).unwrap();
        let seen = (self.seen)(entries.resource_type);
        Ok(holds(&seen, &entries, self)? && ask(&entries)?)
    }

    /// Words are asked of the text: with `holds` for everything else.
    fn held(&self, test: &Test, text: &str) -> bool {
        match test {
            Test::All(tests) => tests.iter().all(|test| self.held(test, text)),
            Test::Says { within, any } => {
                let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).unwrap();
                any.iter().any(|words| says(document.root(), *within, words))
            }
            test => self.ask(text, &mut |entries| holds(test, entries, self)).unwrap(),
        }
    }

    pub(crate) fn that_hold(&self, of: ResourceType, test: &Test) -> Vec<String> {
        let own = self.records.iter().filter(|(own, ..)| *own == of);
        let held =
            own.filter(|(.., text)| self.ask(text, &mut |_| Ok(true)).unwrap() && self.held(test, text));
        held.map(|(_, id, _)| id.clone()).collect()
    }
}

impl Around for Everything {
    fn record(
        &self,
        of: ResourceType,
        id: &str,
        ask: &mut dyn FnMut(&Entries<'_>) -> Result<bool, Undecided>,
    ) -> Result<bool, Undecided> {
        let found = self.records.iter().find(|(own, known, _)| *own == of && known == id);
        found.map_or(Ok(false), |(.., text)| self.ask(text, ask))
    }

    fn referring(
        &self,
        source: ResourceType,
        parameter: ParameterId,
        (of, id): (ResourceType, &str),
        ask: &mut dyn FnMut(&Entries<'_>) -> Result<bool, Undecided>,
    ) -> Result<bool, Undecided> {
        for (_, _, text) in self.records.iter().filter(|(own, ..)| *own == source) {
            let held = self.ask(text, &mut |entries| {
                let refers = entries.of(parameter).any(|value| {
                    matches!(value, fhir::index::Value::Reference(fhir::index::Reference::Local { resource_type, id: to, .. })
                        if *resource_type == of && **to == *id)
                });
                Ok(refers && ask(entries)?)
            })?;
            if held {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Value sets of the test.
struct Invented;

impl Terminology for Invented {
    fn codes(&self, asked: &TerminologyMatch) -> Option<Vec<TokenMatch>> {
        let of = |system: &str, code: Option<&str>| TokenMatch {
            system: SystemMatch::Is(system.into()),
            code: code.map(Into::into),
        };
        Some(match asked {
            TerminologyMatch::In(url) if &**url == "urn:loinc" => vec![of("http://loinc.org", None)],
            TerminologyMatch::In(_) => {
                // More than are asked for one by one.
                let many = (0..100).map(|n| of("http://loinc.org", Some(&format!("no-{n}"))));
                let gender = of("http://hl7.org/fhir/administrative-gender", Some("male"));
                many.chain([
                    of("http://snomed.info/sct", Some("a")),
                    of("http://loinc.org", Some("b")),
                    gender,
                ])
                .collect()
            }
            TerminologyMatch::Below { system, .. } => vec![of(system, Some("a")), of(system, Some("c"))],
            TerminologyMatch::Above { system, code } => vec![of(system, Some(code))],
        })
    }
}

pub(crate) fn asked(stage: &Stage, kind: &str, text: &str) -> Query {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let reading = Reading {
        registry: stage.records.registry(),
        now: Timestamp::from_seconds(1_767_600_000),
        handling: Handling::Strict,
    };
    let query = read(pairs, &[of(kind)], &reading).and_then(|query| query.with_codes(Some(&Invented)));
    query.unwrap_or_else(|fault| panic!("{kind}?{text}: {fault}"))
}

pub(crate) fn search(
    query: &Query,
    seen: &fhir::search::Access,
    rows: usize,
    after: Option<Cursor>,
) -> Search {
    Search {
        resource_types: query.resource_types.clone(),
        test: Test::All(query.criteria.iter().map(|one| one.test.clone()).collect()),
        access: Arc::clone(seen),
        sort: query.sort.clone(),
        rows,
        after,
        includes: query.includes.clone(),
        terminology: None,
    }
}

fn ids(page: &Page) -> Vec<String> {
    page.matches.iter().map(|version| version.id.to_string()).collect()
}

/// All pages, of so many rows.
async fn pages(stage: &Stage, query: &Query, seen: &fhir::search::Access, rows: usize) -> Vec<String> {
    let (mut after, mut found) = (None, Vec::new());
    for _ in 0..1_000 {
        let page = stage.records.search(&stage.here, search(query, seen, rows, after)).await.unwrap();
        found.extend(ids(&page));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
    panic!("pages without end");
}

/// Some records, changed and deleted now and then; the same in another site, which nothing may find.
pub(crate) async fn filled(db: Db, seed: u64) -> Stage {
    let stage = Stage::new(db).await;
    let chance = Chance(SeededEntropy::new(seed));
    for n in 0..144 {
        stage.clock.advance(std::time::Duration::from_secs(1));
        let make = [patient, observation, observation, organisation, list, report][n % 6];
        let name = chance.below([5, 24, 24, 3, 3, 4][n % 6]).to_string();
        stage.put(&stage.here, &name, &make(&chance)).await;
        stage.put(&stage.there, &format!("there-{n}"), &make(&chance)).await;
        if n % 7 == 6 {
            let _ = stage.delete("Observation", &chance.below(24).to_string()).await;
        }
    }
    stage
}

async fn compare(stage: &Stage, seen: &fhir::search::Access) -> usize {
    let everything = Everything::of(stage, Arc::clone(seen)).await;
    let mut fruitful = 0;
    for (kind, queries) in
        [("Patient", PATIENTS), ("Observation", OBSERVATIONS), ("Organization", ORGANISATIONS)]
    {
        for text in queries {
            let query = asked(stage, kind, text);
            let test = Test::All(query.criteria.iter().map(|one| one.test.clone()).collect());
            let expected = everything.that_hold(of(kind), &test);
            fruitful += usize::from(!expected.is_empty());
            assert_eq!(pages(stage, &query, seen, 50).await, expected, "{kind}?{text}");
            assert_eq!(pages(stage, &query, seen, 2).await, expected, "{kind}?{text}, page by page");
            let counted = stage.records.count(&stage.here, search(&query, seen, 1, None)).await.unwrap();
            assert_eq!(counted, Counted::Exactly(expected.len() as u64), "{kind}?{text}, counted");
        }
    }
    fruitful
}

const SORTED: &[(&str, &str)] = &[
    ("Patient", "_sort=birthdate"),
    ("Patient", "_sort=-birthdate&gender=male"),
    ("Patient", "_sort=family,-given"),
    ("Patient", "_sort=-gender,birthdate"),
    ("Observation", "_sort=date"),
    ("Observation", "_sort=-date&status=final"),
    ("Observation", "_sort=-date&code:not=a"),
    ("Observation", "_sort=-value-quantity"),
    ("Observation", "_sort=_lastUpdated"),
    ("Observation", "_sort=-_lastUpdated"),
    ("Observation", "_sort=_lastUpdated&code:text=some"),
    ("Observation", "_sort=-_lastUpdated&code:text=some"),
    ("Patient", "_sort=family&_has:Observation:patient:status=final,amended"),
    ("Organization", "_sort=name,-_lastUpdated"),
];

on_each_engine!(
    async fn pages_of_a_sorted_answer_are_the_answer(db: Db) {
        let everything: fhir::search::Access = Arc::new(|_| Test::EVERY);
        let stage = filled(db, 3).await;
        for (kind, text) in SORTED {
            let query = asked(&stage, kind, text);
            let whole = pages(&stage, &query, &everything, 100).await;
            assert_eq!(pages(&stage, &query, &everything, 1).await, whole, "{kind}?{text}, one by one");
            assert_eq!(pages(&stage, &query, &everything, 3).await, whole, "{kind}?{text}, page by page");
            let mut unsorted = query.clone();
            unsorted.sort.clear();
            let mut found = pages(&stage, &unsorted, &everything, 100).await;
            assert!(found.len() > 1, "{kind}?{text}");
            found.sort();
            let mut sorted = whole;
            sorted.sort();
            assert_eq!(sorted, found, "{kind}?{text}");
        }
        let newest_last =
            pages(&stage, &asked(&stage, "Patient", "_sort=_lastUpdated"), &everything, 100).await;
        let newest_first = pages(&stage, &asked(&stage, "Patient", ""), &everything, 100).await;
        assert_eq!(newest_last.into_iter().rev().collect::<Vec<_>>(), newest_first);
        for (name, born) in [("x", "1950-01"), ("y", "1950-01-15"), ("z", "1949")] {
            let text = format!(r#"{{"resourceType":"Patient","gender":"other","birthDate":"{born}"}}"#);
            stage.put(&stage.here, name, &text).await;
        }
        stage.put(&stage.here, "none", r#"{"resourceType":"Patient","gender":"other"}"#).await;
        for (text, expected) in [
            ("gender=other&_sort=birthdate", ["z", "x", "y", "none"]),
            ("gender=other&_sort=-birthdate", ["x", "y", "z", "none"]),
            ("gender=other&_sort=birthdate,_lastUpdated", ["z", "x", "y", "none"]),
        ] {
            assert_eq!(
                pages(&stage, &asked(&stage, "Patient", text), &everything, 2).await,
                expected,
                "{text}"
            );
        }
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn includes_bring_what_may_be_seen_each_once(db: Db) {
        let stage = Stage::new(db).await;
        let put = async |name: &str, text: &str| {
            stage.put(&stage.here, name, text).await;
        };
        put("top", r#"{"resourceType":"Organization"}"#).await;
        put("org", r#"{"resourceType":"Organization","partOf":{"reference":"Organization/top"}}"#).await;
        put("pat", r#"{"resourceType":"Patient","managingOrganization":{"reference":"Organization/org"}}"#)
            .await;
        for n in ["o1", "o2"] {
            put(
                n,
                r#"{"resourceType":"Observation","subject":{"reference":"Patient/pat"},"status":"final"}"#,
            )
            .await;
        }
        let everything: fhir::search::Access = Arc::new(|_| Test::EVERY);
        let no_organisations: fhir::search::Access =
            Arc::new(|of| if of.as_str() == "Organization" { Test::NONE } else { Test::EVERY });
        let included = async |kind: &str, text: &str, seen: &fhir::search::Access| {
            let page =
                stage.records.search(&stage.here, search(&asked(&stage, kind, text), seen, 10, None)).await;
            let mut names: Vec<_> =
                page.unwrap().included.iter().map(|version| version.id.to_string()).collect();
            names.sort();
            names.join(" ")
        };
        for (kind, text, expected) in [
            ("Observation", "_include=Observation:subject", "pat"),
            ("Observation", "_include=Observation:subject&_include=Patient:organization", "pat"),
            ("Observation", "_include=Observation:subject&_include:iterate=Patient:organization", "org pat"),
            ("Observation", "_include=*&_include:iterate=*", "org pat top"),
            ("Observation", "_include=Observation:subject:Group", ""),
            ("Patient", "_revinclude=Observation:patient", "o1 o2"),
            ("Patient", "_revinclude=Observation:subject&_include=Patient:organization", "o1 o2 org"),
            (
                "Organization",
                "_id=org&_revinclude=Patient:organization&_revinclude:iterate=Observation:subject",
                "o1 o2 pat",
            ),
        ] {
            assert_eq!(included(kind, text, &everything).await, expected, "{kind}?{text}");
        }
        assert_eq!(included("Observation", "_include=*&_include:iterate=*", &no_organisations).await, "pat");
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn a_search_finds_what_holds_it_and_nothing_else(db: Db) {
        let everything: fhir::search::Access = Arc::new(|_| Test::EVERY);
        let stage = filled(db, 1).await;
        assert!(compare(&stage, &everything).await > 60);
        assert!(stage.records.read(&stage.there, of("Patient"), &id("there-0")).await.unwrap().is_some());
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);

on_each_engine!(
    async fn nothing_is_found_through_what_may_not_be_seen(db: Db) {
        // Two patients' compartments, and organisations for everybody.
        let seen: fhir::search::Access = Arc::new(|of| match of.as_str() {
            "Organization" => Test::EVERY,
            _ => Test::In {
                compartment: fhir::parameter::Compartment::Patient,
                ids: vec!["1".into(), "3".into()],
            },
        });
        let stage = filled(db, 2).await;
        assert!(compare(&stage, &seen).await > 10);
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);
