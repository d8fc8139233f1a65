//! `$everything`: what there is of a patient or of an encounter, and what it refers to.
//! <https://hl7.org/fhir/R4/patient-operation-everything.html>, <https://hl7.org/fhir/R4/encounter-operation-everything.html>
//!
//! It is a search of the compartment that includes what its records refer to, so every candidate is asked whether the caller may see it,
//! and it goes on page by page for as long as there is more. What a page refers to comes with that page.

mod care;

use axum::{
    extract::{RawQuery, Request, State},
    response::Response,
};
use fhirpath::document::{Document, DocumentLimits, Format};
use kernel::{Interaction, Kind, Timestamp};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use web::{Path, Problem};

use care::Bound;

use crate::{
    Fhir,
    bulk::group_of,
    index::extract,
    interaction::{
        answer,
        asked::{Asked, type_of},
        cursor,
        found::Found,
        manner::media::Sent,
        posted::{Posted, Said, document, invalid, is_of_name},
        read::newest,
        search::{SEARCH_ROWS, SEARCH_ROWS_MAX, reach},
    },
    parameter::{Compartment, ResourceType},
    query::{Alone, Direction, Handling, Include, Reach, Reading, Test, holds, read_test},
    resource::{LogicalId, Version},
    search::{self, Page, Search, SearchFault},
};

const NAME: &str = "$everything";
const PARAMETERS: &[Sent] = &[Sent::Resource(Format::Json), Sent::Resource(Format::Xml)];
/// Parameters of one call.
const PARAMETERS_MAX: usize = 200;
/// Members of a group that are asked for at once; of a larger one there is `$export`.
pub const GROUP_MEMBERS_MAX: usize = 500;

