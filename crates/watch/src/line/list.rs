//! The log of an integration, newest first.  Contract 4, `GET /{id}/logs`

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use kernel::{Issue, Permission, Timestamp};
use serde::{Deserialize, Serialize};
use url::form_urlencoded::Serializer;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Context, Json, Path, Query};

use super::{
    Level, Numbers, Phrase, follow,
    queries::Written,
    search::{Found, Search, Wanted, search},
};
use crate::{
    Watch,
    door::Asking,
    fault::{WatchFault, refused},
    id,
};

/// Lines of a page where nobody says how many, and the most.
pub const LIMIT: i64 = 100;
/// The most lines of a page.
pub const LIMIT_MAX: i64 = 1_000;
/// The longest text to search for, in characters.
pub const Q_CHARACTERS_MAX: usize = 200;
/// The most words of it.
pub const Q_WORDS_MAX: usize = 8;

/// Which lines.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogsIn {
    /// From this instant (RFC 3339) or day (`2026-11-22`, UTC) on.
    #[param(example = "2026-11-22")]
    start_date: Option<String>,
    /// Up to and with this instant or day.
    #[param(example = "2026-11-22T12:00:00Z")]
    end_date: Option<String>,
    /// Only lines of this level: `debug`, `info`, `warning`, `error`.
    #[param(example = "error")]
    log_level: Option<String>,
    /// 1 to 1000; 100 where it is left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// Where a page before has ended: from its `Link`.
    cursor: Option<String>,
    /// Words that the message has, all of them, or the id of a sync, a connection or a message.
    #[param(example = "credential")]
    q: Option<String>,
    /// `true` streams lines as they are written, as server-sent events.
    follow: Option<bool>,
}

/// A part of a log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntegrationLogs)]
pub(crate) struct LogsOut {
    #[schema(example = "int_019a0b6e0000700080000000000000ab")]
    integration_id: String,
    /// Newest first.
    logs: Vec<LineOut>,
    /// How many lines there are in all that are asked for. Where more than 200,000 of a text are in a day that the dates cut, the least
    /// there are.
    total_count: i64,
    filters: FiltersOut,
}

/// A line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntegrationLogLine)]
pub(super) struct LineOut {
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    #[schema(value_type = Level)]
    level: String,
    #[schema(example = "a sync has failed: the server does not know our credential")]
    message: String,
    details: DetailsOut,
}

/// What a line says besides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntegrationLogDetails)]
struct DetailsOut {
    /// What has happened, in one word.
    #[schema(example = "sync.failed")]
    event: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The sync that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "sync_019a0b6e0000700080000000000000cd")]
    job_id: Option<String>,
    /// The connection that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    /// Something else that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_id: Option<String>,
    #[serde(flatten)]
    numbers: Numbers,
}

/// What was asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = IntegrationLogFilters)]
struct FiltersOut {
    start_date: Option<String>,
    end_date: Option<String>,
    log_level: Option<Level>,
    limit: i64,
    q: Option<String>,
}

impl LineOut {
    /// The line with its text.
    pub fn of(line: &Written, phrase: Option<&Phrase>) -> Self {
        let subject = line.subject_id.as_deref().unwrap_or_default();
        let uuid = || {
            let bytes: Option<[u8; 16]> = subject.try_into().ok();
            bytes.map(|bytes| kernel::Id::<kernel::Connection>::from_bytes(bytes).to_string())
        };
        let kind = line.subject_kind.as_deref();
        Self {
            timestamp: Timestamp::from_micros(line.at),
            level: phrase.map_or(Level::Info.as_str(), |phrase| &phrase.level).to_owned(),
            message: phrase.map(Phrase::told).unwrap_or_default(),
            details: DetailsOut {
                event: phrase.map(|phrase| phrase.event.clone()).unwrap_or_default(),
                reason: phrase.and_then(|phrase| phrase.reason.clone()),
                job_id: (kind == Some("sync_run")).then(|| format!("sync_{}", id::hex(subject))),
                connection_id: uuid().filter(|_| kind == Some("connection")),
                subject_id: uuid()
                    .filter(|_| kind.is_some_and(|kind| !matches!(kind, "sync_run" | "connection"))),
                numbers: line.numbers,
            },
        }
    }
}

