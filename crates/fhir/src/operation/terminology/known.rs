//! What is known for one question: the packages that the site has switched on, and of the site's own records those that the caller may
//! find and that the question leads to.

use std::collections::{BTreeSet, VecDeque};

use kernel::{Interaction, Kind};
use serde_json::Value;
use url::form_urlencoded;
use validator::{Codes, Library, Package};
use web::Problem;

use super::{
    answer::{costly, missing},
    coded::pinned,
};
use crate::{
    Fhir,
    access::Rule,
    interaction::{
        answer,
        asked::{Asked, type_of},
        posted::Said,
        read::newest,
        search,
    },
    package::Definitions,
    parameter::ResourceType,
    query::Test,
    resource::{LogicalId, Where},
    search::Search,
};

/// `LOOKED_FOR_MAX`: value sets and code systems that are looked for among a site's records for one question.
const LOOKED_FOR_MAX: usize = 200;
/// `STORED_VERSIONS_MAX`: records of a site that are one value set or code system.
const STORED_VERSIONS_MAX: usize = 20;
/// `STORED_CONCEPTS_MAX`: concepts of a code system among a site's records; larger ones come in packages.
const STORED_CONCEPTS_MAX: usize = 10_000;
/// `GATHERED_BYTES_MAX`: what the records that a question leads to may be together.
const GATHERED_BYTES_MAX: usize = 32 << 20;

/// What is known for one question.
pub(super) struct Known {
    definitions: &'static Definitions,
    /// The same with the site's own.
    own: Option<Library>,
}

/// Resources on their way into a library.
#[derive(Default)]
struct Files {
    files: Vec<(String, Vec<u8>)>,
    bytes: usize,
}

impl Files {
    fn add(&mut self, resource: &Value) -> Said<()> {
        if concepts(resource) > STORED_CONCEPTS_MAX {
            let words = format!("a code system of the site has more than {STORED_CONCEPTS_MAX} concepts");
            return Err(costly(words).into());
        }
        let bytes = resource.to_string().into_bytes();
        self.bytes += bytes.len();
        if self.bytes > GATHERED_BYTES_MAX {
            return Err(costly("the question leads to too many records of the site").into());
        }
        self.files.push((format!("{}.json", self.files.len()), bytes));
        Ok(())
    }
}

