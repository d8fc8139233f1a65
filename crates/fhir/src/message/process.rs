//! `$process-message`: take a message, store what it brings, answer.
//! <https://hl7.org/fhir/R4/messageheader-operation-process-message.html>

use std::sync::Arc;

use axum::{
    extract::{RawQuery, Request, State},
    response::{IntoResponse, Response},
};
use fhirpath::document::Document;
use http::{StatusCode, header};
use kernel::{Interaction, Kind};
use serde_json::Value;
use web::Problem;

use super::{
    Letter, Posted,
    answer::{Code, Reply},
    read::{Brought, Message},
};
use crate::{
    Fhir,
    access::owner_of,
    bundle::{self, Entry, Gone, Task, Transaction, TransactionFault},
    interaction::{
        asked::Asked,
        bundle::{limits as bundle_limits, too_many},
        create::RESOURCE,
        posted::{self, Refusal, Said, document, invalid},
        search::reach,
        written::{checked, refused},
    },
    outcome::{self, Refused, Severity, Told},
    parameter::ResourceType,
    query::Test,
    resource::{Absent, WriteFault},
    search::Search,
    topic,
};

/// `MESSAGE_DEFINITIONS_MAX`: definitions of the messages that a site takes.
pub const MESSAGE_DEFINITIONS_MAX: usize = 200;

/// Take a message: the Bundle, or Parameters with it as `content`.
#[utoipa::path(post, path = "/fhir/$process-message", tag = "records", operation_id = "process_message",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("X-Provenance" = Option<String>, Header, description = "A Provenance without target, kept with what is written")),
    request_body(description = "A Bundle of type message, or Parameters with it as `content`", content_type = "application/fhir+json"),
    responses((status = 200, description = "A message that says what became of it", content_type = "application/fhir+json"),
        (status = 409, description = "Another message with this id was processed before", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.c"])))]
pub(crate) async fn process_message(
    State(fhir): State<Fhir>,
    asked: Asked,
    RawQuery(query): RawQuery,
    request: Request,
) -> Said<Response> {
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        follows(&name, &value)?;
    }
    let json = posted::Posted::read(request, RESOURCE).await?.json_within(&bundle_limits())?;
    let json = content(&json)?.unwrap_or(json);
    let whole = read(&json)?;
    let message = Message::read(&whole, fhir.records.entries_max.saturating_sub(1))?;
    permitted(&asked, &message)?;
    let reply = Reply::new(&fhir.world, &fhir.base, message.header.clone(), message.id.clone());
    let mut letter = Letter {
        key: crypto::sha256(format!("{}\u{1f}{}", owner_of(&asked.standing), message.id).as_bytes()),
        digest: crypto::sha256(json.as_bytes()),
        answer: String::new(),
    };
    let mut reader = fhir.db.read().await.map_err(Problem::from)?;
    if let Some(known) = letter.known(&mut reader, &asked.site.tenant).await.map_err(Problem::from)? {
        return answered(known);
    }
    drop(reader);
    if let Some(told) = unwanted(&fhir, &asked, &message.header).await? {
        return Ok(spoken(reply.of(Code::FatalError, &[told])));
    }
    let told = match judged(&fhir, &asked, &whole, &message) {
        Ok(told) => told,
        Err(Refusal::Outcome(found)) => return Ok(spoken(reply.of(Code::FatalError, &found.issues))),
        Err(other) => return Err(other),
    };
    letter.answer = reply.of(Code::Ok, &told);
    let transaction = transaction(&fhir, &asked, json.clone(), message)?;
    let author = asked.author();
    let posted = fhir.records.transact_once(&asked.site.tenant, &author, transaction, letter).await;
    answered(posted.map_err(failed)?)
}

/// What is asked beside the message and is not followed here is refused by its name.
fn follows(name: &str, value: &str) -> Result<(), Problem> {
    match (name, value) {
        ("_format" | "_pretty", _) | ("async", "false") => Ok(()),
        ("async" | "response-url", _) => {
            let words = format!("{name} is not followed here: the answer comes with the call");
            let refused = Problem::new(Kind::Unsupported, words).with_code("MSG_PARAM_UNKNOWN");
            Err(refused.with_status(StatusCode::BAD_REQUEST).with_path(name.to_owned()))
        }
        (other, _) => {
            let shown: String = other.chars().filter(char::is_ascii_graphic).take(64).collect();
            let words = format!("$process-message has no parameter {shown}");
            Err(Problem::new(Kind::Invalid, words).with_code("MSG_PARAM_UNKNOWN").with_path(shown))
        }
    }
}

/// The message of `Parameters`; nothing, where it was sent itself.
fn content(json: &str) -> Said<Option<String>> {
    let whole = read(json)?;
    if whole.root().resource_type().as_deref() != Some("Parameters") {
        return Ok(None);
    }
    let mut found = None;
    for parameter in whole.root().members().filter(|member| member.name() == "parameter") {
        let name = parameter.child("name").and_then(|name| name.text().map(|name| name.into_owned()));
        if name.as_deref() == Some("content") {
            found = parameter.child("resource").map(|resource| resource.to_json());
            continue;
        }
        let value = parameter.members().find(|member| member.name().starts_with("value"));
        let value = value.and_then(|value| value.text().map(|value| value.into_owned()));
        follows(&name.unwrap_or_default(), &value.unwrap_or_default())?;
    }
    let missing = || invalid("Parameters has no parameter `content`", "Parameters.parameter");
    Ok(Some(found.ok_or_else(missing)?))
}

fn read(json: &str) -> Said<Document<'_>> {
    Ok(Document::from_json(json.as_bytes(), &bundle_limits()).map_err(|fault| outcome::unreadable(&fault))?)
}

