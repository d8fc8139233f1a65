//! Snapshots made from the differentials of published packages, against the snapshots that they were published with.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use validator::{
    Library, Package, Snapshots,
    package::{Kind, Resource},
    snapshot::Published,
};

use crate::data::{self, CORE};

type Element = Map<String, Value>;

/// What is compared of an element; texts are not, for published ones were rewritten for the web.
fn normal(element: &Element) -> BTreeMap<String, Value> {
    let mut normal = BTreeMap::new();
    for (name, value) in element {
        let value = match name.as_str() {
            "path" | "sliceName" | "min" | "max" | "maxLength" => value.clone(),
            "type" => types(value),
            "binding" => json!([value["strength"], unversioned(&value["valueSet"])]),
            "slicing" => json!([
                set(&value["discriminator"]),
                value["rules"],
                value.get("ordered").unwrap_or(&json!(false)),
            ]),
            "constraint" => set(&value.as_array().unwrap().iter().map(|one| one["key"].clone()).collect()),
            "condition" => set(value),
            "contentReference" => value.as_str().unwrap().split('#').nth(1).into(),
            "mustSupport" | "isModifier" | "isSummary" if *value == json!(true) => value.clone(),
            _ if ["fixed", "pattern", "minValue", "maxValue"].iter().any(|kind| name.starts_with(kind)) => {
                value.clone()
            }
            _ => continue,
        };
        normal.insert(name.clone(), value);
    }
    if element["id"] != "" {
        normal.insert("base".to_owned(), element.get("base").cloned().unwrap_or_default());
    }
    normal
}

fn types(value: &Value) -> Value {
    let of_type = |of_type: &Value| {
        let urls =
            |name: &str| set(&of_type[name].as_array().into_iter().flatten().map(unversioned).collect());
        json!([of_type["code"], urls("profile"), urls("targetProfile"), of_type["aggregation"]])
    };
    set(&value.as_array().unwrap().iter().map(of_type).collect())
}

fn unversioned(url: &Value) -> Value {
    url.as_str().map(|url| url.split('|').next().into()).unwrap_or_default()
}

fn set(value: &Value) -> Value {
    let texts: BTreeSet<String> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
    texts.into_iter().collect()
}

#[derive(Default)]
struct Score {
    structures: usize,
    whole: usize,
    elements: usize,
    agreed: usize,
    took: Duration,
    /// Field → how often it differs, and where it was seen first.
    differing: BTreeMap<String, Vec<String>>,
}

impl Score {
    fn add(&mut self, url: &str, made: &[Element], published: &[Element]) {
        let by_id = |elements: &[Element]| -> BTreeMap<String, BTreeMap<String, Value>> {
            elements
                .iter()
                .map(|element| (element["id"].as_str().unwrap_or_default().to_owned(), normal(element)))
                .collect()
        };
        let (made, published) = (by_id(made), by_id(published));
        let ids: BTreeSet<&String> = made.keys().chain(published.keys()).collect();
        let before = self.agreed;
        for id in &ids {
            let mut note =
                |field: &str, text: String| self.differing.entry(field.to_owned()).or_default().push(text);
            match (made.get(*id), published.get(*id)) {
                (Some(made), Some(published)) if made == published => self.agreed += 1,
                (Some(made), Some(published)) => {
                    let fields: BTreeSet<&String> = made.keys().chain(published.keys()).collect();
                    for field in fields.into_iter().filter(|field| made.get(*field) != published.get(*field))
                    {
                        let text = |value: Option<&Value>| value.map_or("-".to_owned(), Value::to_string);
                        note(
                            field,
                            format!(
                                "{url} {id}: {} for {}",
                                text(made.get(field)),
                                text(published.get(field))
                            ),
                        );
                    }
                }
                (Some(_), None) => note("too many", format!("{url} {id}")),
                (None, _) => note("missing", format!("{url} {id}")),
            }
        }
        self.structures += 1;
        self.whole += usize::from(self.agreed - before == ids.len());
        self.elements += ids.len();
    }

    fn percent(&self) -> f64 {
        f64::from(u32::try_from(self.agreed).unwrap()) * 100.0
            / f64::from(u32::try_from(self.elements.max(1)).unwrap())
    }