impl Known {
    /// For a question that begins with these canonicals, and a resource that is sent.
    pub async fn gather(
        fhir: &Fhir,
        asked: &Asked,
        first: Vec<(&'static str, String)>,
        sent: Option<&Value>,
    ) -> Said<Self> {
        let definitions = fhir.packages.of(asked.site.packages.chosen()).map_err(Problem::from)?;
        let mut files = Files::default();
        let mut open: VecDeque<(&'static str, String)> = first.into();
        if let Some(sent) = sent {
            open.extend(led_to(sent));
            if sent.get("resourceType").and_then(Value::as_str) == Some("CodeSystem") {
                files.add(sent)?;
            }
        }
        let own_systems = !find(fhir, asked, "CodeSystem", None, 1).await?.is_empty();
        let own_sets = !find(fhir, asked, "ValueSet", None, 1).await?.is_empty();
        let mut seen = BTreeSet::new();
        while let Some((of, canonical)) = open.pop_front() {
            let url = canonical.split(['|', '#']).next().unwrap_or_default().to_owned();
            if !(own_systems || own_sets) || !seen.insert((of, url.clone())) {
                continue;
            }
            if seen.len() > LOOKED_FOR_MAX {
                return Err(
                    costly(format!("the question leads to more than {LOOKED_FOR_MAX} resources")).into()
                );
            }
            let own = match if of == "ValueSet" { own_sets } else { own_systems } {
                true => stored(fhir, asked, of, &url).await?,
                false => Vec::new(),
            };
            for resource in &own {
                open.extend(led_to(resource));
                files.add(resource)?;
            }
            let library = definitions.library();
            let found =
                library.canonical_of_type(&canonical, of).filter(|_| of == "ValueSet" && own.is_empty());
            if let Some(resource) = found.and_then(|found| found.parse().ok()) {
                open.extend(led_to(&resource));
            }
        }
        let own = (!files.files.is_empty()).then(|| {
            let library = definitions.library();
            library.with([Package::of_files("site", files.files, library.definitions().as_ref())])
        });
        Ok(Self { definitions, own })
    }

    /// Ask it, away from what serves other calls.
    pub async fn ask<T: Send + 'static>(
        self,
        work: impl FnOnce(&Codes<'_>, &Library) -> T + Send + 'static,
    ) -> Said<T> {
        let done = tokio::task::spawn_blocking(move || match &self.own {
            None => work(self.definitions.codes(), self.definitions.library()),
            Some(library) => work(&Codes::new(library), library),
        });
        Ok(done.await.map_err(|_| Problem::new(Kind::Internal, "the question could not be answered"))?)
    }
}

/// A resource of the packages or of the site, whole.
pub(super) fn whole(library: &Library, of: &str, canonical: &str) -> Option<Value> {
    library.canonical_of_type(canonical, of).and_then(|found| found.parse().ok())
}

/// Whether the caller may ask about value sets or code systems at all.
pub(super) fn permitted(asked: &Asked, of: &str) -> Said<(ResourceType, Rule)> {
    let of = type_of(of)?;
    Ok((of, asked.rule(of, Interaction::Read)?))
}

/// The record of this id.
pub(super) async fn record(fhir: &Fhir, asked: &Asked, of: &str, id: &str) -> Said<Value> {
    let (of, rule) = permitted(asked, of)?;
    let id: LogicalId = id.parse().map_err(|_| answer::missing())?;
    let version = newest(fhir, asked, (of, &id), &rule).await?.ok_or_else(answer::missing)?;
    let body = version.body.as_ref().ok_or_else(|| answer::gone(&version))?;
    Ok(serde_json::from_str(body.as_str()).map_err(|_| missing("the record cannot be read"))?)
}

/// The canonical of a record; one without a url cannot be asked by it.
pub(super) fn canonical_of(resource: &Value) -> Option<String> {
    let text = |name: &str| resource.get(name).and_then(Value::as_str);
    Some(pinned(text("url")?, text("version")))
}

/// What a value set is made of, and what it names.
fn led_to(resource: &Value) -> Vec<(&'static str, String)> {
    let mut led = Vec::new();
    let compose = resource.get("compose");
    let parts = |name: &str| compose.and_then(|compose| compose.get(name)).and_then(Value::as_array);
    for part in ["include", "exclude"].into_iter().filter_map(parts).flatten() {
        let system = part.get("system").and_then(Value::as_str);
        led.extend(system.map(|system| ("CodeSystem", system.to_owned())));
        let sets = part.get("valueSet").and_then(Value::as_array).into_iter().flatten();
        led.extend(sets.filter_map(Value::as_str).map(|set| ("ValueSet", set.to_owned())));
    }
    led
}

fn concepts(of: &Value) -> usize {
    let (mut open, mut found) = (vec![of], 0);
    while let Some(of) = open.pop() {
        let own = of.get("concept").and_then(Value::as_array).into_iter().flatten();
        let before = open.len();
        open.extend(own);
        found += open.len() - before;
    }
    found
}

/// The records of the site with this url that the caller may find.
async fn stored(fhir: &Fhir, asked: &Asked, of: &str, url: &str) -> Said<Vec<Value>> {
    let escaped = url.chars().flat_map(|character| {
        let mark = matches!(character, '\\' | ',' | '$' | '|').then_some('\\');
        mark.into_iter().chain([character])
    });
    let escaped: String = escaped.collect();
    let words = form_urlencoded::Serializer::new(String::new()).append_pair("url", &escaped).finish();
    let found = find(fhir, asked, of, Some(&words), STORED_VERSIONS_MAX + 1).await?;
    match found.len() > STORED_VERSIONS_MAX {
        true => Err(costly(format!("more than {STORED_VERSIONS_MAX} records of the site are {url}")).into()),
        false => Ok(found),
    }
}

/// Records of a type that the caller may find, all or those that hold these words.
async fn find(fhir: &Fhir, asked: &Asked, of: &str, words: Option<&str>, rows: usize) -> Said<Vec<Value>> {
    let of = type_of(of)?;
    if asked.access.rule(of.as_str(), Interaction::Search).is_nothing() {
        return Ok(Vec::new());
    }
    let (test, access) = match words {
        Some(words) => {
            let Where { test, access } = search::condition(fhir, asked, of, (words, "url"))?;
            (test, access)
        }
        None => {
            (Test::EVERY, search::reach(&asked.access, Interaction::Search, fhir.reader(&asked.site.tenant)))
        }
    };
    let wanted = Search { rows, ..Search::everything(of, test, access) };
    let page = fhir.records.search(&asked.site.tenant, wanted).await.map_err(Problem::from)?;
    let bodies = page.matches.iter().filter_map(|version| version.body.as_ref());
    Ok(bodies.filter_map(|body| serde_json::from_str(body.as_str()).ok()).collect())
}
