//! Search the records of a type.  <https://hl7.org/fhir/R4/http.html#search>, contract 3 "lists"

use std::sync::Arc;

use axum::{
    extract::{RawQuery, Request, State},
    response::Response,
};
use kernel::{Interaction, Kind};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use vault::COOKIE_BYTES_MAX;
use web::{Path, Problem};

use super::{
    asked::{Asked, type_of},
    cursor,
    found::{Form, Found},
    manner::{
        media::Sent,
        prefer::{Handling, Prefer},
    },
    posted::{Posted, Said, invalid},
    shape::Part,
};
use crate::{
    Fhir,
    access::{Access, Reader},
    audit_event,
    parameter::ResourceType,
    query::{
        self, Ignored, Query, QueryFault, Reading, Summary, Terminology, TerminologyMatch, Test, TokenMatch,
        Total,
    },
    resource::{LogicalId, Where},
    search::{self, Counted, Search, SearchFault},
};

/// Matches of a page where nothing is said.
pub const SEARCH_ROWS: usize = 50;
/// Matches of a page at the most: `maxCount` of contract 3.
pub const SEARCH_ROWS_MAX: usize = 500;
/// Matches up to the end of the last page that can be asked for by its number.
pub const PAGED_ROWS_MAX: usize = 10_000;

