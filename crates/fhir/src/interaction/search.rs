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
    parameter::ResourceType,
    query::{self, Query, QueryFault, Reading, Summary, Test, Total},
    resource::Where,
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
    answer(&fhir, &asked, type_of(&of)?, &query.unwrap_or_default()).await
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
    let posted = Posted::read(request, &[Sent::Form]).await?;
    let form =
        std::str::from_utf8(posted.bytes()).map_err(|_| invalid("the form is not UTF-8", "_search"))?;
    let both = [query.as_deref().unwrap_or_default(), form];
    let both: Vec<&str> = both.into_iter().filter(|part| !part.is_empty()).collect();
    answer(&fhir, &asked, of, &both.join("&")).await
}

/// Where a search goes on: the question goes with it, so that nothing of it stands in the address.
#[derive(Serialize, Deserialize)]
struct Next {
    question: String,
    after: search::Cursor,
}

async fn answer(fhir: &Fhir, asked: &Asked, of: ResourceType, query: &str) -> Said<Response> {
    asked.rule(of, Interaction::Search)?;
    let place = of.as_str();
    let (question, after) = match cursor_in(query) {
        Some(sealed) => {
            let next: Next = cursor::open(&fhir.vault, asked, place, &sealed)?;
            (next.question, Some(next.after))
        }
        None => (query.to_owned(), None),
    };
    let pairs = pairs(&question);
    let query = read(fhir, asked, of, &pairs)?;
    let form = Form::of(&pairs, &query);
    let part = part(&query)?;
    let rows = query.count.map_or(SEARCH_ROWS, |count| usize::try_from(count).unwrap_or(SEARCH_ROWS_MAX));
    let rows = rows.min(SEARCH_ROWS_MAX);
    let wanted = search(fhir, asked, of, &query)?;
    let is_count_alone = query.summary == Some(Summary::Count) || rows == 0;
    let total = match (form, query.total) {
        (Form::Collection { .. }, _) | (_, Some(Total::Accurate | Total::Estimate)) => true,
        (Form::Searchset, _) => is_count_alone,
    };
    let total = match total {
        true => Some(fhir.records.count(&asked.site.tenant, wanted.clone()).await.map_err(failed)?),
        false => None,
    };
    let total = total.and_then(|counted| match (counted, query.total) {
        (Counted::Exactly(total), _) | (Counted::AtLeast(total), Some(Total::Estimate)) => Some(total),
        (Counted::AtLeast(_), _) => None,
    });
    let mut found =
        Found { fhir, of, form, rows, part, ignored: &query.ignored, total, ..Found::new(fhir, of) };
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
    let mut page = fhir.records.search(&asked.site.tenant, page).await.map_err(failed)?;
    page.matches.drain(..skipped.min(page.matches.len()));
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
fn read(fhir: &Fhir, asked: &Asked, of: ResourceType, pairs: &[(String, String)]) -> Result<Query, Problem> {
    let handling = match asked.prefer.handling {
        Handling::Strict => query::Handling::Strict,
        Handling::Lenient => query::Handling::Lenient,
    };
    let reading = Reading { registry: &fhir.registry, now: fhir.world.now(), handling };
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    query::read(pairs, &[of], &reading).map_err(|fault| refused(&fault))
}

fn refused(fault: &QueryFault) -> Problem {
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
pub(super) fn reach(access: &Access, interaction: Interaction, reader: Reader) -> search::Access {
    let access = access.clone();
    Arc::new(move |of: ResourceType| access.rule(of.as_str(), interaction).test(of, &reader))
}

/// All criteria of a search as one test.
fn test_of(fhir: &Fhir, of: ResourceType, query: &Query) -> Result<Test, Problem> {
    let mut tests: Vec<Test> = query.criteria.iter().map(|criterion| criterion.test.clone()).collect();
    if let Some(since) = query.since {
        let reading =
            Reading { registry: &fhir.registry, now: fhir.world.now(), handling: query::Handling::Strict };
        let since = format!("ge{}", kernel::Timestamp::from_micros(since));
        let test = query::read_test("_lastUpdated", &since, &[of], &reading);
        tests.push(test.map_err(|fault| refused(&fault))?);
    }
    Ok(Test::All(tests))
}

/// Which record the words of a condition mean, of those that the caller may find; `at` is where they stand. They have to ask something,
/// and what is not known is refused whatever is preferred: a condition that means less than was said would mean other records.
pub(super) fn condition(
    fhir: &Fhir,
    asked: &Asked,
    of: ResourceType,
    (words, at): (&str, &'static str),
) -> Result<Where, Problem> {
    asked.rule(of, Interaction::Search)?;
    let asked_so = Asked { prefer: Prefer { handling: Handling::Strict, ..asked.prefer }, ..asked.clone() };
    let query = read(fhir, &asked_so, of, &pairs(asked_of(words, &fhir.base, of)))?;
    if query.criteria.is_empty() {
        return Err(invalid("a condition must be a search with criteria", at));
    }
    let access = reach(&asked.access, Interaction::Search, fhir.reader());
    Ok(Where { test: test_of(fhir, of, &query)?, access })
}

/// The parameters of a condition. R4 wants them alone ("just what is in the URL after the ?"); HAPI's client sends the whole address.
fn asked_of<'a>(words: &'a str, base: &str, of: ResourceType) -> &'a str {
    let Some((place, parameters)) = words.split_once('?') else { return words };
    let relative = place.strip_prefix(base).map_or(place, |path| path.trim_start_matches('/'));
    if relative.is_empty() || relative == of.as_str() { parameters } else { words }
}

fn search(fhir: &Fhir, asked: &Asked, of: ResourceType, query: &Query) -> Result<Search, Problem> {
    Ok(Search {
        resource_types: vec![of],
        test: test_of(fhir, of, query)?,
        access: reach(&asked.access, Interaction::Search, fhir.reader()),
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
        Some(Summary::Text) => Ok(Part::Text),
        Some(Summary::Data) => Ok(Part::Data),
        Some(Summary::True) => Err(invalid("_summary must be text, data, count or false here", "_summary")),
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
