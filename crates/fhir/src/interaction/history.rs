//! What became of a record, of the records of a type, of all of a site.  <https://hl7.org/fhir/R4/http.html#history>

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use http::header;
use kernel::Interaction;
use serde_json::{Value, json};
use web::{Path, Problem};

use super::{
    answer,
    asked::{Asked, type_of},
    cursor::{self, Cursor},
    posted::{Said, invalid},
    read::newest,
    shape::Part,
    show,
};
use crate::{
    Fhir, audit_event,
    outcome::FHIR_JSON,
    resource::{Judge, LogicalId, Method, Rid, Span, Version},
};

/// Versions of one page where nothing is said.
pub const HISTORY_ROWS: usize = 50;
/// Versions of one page at the most.
pub const HISTORY_ROWS_MAX: usize = 500;

/// The versions of a record, the newest first.
#[utoipa::path(get, path = "/fhir/{type}/{id}/_history", tag = "records", operation_id = "record_history",
    params(("type" = String, Path, description = "`Patient`"), ("id" = String, Path, description = "The record's id"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("_count" = Option<String>, Query, description = "Versions of a page"),
        ("_since" = Option<String>, Query, description = "Not older than this")),
    responses((status = 200, description = "A Bundle of type history", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.r"])))]
pub(crate) async fn record_history(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path((of, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Said<Response> {
    let of = type_of(&of)?;
    audit_event::only_read(of)?;
    let rule = asked.rule(of, Interaction::Read)?;
    let id: LogicalId = id.parse().map_err(|_| answer::missing())?;
    newest(&fhir, &asked, (of, &id), &rule).await?.ok_or_else(answer::missing)?;
    let place = format!("{of}/{id}/_history");
    let judge = rule.judge(of, &fhir.reader(&asked.site.tenant));
    page(&fhir, &asked, (Span::Record(of, id), judge), &place, query.as_deref().unwrap_or_default()).await
}

/// What became of the records of a type, the newest first.
#[utoipa::path(get, path = "/fhir/{type}/_history", tag = "records", operation_id = "type_history",
    params(("type" = String, Path, description = "`Patient`"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("_count" = Option<String>, Query, description = "Versions of a page"),
        ("_since" = Option<String>, Query, description = "Not older than this")),
    responses((status = 200, description = "A Bundle of type history", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.s"])))]
pub(crate) async fn type_history(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(of): Path<String>,
    RawQuery(query): RawQuery,
) -> Said<Response> {
    let of = type_of(&of)?;
    audit_event::only_read(of)?;
    let judge = asked.rule(of, Interaction::Search)?.judge(of, &fhir.reader(&asked.site.tenant));
    let place = format!("{of}/_history");
    page(&fhir, &asked, (Span::Type(of), judge), &place, query.as_deref().unwrap_or_default()).await
}

/// What became of all records of the site that the caller may see, the newest first.
#[utoipa::path(get, path = "/fhir/_history", tag = "records", operation_id = "site_history",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("_count" = Option<String>, Query, description = "Versions of a page"),
        ("_since" = Option<String>, Query, description = "Not older than this")),
    responses((status = 200, description = "A Bundle of type history", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.s"])))]
pub(crate) async fn site_history(
    State(fhir): State<Fhir>,
    asked: Asked,
    RawQuery(query): RawQuery,
) -> Said<Response> {
    let judge = asked.access.judge(Interaction::Search, &fhir.reader(&asked.site.tenant));
    page(&fhir, &asked, (Span::Site, Some(judge)), "_history", query.as_deref().unwrap_or_default()).await
}

/// What a page is asked for.
struct Wish {
    rows: usize,
    since: Option<kernel::Timestamp>,
    before: Option<Rid>,
    /// `_summary`, `_elements`, as they were said.
    shown: String,
}

fn wish(fhir: &Fhir, asked: &Asked, place: &str, query: &str) -> Result<Wish, Problem> {
    let mut wish = Wish { rows: HISTORY_ROWS, since: None, before: None, shown: String::new() };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "_count" => {
                let rows: usize = value.parse().map_err(|_| invalid("_count must be a number", "_count"))?;
                wish.rows = rows.clamp(1, HISTORY_ROWS_MAX);
            }
            "_since" => {
                let since =
                    cursor::instant(&value).ok_or_else(|| invalid("_since must be a time", "_since"))?;
                wish.since = Some(since);
            }
            "_cursor" => {
                let cursor: Cursor = cursor::open(&fhir.vault, asked, place, &value)?;
                let since = cursor.since.map(kernel::Timestamp::from_micros);
                let before = Some(Rid::numbered(cursor.before));
                return Ok(Wish { rows: cursor.rows, since, before, shown: cursor.shown });
            }
            "_summary" | "_elements" => {
                let mut shown = url::form_urlencoded::Serializer::new(wish.shown);
                wish.shown = shown.append_pair(&name, &value).finish();
            }
            "_format" | "_pretty" => {}
            other => {
                let shown: String = other.chars().filter(char::is_ascii_graphic).take(64).collect();
                return Err(Problem::new(
                    kernel::Kind::Invalid,
                    "a history is not asked for by this parameter",
                )
                .with_code("MSG_PARAM_UNKNOWN")
                .with_path(shown));
            }
        }
    }
    Ok(wish)
}

async fn page(
    fhir: &Fhir,
    asked: &Asked,
    (span, judge): (Span, Option<Judge>),
    place: &str,
    query: &str,
) -> Said<Response> {
    let Wish { rows, since, before, shown } = wish(fhir, asked, place, query)?;
    let part = show::part(&shown)?;
    let found = fhir.records.history(&asked.site.tenant, span, (before, since, rows), judge).await;
    let found = found.map_err(Problem::from)?;
    asked.trace.asked(place, query);
    asked.trace.listed(&fhir.registry, &found.versions);
    let own = format!("{}/{place}", fhir.base);
    let mut links = vec![json!({"relation": "self", "url": link(&own, query)})];
    if let Some(next) = found.next {
        let since = since.map(kernel::Timestamp::as_micros);
        let cursor = Cursor { before: next.number(), rows, since, shown };
        if let Some(sealed) = cursor::seal(&fhir.vault, asked, place, &cursor) {
            links.push(json!({"relation": "next", "url": format!("{own}?_cursor={sealed}")}));
        }
    }
    let entries: Vec<Value> = found.versions.iter().map(|version| head(&fhir.base, version)).collect();
    Ok(bundle(&links, (&found.versions, &part), &entries))
}

fn link(own: &str, query: &str) -> String {
    if query.is_empty() { own.to_owned() } else { format!("{own}?{query}") }
}

/// An entry without its resource.
pub(crate) fn head(base: &str, version: &Version) -> Value {
    let status = match (version.method, version.version) {
        (Method::Delete, _) => "200",
        (_, 1) => "201",
        _ => "200",
    };
    let url = match version.method {
        Method::Post => version.resource_type.as_str().to_owned(),
        _ => version.reference(),
    };
    json!({
        "fullUrl": format!("{base}/{}", version.reference()),
        "request": {"method": version.method.as_str(), "url": url},
        "response": {
            "status": status,
            "etag": format!("W/\"{}\"", version.version),
            "lastModified": version.at.to_string(),
        },
    })
}

/// The bodies go in as they are kept.
fn bundle(links: &[Value], (versions, part): (&[Version], &Part), heads: &[Value]) -> Response {
    let links = Value::from(links.to_vec()).to_string();
    let mut out = format!(r#"{{"resourceType":"Bundle","type":"history","link":{links}"#);
    for (nth, (version, head)) in versions.iter().zip(heads).enumerate() {
        out.push_str(if nth == 0 { r#","entry":["# } else { "," });
        let head = head.to_string();
        match (&version.body, head.strip_suffix('}')) {
            (Some(body), Some(open)) => {
                out.push_str(open);
                out.push_str(r#","resource":"#);
                out.push_str(&part.of(body.as_str()));
                out.push('}');
            }
            _ => out.push_str(&head),
        }
    }
    out.push_str(if versions.is_empty() { "}" } else { "]}" });
    let mut response = out.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, FHIR_JSON);
    response
}