/// Read or follow the log of an integration.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/logs", tag = "integrations", operation_id = "get_integration_logs",
    params(LogsIn, ("id" = String, Path, description = "The integration's id: `int_…`"),
        ("Last-Event-ID" = Option<String>, Header, description = "With `follow`: the id of the last line that was seen")),
    responses((status = 200, description = "A page of lines; `Link` leads to the next one. With `follow=true`, lines as `text/event-stream`",
        body = LogsOut, headers(("Link" = String)))),
    security(("bearer" = ["integration:read"])))]
pub(crate) async fn logs(
    State(watch): State<Watch>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    Path(text): Path<String>,
    Query(asked): Query<LogsIn>,
) -> Answer<Response> {
    let asking = Asking::enter(bearer, Permission::Logs)?;
    let integration = asking.integration(&watch, &text).await?;
    let search_for = read(&asked, integration).map_err(refused)?;
    if asked.follow == Some(true) {
        return follow::follow(&watch, &asking, (integration, search_for.wanted), &headers).await;
    }
    let found = search(watch.said().await, &search_for).await?;
    let link = link(&context, &asked, &found);
    let logs = found.lines.iter().map(|line| LineOut::of(line, found.phrases.get(&line.phrase))).collect();
    let filters = FiltersOut {
        start_date: asked.start_date,
        end_date: asked.end_date,
        log_level: search_for.wanted.level,
        limit: search_for.limit,
        q: asked.q,
    };
    let out = LogsOut { integration_id: id::write(integration), logs, total_count: found.total, filters };
    Ok((link, Json(out)).into_response())
}

/// The next page.  RFC 8288
fn link(context: &Context, asked: &LogsIn, found: &Found) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(last) = found.lines.last().filter(|_| found.has_more) else { return headers };
    let mut query = Serializer::new(String::new());
    let said = [
        ("start_date", &asked.start_date),
        ("end_date", &asked.end_date),
        ("log_level", &asked.log_level),
        ("q", &asked.q),
    ];
    for (name, value) in said {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    if let Some(limit) = asked.limit {
        query.append_pair("limit", &limit.to_string());
    }
    query.append_pair("cursor", &cursor(last.at));
    let text = format!("<{}?{}>; rel=\"next\"", context.url(), query.finish());
    headers.extend(HeaderValue::from_str(&text).ok().map(|value| (header::LINK, value)));
    headers
}

fn cursor(at: i64) -> String {
    id::hex(&at.to_be_bytes())
}

/// A place in a log, as cursors and ids of a stream write it.
pub(super) fn place(text: &str) -> Option<i64> {
    id::unhex(text).map(i64::from_be_bytes)
}

pub(super) fn written(at: i64) -> String {
    cursor(at)
}

fn read(asked: &LogsIn, integration: kernel::Id<kernel::Integration>) -> Result<Search, WatchFault> {
    let mut issues = Vec::new();
    let mut wrong = |path: &'static str, message: &'static str| issues.push(Issue::at(path, message));
    const WHEN: &str = "must be an instant (RFC 3339) or a day (2026-11-22)";
    let from = asked.start_date.as_deref().map(begin_of);
    let to = asked.end_date.as_deref().map(end_of);
    if from == Some(None) {
        wrong("start_date", WHEN);
    }
    if to == Some(None) {
        wrong("end_date", WHEN);
    }
    let level = asked.log_level.as_deref().map(Level::parse);
    if level == Some(None) {
        wrong("log_level", "must be debug, info, warning or error");
    }
    let limit = asked.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        wrong("limit", "must be 1 to 1000");
    }
    let before = asked.cursor.as_deref().map(place);
    if before == Some(None) {
        wrong("cursor", "must be one that a Link has given");
    }
    let q = asked.q.as_deref().map_or(Ok((Vec::new(), None)), words);
    if let Err(why) = q {
        wrong("q", why);
    }
    let (from, to) = (from.flatten(), to.flatten());
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        wrong("end_date", "must not be before start_date");
    }
    if !issues.is_empty() {
        return Err(WatchFault::Refused(issues));
    }
    let (words, subject) = q.unwrap_or_default();
    Ok(Search {
        integration,
        wanted: Wanted { level: level.flatten(), words, subject },
        from: from.unwrap_or(i64::MIN),
        to: to.unwrap_or(i64::MAX),
        before: before.flatten().unwrap_or(i64::MAX),
        limit,
    })
}