/// The caller may keep records of all these types, and the Bundle itself.
fn permitted(asked: &Asked, message: &Message) -> Said<()> {
    asked.rule(bundle_type()?, Interaction::Create)?;
    for (nth, one) in message.entries.iter().enumerate() {
        asked.rule(one.resource_type, Interaction::Create).map_err(|problem| within(problem.into(), nth))?;
        if topic::is_subscription(one.resource_type) {
            return Err(within(invalid(topic::ALONE, "").into(), nth));
        }
    }
    Ok(())
}

fn bundle_type() -> Result<ResourceType, Problem> {
    crate::interaction::asked::type_of("Bundle")
}

/// Why the site does not take messages of this event: it says which it takes by MessageDefinitions, and takes all where it has none.
async fn unwanted(fhir: &Fhir, asked: &Asked, header: &Value) -> Said<Option<Told>> {
    let of = crate::interaction::asked::type_of("MessageDefinition")?;
    // The site is asked, and not what the caller may see of it.
    let search = Search {
        rows: MESSAGE_DEFINITIONS_MAX,
        ..Search::everything(of, Test::EVERY, Arc::new(|_: ResourceType| Test::EVERY))
    };
    let page = fhir.records.search(&asked.site.tenant, search).await.map_err(Problem::from)?;
    let bodies = page.matches.iter().filter_map(|version| version.body.as_ref());
    let all: Vec<Value> = bodies.filter_map(|body| serde_json::from_str(body.as_str()).ok()).collect();
    let mut active = all.iter().filter(|one| one["status"] == "active").peekable();
    if active.peek().is_none() || active.any(|one| is_event(one, header)) {
        return Ok(None);
    }
    let words = "the site takes no messages of this event";
    Ok(Some(Told::new(Severity::Error, "not-supported", words).at("Bundle.entry[0].resource.event")))
}

fn is_event(definition: &Value, header: &Value) -> bool {
    let same = |pointer: &str| match (definition.pointer(pointer), header.pointer(pointer)) {
        (Some(own), Some(said)) => own == said,
        _ => false,
    };
    same("/eventUri") || (same("/eventCoding/system") && same("/eventCoding/code"))
}

/// Whether the message is good, as far as the site asks: as a whole, and its records as those that are sent alone.
fn judged(fhir: &Fhir, asked: &Asked, whole: &Document<'_>, message: &Message) -> Said<Vec<Told>> {
    let mut told = checked(fhir, asked, whole)?.issues;
    for (nth, one) in message.entries.iter().enumerate() {
        if asked.site.packages.profiles.is_empty() && one.resource_type.as_str() != "Consent" {
            continue;
        }
        told.extend(checked(fhir, asked, &document(&one.json)?).map_err(|found| within(found, nth))?.issues);
    }
    Ok(told)
}

/// The Bundle as it was sent, and the records that it brings, which refer to each other.
fn transaction(fhir: &Fhir, asked: &Asked, json: String, message: Message) -> Result<Transaction, Problem> {
    let create = |full_url, resource_type, resource| Entry {
        full_url,
        resource_type,
        task: Task::Create { resource, unless: None },
    };
    let brought = |one: Brought| create(one.full_url, one.resource_type, one.json);
    let entries =
        [create(None, bundle_type()?, json)].into_iter().chain(message.entries.into_iter().map(brought));
    Ok(Transaction {
        entries: entries.collect(),
        access: reach(&asked.access, Interaction::Search, fhir.reader(&asked.site.tenant)),
        judge: None,
        keep: asked.keeps(fhir),
        gone: Gone::Refused,
        absent: Absent::Refuse,
    })
}

fn answered(posted: Posted) -> Said<Response> {
    match posted {
        Posted::Answered(answer) => Ok(spoken(answer)),
        Posted::Another => {
            let words = "another message with this id was processed before, and its body was another";
            Err(Problem::new(Kind::Conflict, words).with_path("MessageHeader.id").into())
        }
    }
}

fn spoken(answer: String) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, outcome::FHIR_JSON);
    response
}

/// The refusal of an entry.
fn within(refusal: Refusal, nth: usize) -> Refusal {
    Refused::from(refusal).within(&format!("Bundle.entry[{nth}].resource")).into()
}

fn failed(fault: TransactionFault) -> Refusal {
    let nth = fault.entry.checked_sub(1);
    let at = |refusal: Refusal| match nth {
        Some(nth) => within(refusal, nth),
        None => refusal,
    };
    match fault.problem {
        bundle::Problem::TooMany(entries_max) => too_many(entries_max.saturating_sub(1)).into(),
        bundle::Problem::Write(fault @ (WriteFault::Store(_) | WriteFault::Body(_))) => refused(fault),
        bundle::Problem::Write(fault) => at(refused(fault)),
        problem => {
            let told = Told::new(Severity::Error, "invalid", problem.to_string());
            at(Refused { status: StatusCode::BAD_REQUEST, issues: vec![told] }.into())
        }
    }
}