/// Records of a type that match.
#[utoipa::path(get, path = "/fhir/{type}", tag = "records", operation_id = "search_records",
    params(("type" = String, Path, description = "`Patient`"),
        ("SU-SiteId" = String, Header, description = "The site")),
    responses((status = 200, description = "A Bundle of type searchset; of type collection where page or count is asked for", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.s"])))]
pub(crate) async fn search_records(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(of): Path<String>,
    RawQuery(query): RawQuery,
) -> Said<Response> {
    answer(&fhir, &asked, Field::of(type_of(&of)?), &query.unwrap_or_default()).await
}

/// The same, with the parameters in the body, so that no log on the way keeps them.
#[utoipa::path(post, path = "/fhir/{type}/_search", tag = "records", operation_id = "search_records_by_form",
    params(("type" = String, Path, description = "`Patient`"),
        ("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "The parameters", content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A Bundle of type searchset; of type collection where page or count is asked for", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.s"])))]
pub(crate) async fn search_records_by_form(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(of): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Said<Response> {
    let of = type_of(&of)?;
    let words = form(query.as_deref(), request).await?;
    answer(&fhir, &asked, Field::of(of), &words).await
}

/// The parameters of an address and of a form together.
pub(super) async fn form(query: Option<&str>, request: Request) -> Said<String> {
    let posted = Posted::read(request, &[Sent::Form]).await?;
    let form =
        std::str::from_utf8(posted.bytes()).map_err(|_| invalid("the form is not UTF-8", "_search"))?;
    let both = [query.unwrap_or_default(), form];
    let both: Vec<&str> = both.into_iter().filter(|part| !part.is_empty()).collect();
    Ok(both.join("&"))
}

/// What is searched.
pub(super) struct Field {
    /// Its address below the base: `Patient`, `Patient/1/*`; nothing for the site.
    pub place: String,
    /// The types that the address names; none where `_type` does, or nobody.
    pub named: Vec<ResourceType>,
    /// The types that there are here; none for all of R4.
    pub among: Option<Vec<ResourceType>>,
    /// What all of its records hold.
    pub within: Option<Test>,
}

impl Field {
    /// The records of a type.
    pub fn of(of: ResourceType) -> Self {
        Self { place: of.to_string(), named: vec![of], among: None, within: None }
    }

    /// All records of the site.
    pub const fn site() -> Self {
        Self { place: String::new(), named: Vec::new(), among: None, within: None }
    }

    /// The types that are searched, one at the least. A type that is named has to be the caller's to search; of those that nobody
    /// named the others are left out.
    fn types(&self, asked: &Asked, query: &Query) -> Result<Vec<ResourceType>, Problem> {
        let is_here = |of: &ResourceType| self.among.as_ref().is_none_or(|among| among.contains(of));
        let said = if self.named.is_empty() { &query.resource_types } else { &self.named };
        for of in said {
            asked.rule(*of, Interaction::Search)?;
        }
        let types: Vec<ResourceType> = if said.is_empty() {
            let may = |of: &ResourceType| !asked.access.rule(of.as_str(), Interaction::Search).is_nothing();
            ResourceType::all().filter(is_here).filter(may).collect()
        } else {
            said.iter().copied().filter(is_here).collect()
        };
        match (types.is_empty(), said.is_empty()) {
            (false, _) => Ok(types),
            (true, true) => Err(Problem::new(
                Kind::Forbidden,
                "the access token does not let records of any type be searched here",
            )
            .with_code("insufficient_scope")),
            (true, false) => Err(invalid("there are no records of these types here", "_type")),
        }
    }
}

/// Where a search goes on: the question goes with it, so that nothing of it stands in the address.
#[derive(Serialize, Deserialize)]
struct Next {
    question: String,
    after: search::Cursor,
}

pub(super) async fn answer(fhir: &Fhir, asked: &Asked, field: Field, query: &str) -> Said<Response> {
    for of in &field.named {
        asked.rule(*of, Interaction::Search)?;
    }
    let place = field.place.as_str();
    let (question, after) = match cursor_in(query) {
        Some(sealed) => {
            let next: Next = cursor::open(&fhir.vault, asked, place, &sealed)?;
            (next.question, Some(next.after))
        }
        None => (query.to_owned(), None),
    };
    let pairs = pairs(&question);
    let query = read(fhir, asked, &field.named, &pairs)?;
    // What was left out stands in no link: `self` says what was asked in the end, and who goes on by `next` need not say it again.
    let question = followed(question, &query.ignored);
    let form = Form::of(&pairs, &query);
    let part = part(&query)?;
    let rows = query.count.map_or(SEARCH_ROWS, |count| usize::try_from(count).unwrap_or(SEARCH_ROWS_MAX));
    let rows = rows.min(SEARCH_ROWS_MAX);
    let wanted = search(fhir, asked, &field, &query)?;
    asked.trace.asked(place, &question);
    asked.trace.about(subjects(asked, &pairs));
    let events = events(&wanted.resource_types, &field, &query)?;
    let is_count_alone = query.summary == Some(Summary::Count) || rows == 0;
    let total = match (form, query.total) {
        (Form::Collection { .. }, _) | (_, Some(Total::Accurate | Total::Estimate)) => true,
        (Form::Searchset, _) => is_count_alone,
    };
    let total = match total {
        true => Some(counted(fhir, asked, events, &wanted).await?),
        false => None,
    };
    let total = total.and_then(|counted| match (counted, query.total) {
        (Counted::Exactly(total), _) | (Counted::AtLeast(total), Some(Total::Estimate)) => Some(total),
        (Counted::AtLeast(_), _) => None,
    });
    let mut found = Found { form, rows, part, ignored: &query.ignored, total, ..Found::new(fhir, place) };
    if is_count_alone {
        return Ok(found.bundle(&question));
    }
    let skipped = form.skipped(rows);
    if skipped + rows > PAGED_ROWS_MAX {
        return Err(invalid(
            "so far pages are not counted: go on by the links of a search without page",
            "page",
        )
        .into());
    }
    let page = Search { rows: skipped + rows, after, ..wanted };
    let mut page = match events {
        Some(of) => audit_event::search(fhir, asked, of, page).await?,
        None => fhir.records.search(&asked.site.tenant, page).await.map_err(failed)?,
    };
    page.matches.drain(..skipped.min(page.matches.len()));
    asked.trace.listed(&fhir.registry, page.matches.iter().chain(&page.included));
    found.next = match (form, page.next.take()) {
        (Form::Searchset, Some(after)) => {
            let next = Next { question: question.clone(), after };
            cursor::seal(&fhir.vault, asked, place, &next).filter(|sealed| sealed.len() <= COOKIE_BYTES_MAX)
        }
        _ => None,
    };
    found.page = page;
    Ok(found.bundle(&question))
}

/// The patients that a search is about, whatever it finds: the one in context, and those that it names.
fn subjects(asked: &Asked, pairs: &[(String, String)]) -> Vec<String> {
    let named = pairs.iter().filter(|(name, _)| matches!(name.as_str(), "patient" | "subject"));
    let named = named.flat_map(|(name, value)| {
        let ids = value.split(',').map(move |one| match one.strip_prefix("Patient/") {
            Some(id) => Some(id),
            None => (name == "patient").then_some(one),
        });
        ids.flatten().filter_map(|id| id.parse::<LogicalId>().ok())
    });
    named.map(|id| id.to_string()).chain(asked.context.patient.clone()).collect()
}

/// AuditEvents are not found where records are, so they are searched alone: their type, where that is what is asked for.
fn events(types: &[ResourceType], field: &Field, query: &Query) -> Result<Option<ResourceType>, Problem> {
    let Some(of) = types.iter().copied().find(|of| audit_event::is_audit_event(*of)) else { return Ok(None) };
    match (types, field.named.is_empty() && query.resource_types.is_empty()) {
        ([_], _) => Ok(Some(of)),
        (_, true) => Ok(None),
        (_, false) => Err(invalid("AuditEvents are searched alone, with no other type", "_type")),
    }
}

async fn counted(
    fhir: &Fhir,
    asked: &Asked,
    events: Option<ResourceType>,
    wanted: &Search,
) -> Result<Counted, Problem> {
    match events {
        Some(of) => audit_event::count(fhir, asked, of, wanted).await,
        None => fhir.records.count(&asked.site.tenant, wanted.clone()).await.map_err(failed),
    }
}

/// The question without the parameters that were left out.  <https://hl7.org/fhir/R4/search.html#conformance>
fn followed(question: String, ignored: &[Ignored]) -> String {
    if ignored.is_empty() {
        return question;
    }
    let all: Vec<_> = form_urlencoded::parse(question.as_bytes()).collect();
    let is_left_out = |name: &str| {
        let times = ignored.iter().filter(|ignored| *ignored.name == *name).count();
        times > 0 && times == all.iter().filter(|(other, _)| other == name).count()
    };
    let kept = all.iter().filter(|(name, _)| !is_left_out(name));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
}

fn cursor_in(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "_cursor").map(|(_, value)| value.into_owned())
}

/// The parameters; a range of dates (`2025-05-01_2025-05-03`, both ends in) is two of them.  Contract 3 "ranges"
fn pairs(query: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let is_date = |text: &str| {
            text.len() >= 4
                && text.bytes().take(4).all(|byte| byte.is_ascii_digit())
                && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ+ ".contains(&byte))
        };
        match value.split_once('_') {
            Some((from, to)) if is_date(from) && is_date(to) => {
                pairs.push((name.to_string(), format!("ge{from}")));
                pairs.push((name.to_string(), format!("le{to}")));
            }
            _ => pairs.push((name.into_owned(), value.into_owned())),
        }
    }
    pairs
}

/// The words of a search, read.
fn read(
    fhir: &Fhir,
    asked: &Asked,
    of: &[ResourceType],
    pairs: &[(String, String)],
) -> Result<Query, Problem> {
    let handling = match asked.prefer.handling {
        Handling::Strict => query::Handling::Strict,
        Handling::Lenient => query::Handling::Lenient,
    };
    let registry = fhir.records.registry_of(&asked.site.tenant);
    let reading = Reading { registry: &registry, now: fhir.world.now(), handling };
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let codes = SiteCodes { fhir, asked };
    let query = query::read(pairs, of, &reading).and_then(|query| query.with_codes(Some(&codes)));
    query.map_err(|fault| refused(&fault))
}

/// The value sets and code systems of the packages that a site has switched on, made when they are asked for first.
struct SiteCodes<'a> {
    fhir: &'a Fhir,
    asked: &'a Asked,
}

impl Terminology for SiteCodes<'_> {
    fn codes(&self, asked: &TerminologyMatch) -> Option<Vec<TokenMatch>> {
        self.fhir.packages.of(self.asked.site.packages.chosen()).ok()?.codes().codes(asked)
    }
}

/// Seconds after which a search that a re-index stands in the way of may be asked again.
pub(crate) const INDEXED_AGAIN_S: u64 = 10;

fn refused(fault: &QueryFault) -> Problem {
    if matches!(fault.problem, query::Problem::BeingIndexed(_)) {
        return Problem::new(Kind::Unavailable, fault.problem.to_string()).with_retry_after(INDEXED_AGAIN_S);
    }
    let code = match fault.problem {
        query::Problem::Unknown { .. } => "MSG_PARAM_UNKNOWN",
        query::Problem::Modifier { .. } => "MSG_PARAM_MODIFIER_INVALID",
        query::Problem::Twice => "MSG_PARAM_NO_REPEAT",
        query::Problem::NotSortable(_) => "MSG_SORT_UNKNOWN",
        _ => "MSG_PARAM_INVALID",
    };
    let shown = fault.parameter.chars().filter(char::is_ascii_graphic).collect::<String>();
    Problem::new(Kind::Invalid, fault.problem.to_string()).with_code(code).with_path(shown)
}

fn failed(fault: SearchFault) -> Problem {
    Problem::from(fault)
}

/// What a caller may find of each type that a search touches.
pub(crate) fn reach(access: &Access, interaction: Interaction, reader: Reader) -> search::Access {
    let access = access.clone();
    Arc::new(move |of: ResourceType| access.rule(of.as_str(), interaction).test(of, &reader))
}

/// All criteria of a search as one test.
fn test_of(fhir: &Fhir, of: &[ResourceType], query: &Query) -> Result<Test, Problem> {
    let mut tests: Vec<Test> = query.criteria.iter().map(|criterion| criterion.test.clone()).collect();
    if let Some(since) = query.since {
        let reading =
            Reading { registry: &fhir.registry, now: fhir.world.now(), handling: query::Handling::Strict };
        let since = format!("ge{}", kernel::Timestamp::from_micros(since));
        let test = query::read_test("_lastUpdated", &since, of, &reading);
        tests.push(test.map_err(|fault| refused(&fault))?);
    }
    Ok(Test::All(tests))
}

/// Which record the words of a condition mean, of those that the caller may find; `at` is where they stand. They have to ask something,
/// and what is not known is refused whatever is preferred: a condition that means less than was said would mean other records.
pub(crate) fn condition(
    fhir: &Fhir,
    asked: &Asked,
    of: ResourceType,
    (words, at): (&str, &'static str),
) -> Result<Where, Problem> {
    asked.rule(of, Interaction::Search)?;
    let asked_so = Asked { prefer: Prefer { handling: Handling::Strict, ..asked.prefer }, ..asked.clone() };
    let query = read(fhir, &asked_so, &[of], &pairs(asked_of(words, &fhir.base, of)))?;
    if query.criteria.is_empty() {
        return Err(invalid("a condition must be a search with criteria", at));
    }
    let access = reach(&asked.access, Interaction::Search, fhir.reader(&asked.site.tenant));
    Ok(Where { test: test_of(fhir, &[of], &query)?, access })
}

/// The parameters of a condition. R4 wants them alone ("just what is in the URL after the ?"); HAPI's client sends the whole address.
fn asked_of<'a>(words: &'a str, base: &str, of: ResourceType) -> &'a str {
    let Some((place, parameters)) = words.split_once('?') else { return words };
    let relative = place.strip_prefix(base).map_or(place, |path| path.trim_start_matches('/'));
    if relative.is_empty() || relative == of.as_str() { parameters } else { words }
}