/// What there is of one patient or encounter, or of the patients of a group.
#[utoipa::path(get, path = "/fhir/{type}/{id}/$everything", tag = "records", operation_id = "everything",
    params(("type" = String, Path, description = "`Patient`, `Encounter` or `Group`"), ("id" = String, Path, description = "The record's id"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("_since" = Option<String>, Query, description = "Changed since"),
        ("_type" = Option<String>, Query, description = "Types, with commas between them"),
        ("start" = Option<String>, Query, description = "Care from this date on"),
        ("end" = Option<String>, Query, description = "Care up to this date"),
        ("_count" = Option<String>, Query, description = "Records of a page")),
    responses((status = 200, description = "A Bundle of type searchset", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn everything(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path((of, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Said<Response> {
    let whose = Whose::one(&fhir, &asked, &of, &id).await?;
    page(&fhir, &asked, whose, query.unwrap_or_default()).await
}

/// The same, with the parameters in the body.
#[utoipa::path(post, path = "/fhir/{type}/{id}/$everything", tag = "records", operation_id = "everything_by_parameters",
    params(("type" = String, Path, description = "`Patient`, `Encounter` or `Group`"), ("id" = String, Path, description = "The record's id"),
        ("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "A Bundle of type searchset", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn everything_by_parameters(
    state: State<Fhir>,
    asked: Asked,
    path: Path<(String, String)>,
    request: Request,
) -> Said<Response> {
    let words = words_of(request).await?;
    everything(state, asked, path, RawQuery(Some(words))).await
}

/// What there is of all patients that the caller may see.
#[utoipa::path(get, path = "/fhir/{type}/$everything", tag = "records", operation_id = "everything_of_all",
    params(("type" = String, Path, description = "`Patient`"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("_since" = Option<String>, Query, description = "Changed since"),
        ("_type" = Option<String>, Query, description = "Types, with commas between them"),
        ("start" = Option<String>, Query, description = "Care from this date on"),
        ("end" = Option<String>, Query, description = "Care up to this date"),
        ("_count" = Option<String>, Query, description = "Records of a page")),
    responses((status = 200, description = "A Bundle of type searchset", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.s"])))]
pub(crate) async fn everything_of_all(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(of): Path<String>,
    RawQuery(query): RawQuery,
) -> Said<Response> {
    let whose = Whose::all(&asked, &of)?;
    page(&fhir, &asked, whose, query.unwrap_or_default()).await
}

/// The same, with the parameters in the body.
#[utoipa::path(post, path = "/fhir/{type}/$everything", tag = "records", operation_id = "everything_of_all_by_parameters",
    params(("type" = String, Path, description = "`Patient`"), ("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "A Bundle of type searchset", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.s"])))]
pub(crate) async fn everything_of_all_by_parameters(
    state: State<Fhir>,
    asked: Asked,
    path: Path<String>,
    request: Request,
) -> Said<Response> {
    let words = words_of(request).await?;
    everything_of_all(state, asked, path, RawQuery(Some(words))).await
}

/// Whether a type has this operation: for its own records, for all of them.
pub(crate) fn is_of(of: ResourceType) -> (bool, bool) {
    (matches!(of.as_str(), "Patient" | "Encounter" | "Group"), of.as_str() == "Patient")
}

/// Whose records are asked for.
struct Whose {
    compartment: Compartment,
    /// None for all of the compartment's type.
    ids: Option<Vec<Box<str>>>,
    /// Where it is asked for.
    place: String,
}

impl Whose {
    /// A record that the caller may read.
    async fn one(fhir: &Fhir, asked: &Asked, of: &str, id: &str) -> Said<Self> {
        let of = type_of(of)?;
        if of.as_str() == "Group" {
            return Self::group(fhir, asked, id).await;
        }
        let compartment = Compartment::named(of.as_str()).filter(|_| is_of(of).0).ok_or_else(unknown)?;
        let rule = asked.rule(of, Interaction::Read)?;
        let id: LogicalId = id.parse().map_err(|_| answer::missing())?;
        let version = newest(fhir, asked, (of, &id), &rule).await?.ok_or_else(answer::missing)?;
        if version.is_deletion() {
            return Err(answer::gone(&version).into());
        }
        let place = format!("{}/{id}/{NAME}", of.as_str());
        Ok(Self { compartment, ids: Some(vec![id.as_str().into()]), place })
    }

    /// The patients of a group.  <https://hl7.org/fhir/R4/group-operation-everything.html>
    async fn group(fhir: &Fhir, asked: &Asked, id: &str) -> Said<Self> {
        let (group, members) = group_of(fhir, asked, id).await?;
        if members.len() > GROUP_MEMBERS_MAX {
            let words = format!("the group has more than {GROUP_MEMBERS_MAX} members: ask for its $export");
            return Err(Problem::new(Kind::Unsupported, words).with_path("Group.member").into());
        }
        let mut ids: Vec<Box<str>> = members.into_iter().map(String::into_boxed_str).collect();
        ids.sort_unstable();
        let compartment = Compartment::named("Patient").ok_or_else(unknown)?;
        Ok(Self { compartment, ids: Some(ids), place: format!("Group/{}/{NAME}", group.id) })
    }

    fn all(asked: &Asked, of: &str) -> Said<Self> {
        let of = type_of(of)?;
        let compartment = Compartment::named(of.as_str()).filter(|_| is_of(of).1).ok_or_else(unknown)?;
        asked.rule(of, Interaction::Search)?;
        Ok(Self { compartment, ids: None, place: format!("{}/{NAME}", of.as_str()) })
    }

    fn test(&self) -> Test {
        match &self.ids {
            Some(ids) => Test::In { compartment: self.compartment, ids: ids.clone() },
            None => Test::InAny(self.compartment),
        }
    }

    fn is_nobody(&self) -> bool {
        self.ids.as_ref().is_some_and(Vec::is_empty)
    }
}

fn unknown() -> Problem {
    Problem::new(Kind::NotFound, "records of this type have no such operation")
        .with_code("MSG_UNKNOWN_OPERATION")
}

/// The parameters of a body as those of an address.
async fn words_of(request: Request) -> Said<String> {
    let json = Posted::read(request, PARAMETERS).await?.json()?;
    let document = document(&json)?;
    is_of_name(&document, "Parameters")?;
    let mut words = form_urlencoded::Serializer::new(String::new());
    let all = document.root().members().filter(|member| member.name() == "parameter");
    for (nth, parameter) in all.enumerate() {
        if nth >= PARAMETERS_MAX {
            return Err(invalid("Parameters has too many parameters", "Parameters.parameter").into());
        }
        let text = |name| parameter.child(name).and_then(|it| it.text().map(|text| text.into_owned()));
        let value = parameter.members().find(|member| member.name().starts_with("value"));
        let value = value.and_then(|value| value.text().map(|text| text.into_owned()));
        let (Some(name), Some(value)) = (text("name"), value) else {
            return Err(invalid("a parameter has no name or no value", "Parameters.parameter").into());
        };
        words.append_pair(&name, &value);
    }
    Ok(words.finish())
}

/// What is asked for.
struct Wish {
    rows: usize,
    /// None for all.
    types: Vec<ResourceType>,
    /// In microseconds.
    since: Option<i64>,
    tests: Vec<Test>,
}

impl Wish {
    fn read(fhir: &Fhir, words: &str) -> Result<Self, Problem> {
        let mut wish = Self { rows: SEARCH_ROWS, types: Vec::new(), since: None, tests: Vec::new() };
        for (name, value) in form_urlencoded::parse(words.as_bytes()) {
            match &*name {
                "_count" => {
                    let rows: usize =
                        value.parse().map_err(|_| invalid("_count must be a number", "_count"))?;
                    wish.rows = rows.clamp(1, SEARCH_ROWS_MAX);
                }
                "_type" => {
                    let unknown = || invalid("_type must be types of R4, with commas between them", "_type");
                    for of in value.split(',') {
                        wish.types.push(ResourceType::named(of).ok_or_else(unknown)?);
                    }
                }
                "_since" => {
                    let since = cursor::instant(&value);
                    let since = since.ok_or_else(|| invalid("_since must be an instant", "_since"))?;
                    wish.since = Some(since.as_micros());
                    wish.tests.push(updated_since(fhir, since)?);
                }
                "start" => wish.tests.push(care::within(fhir, Bound::Start, &value)?),
                "end" => wish.tests.push(care::within(fhir, Bound::End, &value)?),
                "_format" | "_pretty" => {}
                other => {
                    let shown: String = other.chars().filter(char::is_ascii_graphic).take(64).collect();
                    return Err(Problem::new(Kind::Invalid, "$everything has no such parameter")
                        .with_code("MSG_PARAM_UNKNOWN")
                        .with_path(shown));
                }
            }
        }
        Ok(wish)
    }

    fn shows(&self, version: &Version) -> bool {
        (self.types.is_empty() || self.types.contains(&version.resource_type))
            && self.since.is_none_or(|since| version.at.as_micros() >= since)
    }
}

fn updated_since(fhir: &Fhir, since: Timestamp) -> Result<Test, Problem> {
    let reading = Reading { registry: &fhir.registry, now: fhir.world.now(), handling: Handling::Strict };
    let of: Vec<ResourceType> = ResourceType::named("Patient").into_iter().collect();
    read_test("_lastUpdated", &format!("ge{since}"), &of, &reading)
        .map_err(|_| invalid("it must be an instant", "_since"))
}

#[derive(Serialize, Deserialize)]
struct Next {
    words: String,
    after: search::Cursor,
}

async fn page(fhir: &Fhir, asked: &Asked, whose: Whose, words: String) -> Said<Response> {
    let place = &whose.place;
    let sealed = form_urlencoded::parse(words.as_bytes()).find(|(name, _)| name == "_cursor");
    let (words, after) = match sealed.map(|(_, sealed)| sealed.into_owned()) {
        Some(sealed) => {
            let next: Next = cursor::open(&fhir.vault, asked, place, &sealed)?;
            (next.words, Some(next.after))
        }
        None => (words, None),
    };
    let wish = Wish::read(fhir, &words)?;
    for of in &wish.types {
        asked.rule(*of, Interaction::Search)?;
    }
    let mut page = gather(fhir, asked, (&whose, &wish), after).await?;
    let own = whose.test();
    page.matches.retain(|version| wish.shows(version));
    page.included.retain(|version| wish.shows(version) && !is_in(fhir, &own, version));
    asked.trace.asked(place, &words);
    asked.trace.listed(&fhir.registry, page.matches.iter().chain(&page.included));
    let next = page
        .next
        .take()
        .and_then(|after| cursor::seal(&fhir.vault, asked, place, &Next { words: words.clone(), after }));
    let found = Found { rows: wish.rows, page, next, ..Found::new(fhir, place) };
    Ok(found.bundle(&words))
}

/// A page of the compartment with what it refers to. Where that would be more than one page brings, the page has fewer records.
async fn gather(
    fhir: &Fhir,
    asked: &Asked,
    (whose, wish): (&Whose, &Wish),
    after: Option<search::Cursor>,
) -> Result<Page, Problem> {
    let members = fhir.registry.member_types(whose.compartment);
    // What is referred to can only be found from all that refers to it.
    let is_member = |of: &ResourceType| members.contains(of);
    let types: Vec<ResourceType> = match wish.types.iter().all(is_member) && !wish.types.is_empty() {
        true => wish.types.clone(),
        false => {
            let may = |of: &ResourceType| !asked.access.rule(of.as_str(), Interaction::Search).is_nothing();
            members.into_iter().filter(may).collect()
        }
    };
    if types.is_empty() || whose.is_nobody() {
        return Ok(Page::default());
    }
    let everything = Include {
        direction: Direction::Forward,
        source: None,
        parameter: None,
        target: None,
        reach: Reach::Matches,
    };
    let mut search = Search {
        resource_types: types,
        test: Test::All([whose.test()].into_iter().chain(wish.tests.iter().cloned()).collect()),
        access: reach(&asked.access, Interaction::Search, fhir.reader(&asked.site.tenant)),
        sort: Vec::new(),
        rows: wish.rows,
        after,
        includes: vec![everything],
        terminology: None,
    };
    loop {
        let page = fhir.records.search(&asked.site.tenant, search.clone()).await;
        let page = page.map_err(|fault: SearchFault| Problem::from(fault))?;
        if !page.is_cut || search.rows == 1 {
            return Ok(page);
        }
        search.rows = (search.rows / 2).max(1);
    }
}

/// What is in the compartment comes on a page of its own.
fn is_in(fhir: &Fhir, own: &Test, version: &Version) -> bool {
    let Some(body) = &version.body else { return false };
    Document::from_json(body.as_str().as_bytes(), &DocumentLimits::default()).is_ok_and(|document| {
        extract(document.root(), &fhir.registry)
            .is_some_and(|entries| holds(own, &entries, &Alone) == Ok(true))
    })
}