/// The first microsecond.
pub(crate) fn begin_of(text: &str) -> Option<i64> {
    let instant = if is_day(text) { format!("{text}T00:00:00Z").parse() } else { text.parse() };
    instant.ok().map(Timestamp::as_micros)
}

/// The first microsecond that is not meant any more.
pub(crate) fn end_of(text: &str) -> Option<i64> {
    let length = if is_day(text) { super::write::DAY_US } else { 1 };
    begin_of(text).map(|begin| begin.saturating_add(length))
}

fn is_day(text: &str) -> bool {
    text.len() == "2026-11-22".len() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

type Words = (Vec<String>, Option<[u8; 16]>);

/// Words, and the id among them.
fn words(q: &str) -> Result<Words, &'static str> {
    if q.chars().count() > Q_CHARACTERS_MAX {
        return Err("must be 200 characters at the most");
    }
    let (mut words, mut subject) = (Vec::new(), None);
    for word in q.split_whitespace() {
        match id_of(word) {
            Some(_) if subject.is_some() => return Err("must name one id at the most"),
            Some(id) => subject = Some(id),
            None => words.push(word.to_lowercase()),
        }
    }
    if words.len() > Q_WORDS_MAX { Err("must be 8 words at the most") } else { Ok((words, subject)) }
}

fn id_of(word: &str) -> Option<[u8; 16]> {
    if let Some(digits) = word.strip_prefix("sync_") {
        return id::unhex(digits);
    }
    word.parse::<kernel::Id<kernel::Connection>>().ok().map(|id| *id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search_of(asked: LogsIn) -> Result<Search, WatchFault> {
        read(&asked, kernel::Id::from_bytes([1; 16]))
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = |text: &str| Some(text.to_owned());
        for (asked, field) in [
            (LogsIn { start_date: text("yesterday"), ..LogsIn::default() }, "start_date"),
            (LogsIn { start_date: text("2026-13-01"), ..LogsIn::default() }, "start_date"),
            (LogsIn { end_date: text("2026-11-2"), ..LogsIn::default() }, "end_date"),
            (LogsIn { log_level: text("ERROR"), ..LogsIn::default() }, "log_level"),
            (LogsIn { limit: Some(0), ..LogsIn::default() }, "limit"),
            (LogsIn { limit: Some(1_001), ..LogsIn::default() }, "limit"),
            (LogsIn { cursor: text("7"), ..LogsIn::default() }, "cursor"),
            (LogsIn { q: Some("x".repeat(201)), ..LogsIn::default() }, "q"),
            (LogsIn { q: Some("a ".repeat(9)), ..LogsIn::default() }, "q"),
            (
                LogsIn { start_date: text("2026-11-22"), end_date: text("2026-11-21"), ..LogsIn::default() },
                "end_date",
            ),
        ] {
            let Err(WatchFault::Refused(issues)) = search_of(asked) else { panic!("{field}") };
            assert_eq!(issues.first().unwrap().path, field);
        }
    }

    #[test]
    fn a_day_is_meant_whole_and_an_instant_with_itself() {
        let asked = |start: &str, end: &str| LogsIn {
            start_date: Some(start.to_owned()),
            end_date: Some(end.to_owned()),
            ..LogsIn::default()
        };
        let day = search_of(asked("1970-01-02", "1970-01-02")).ok().unwrap();
        assert_eq!((day.from, day.to), (86_400_000_000, 2 * 86_400_000_000));
        let instant = search_of(asked("1970-01-01T00:00:01Z", "1970-01-01T01:00:01+01:00")).ok().unwrap();
        assert_eq!((instant.from, instant.to), (1_000_000, 1_000_001));
    }

    #[test]
    fn ids_are_told_from_words() {
        let id = format!("sync_{}", "0a".repeat(16));
        assert_eq!(words(&format!("Failed {id}")), Ok((vec!["failed".to_owned()], Some([10; 16]))));
        assert_eq!(words("0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a"), Ok((vec![], Some([10; 16]))));
        assert!(words(&format!("{id} {id}")).is_err());
        assert_eq!(place(&cursor(-7)), Some(-7));
    }
}