    fn print(&self, name: &str) {
        eprintln!(
            "{name}: {:.2} % of {} elements agree, {} of {} structures wholly, made in {:?}",
            self.percent(),
            self.elements,
            self.whole,
            self.structures,
            self.took
        );
        for (field, seen) in &self.differing {
            eprintln!("  {field}: {}", seen.len());
            for text in seen.iter().step_by(seen.len().div_ceil(8)) {
                eprintln!("      {}", text.chars().take(700).collect::<String>());
            }
        }
    }
}

fn profiles(package: &Package) -> impl Iterator<Item = Resource<'_>> {
    package
        .resources()
        .filter(|resource| matches!(resource.head.kind, Kind::Structure { is_constraint: true, .. }))
}

fn published(package: &Package) -> BTreeMap<String, Vec<Element>> {
    let mut published = BTreeMap::new();
    for resource in profiles(package) {
        let mut definition = resource.parse().unwrap();
        let has_differential =
            definition["differential"]["element"].as_array().is_some_and(|all| !all.is_empty());
        if let (true, Value::Array(elements)) = (has_differential, definition["snapshot"]["element"].take()) {
            let elements = elements.into_iter().filter_map(|element| element.as_object().cloned()).collect();
            published.insert(resource.head.url.as_deref().unwrap().to_owned(), elements);
        }
    }
    published
}

/// Everything that `package` needs comes before it.
fn score(names: &[&str], package: &str, against: &str) -> Option<Score> {
    let mut packages = Vec::new();
    for name in names.iter().chain([&package]) {
        packages.push(Package::read(&data::bytes(&format!("packages/{name}.tgz"))?).unwrap());
    }
    let library = Library::new(packages);
    let published = published(&Package::read(&data::bytes(&format!("packages/{against}.tgz"))?).unwrap());
    let mut score = Score::default();
    let start = Instant::now();
    let mut snapshots = Snapshots::new(&library, Published::MadeAnew);
    let made: Vec<_> = published.keys().map(|url| snapshots.structure(url)).collect();
    score.took = start.elapsed();
    for ((url, published), made) in published.iter().zip(made) {
        let made = made.map(|made| made.elements()).unwrap_or_default();
        score.add(url.rsplit('/').next().unwrap(), &made, published);
    }
    score.print(package);
    for finding in snapshots.findings() {
        eprintln!("  {finding}");
    }
    Some(score)
}

const TERMINOLOGY: &str = "hl7.terminology.r4-7.0.1";

#[test]
fn us_core_6() {
    let Some(score) = score(&[CORE, "hl7.fhir.uv.sdc-2022-03-01-rebuilt"], "us_core_610", "us_core_610")
    else {
        return;
    };
    assert!(score.percent() >= 99.9);
}

/// Made by a tool of 2020, which closed slicings by type and walked deeper into extensions than is done now.
#[test]
fn us_core_3() {
    let name = "hl7.fhir.us.core-3.1.1";
    let Some(score) = score(&[CORE], name, name) else { return };
    assert!(score.percent() >= 98.0);
}

/// What differs: the core package at hand has another type in `Bundle.entry.response.outcome` than HL7's, a contained resource's own
/// rules are not copied to the element that holds it, and no profile takes `isModifier` away.
#[test]
fn ips() {
    let Some(score) = score(&[CORE, TERMINOLOGY], "ips_v110", "ips_v110") else { return };
    assert!(score.percent() >= 98.0);
}

/// The snapshots were made by another tool after a way through another format, which lost slices and added `extension` 0..0.
#[test]
fn uk_core() {
    let (differential, snapshots) =
        ("fhir.r4.ukcore-2025-06-20-differential", "fhir.r4.ukcore-2025-06-20-snapshots");
    let Some(score) = score(&[CORE], differential, snapshots) else { return };
    assert!(score.percent() >= 92.6);
}

#[test]
fn snapshots_that_are_kept_are_those_that_were_published() {
    let Some(tgz) = data::bytes("packages/us_core_610.tgz") else { return };
    let Some(core) = data::bytes(&format!("packages/{CORE}.tgz")) else { return };
    let package = Package::read(&tgz).unwrap();
    let published = published(&package);
    let library = Library::new(vec![Package::read(&core).unwrap(), package]);
    let mut snapshots = Snapshots::new(&library, Published::Kept);
    for (url, published) in &published {
        let kept = snapshots.structure(url).unwrap().elements();
        assert_eq!(kept, *published, "{url}");
    }
    assert_eq!(snapshots.findings(), []);
}