fn search(fhir: &Fhir, asked: &Asked, field: &Field, query: &Query) -> Result<Search, Problem> {
    let types = field.types(asked, query)?;
    let asks = test_of(fhir, &types, query)?;
    Ok(Search {
        test: Test::All(field.within.iter().cloned().chain([asks]).collect()),
        resource_types: types,
        access: reach(&asked.access, Interaction::Search, fhir.reader(&asked.site.tenant)),
        sort: query.sort.clone(),
        rows: SEARCH_ROWS,
        after: None,
        includes: query.includes.clone(),
        terminology: None,
    })
}

fn part(query: &Query) -> Result<Part, Problem> {
    if !query.elements.is_empty() {
        return Part::named(&query.elements.join(",")).map_err(|words| invalid(words, "_elements"));
    }
    match query.summary {
        None | Some(Summary::False | Summary::Count) => Ok(Part::Whole),
        // "_include and _revinclude cannot be mixed with _summary=text"
        Some(Summary::Text) if !query.includes.is_empty() => {
            Err(invalid("_summary=text brings nothing that is included", "_summary"))
        }
        Some(Summary::Text) => Ok(Part::Text),
        Some(Summary::Data) => Ok(Part::Data),
        Some(Summary::True) => Ok(Part::Summary),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_may_be_written_as_a_whole_address() {
        let patient = ResourceType::named("Patient").unwrap();
        for (words, expected) in [
            ("identifier=a|7", "identifier=a|7"),
            ("?identifier=a|7", "identifier=a|7"),
            ("Patient?identifier=a|7", "identifier=a|7"),
            ("https://a.example/fhir/Patient?identifier=a|7", "identifier=a|7"),
            ("Observation?code=7", "Observation?code=7"),
            (
                "https://b.example/fhir/Patient?identifier=a|7",
                "https://b.example/fhir/Patient?identifier=a|7",
            ),
            ("identifier=http://b.example/?a=1|7", "identifier=http://b.example/?a=1|7"),
        ] {
            assert_eq!(asked_of(words, "https://a.example/fhir", patient), expected);
        }
    }
}
