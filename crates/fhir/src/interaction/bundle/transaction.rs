//! A transaction: all that its entries ask for, or nothing.  <https://hl7.org/fhir/R4/http.html#trules>

use std::{collections::BTreeMap, sync::Arc};

use axum::response::Response;
use http::{Extensions, Method, StatusCode};
use kernel::{Interaction, Kind};
use web::Problem;

use super::{Asking, Became, answer, batch::Alone};
use crate::{
    Fhir,
    access::Rule,
    bundle::{self, Done, Entry, Gone, Target, Task, Transaction, TransactionFault},
    interaction::{
        asked::{Asked, type_of},
        expected::expected,
        manner::prefer::Return,
        patch::Change,
        posted::{Refusal, Said, document, id_in, invalid, is_of},
        search,
        written::{checked, refused},
    },
    outcome::{self, Refused, Severity, Told},
    parameter::ResourceType,
    resource::{Absent, Judge, LogicalId, Version, WriteFault},
    site::Upsert,
    topic,
};

/// What is written at which entry, and what is read when all is written.
struct Plan {
    entries: Vec<Entry>,
    places: Vec<usize>,
    used: BTreeMap<ResourceType, Vec<Interaction>>,
}

pub(super) async fn run(
    fhir: &Fhir,
    asked: &Asked,
    extensions: Extensions,
    entries: Vec<Asking>,
) -> Said<Response> {
    let mut plan = Plan { entries: Vec::new(), places: Vec::new(), used: BTreeMap::new() };
    for (nth, entry) in entries.iter().enumerate() {
        if entry.method != Method::GET && entry.method != Method::HEAD {
            let read = plan.read(fhir, asked, entry).map_err(|refusal| within(refusal, nth))?;
            plan.entries.push(read);
            plan.places.push(nth);
        }
    }
    let transaction = Transaction {
        access: search::reach(&asked.access, Interaction::Search, fhir.reader(&asked.site.tenant)),
        judge: plan.judge(fhir, asked),
        keep: asked.keeps(fhir),
        gone: plan.gone(asked),
        absent: plan.absent(asked),
        entries: plan.entries,
    };
    let done = fhir.records.transact(&asked.site.tenant, &asked.author(), transaction).await;
    let done = done.map_err(|fault| failed(fault, &plan.places))?;
    let mut written: BTreeMap<usize, Done> = plan.places.into_iter().zip(done).collect();
    let alone = Alone::new(fhir, asked, extensions);
    let mut all = Vec::with_capacity(entries.len());
    for (nth, entry) in entries.iter().enumerate() {
        all.push(match written.remove(&nth) {
            Some(done) => became(fhir, done, asked.prefer.answer),
            None => alone.ask(entry).await,
        });
    }
    Ok(answer("transaction", &all))
}

impl Plan {
    fn read(&mut self, fhir: &Fhir, asked: &Asked, entry: &Asking) -> Said<Entry> {
        let wrong = |why: &'static str| invalid(why, "");
        let (path, query) = entry.url.split_once('?').unwrap_or((&entry.url, ""));
        let (name, id) = path.split_once('/').map_or((path, None), |(name, id)| (name, Some(id)));
        let of = type_of(name)?;
        let target = match (id, query) {
            (Some(id), "") => Some(Target::Id(id.parse().map_err(|_| wrong("request.url has no id"))?)),
            (None, "") => None,
            (None, words) => Some(condition(fhir, asked, of, (words, "request.url"))?),
            (Some(_), _) => return Err(wrong("request.url is no address of a record").into()),
        };
        if topic::is_subscription(of) && entry.method != Method::DELETE {
            return Err(wrong(topic::ALONE).into());
        }
        let said = expected(entry.if_match.as_deref(), entry.if_none_match.as_deref());
        let expected = said.map_err(|why| wrong(why.of_entry()))?;
        let resource = || entry.resource.clone().ok_or_else(|| wrong("resource is missing"));
        let task = match (&entry.method, target) {
            (&Method::POST, None) => {
                self.uses(asked, of, Interaction::Create)?;
                let resource = resource()?;
                good(fhir, asked, (of, &resource))?;
                let unless = entry
                    .if_none_exist
                    .as_deref()
                    .map(|words| condition(fhir, asked, of, (words, "request.ifNoneExist")));
                let unless = unless.transpose()?.and_then(|target| match target {
                    Target::Where(words, test) => Some((words, test)),
                    Target::Id(_) => None,
                });
                Task::Create { resource, unless }
            }
            (&Method::PUT, Some(target)) => {
                self.uses(asked, of, Interaction::Update)?;
                let resource = resource()?;
                let own = good(fhir, asked, (of, &resource))?;
                if let (Target::Id(id), Some(own)) = (&target, &own)
                    && id != own
                {
                    return Err(wrong("id must be the one in request.url").into());
                }
                Task::Update { resource, target, own, expected }
            }
            (&Method::PATCH, Some(target)) => {
                self.uses(asked, of, Interaction::Update)?;
                let patch = Change::of_entry(&resource()?)?.patch(fhir, asked, of);
                Task::Patch { patch, target, expected }
            }
            (&Method::DELETE, Some(target)) => {
                self.uses(asked, of, Interaction::Delete)?;
                Task::Delete { target, expected }
            }
            _ => return Err(wrong("request.url does not fit request.method").into()),
        };
        Ok(Entry { full_url: entry.full_url.clone(), resource_type: of, task })
    }

    fn uses(&mut self, asked: &Asked, of: ResourceType, interaction: Interaction) -> Result<(), Problem> {
        asked.rule(of, interaction)?;
        self.used.entry(of).or_default().push(interaction);
        Ok(())
    }

    /// What is stored may be changed by whoever may do to it all that the entries ask for records of its type; nobody needs to be
    /// asked where that is every record.
    fn judge(&self, fhir: &Fhir, asked: &Asked) -> Option<Judge> {
        let all = self.used.iter().flat_map(|(of, used)| used.iter().map(|one| (of.as_str(), *one)));
        let mut changed = all.filter(|(_, one)| *one != Interaction::Create);
        let is_free = |rule: &Rule| rule.is_everything() && rule.asking.is_none();
        if changed.all(|(of, one)| is_free(&asked.access.rule(of, one))) {
            return None;
        }
        let (access, reader, used) =
            (asked.access.clone(), fhir.reader(&asked.site.tenant), self.used.clone());
        let changes = |interaction: &Interaction| *interaction != Interaction::Create;
        Some(Arc::new(move |version: &Version| {
            let used = used.get(&version.resource_type).into_iter().flatten().filter(|one| changes(one));
            let mut rules = used.map(|one| access.rule(version.resource_type.as_str(), *one));
            rules.all(|rule| rule.permits_version(version, &reader))
        }))
    }

    /// Who may delete some records only hears of one that is another's what is heard of none.
    fn gone(&self, asked: &Asked) -> Gone {
        let mut all = self.used.iter().flat_map(|(of, used)| used.iter().map(|one| (of.as_str(), *one)));
        let is_all =
            all.all(|(of, one)| one == Interaction::Create || asked.access.rule(of, one).is_everything());
        if is_all { Gone::Passed } else { Gone::Refused }
    }

    /// As of a single update: who sees some records only names no ids of new ones.
    fn absent(&self, asked: &Asked) -> Absent {
        let mut updated = self.used.iter().filter(|(_, used)| used.contains(&Interaction::Update));
        let is_allowed = updated.all(|(of, _)| everything(asked, *of).is_ok());
        match asked.site.policy.upsert {
            Upsert::Allowed if is_allowed => Absent::Create,
            _ => Absent::Refuse,
        }
    }
}

/// The caller may make and change every record of this type.
fn everything(asked: &Asked, of: ResourceType) -> Result<(), Problem> {
    let may = |interaction| asked.access.rule(of.as_str(), interaction).is_everything();
    if may(Interaction::Create) && may(Interaction::Update) {
        return Ok(());
    }
    Err(Problem::new(Kind::Forbidden, "who may write some records only names them by their ids")
        .with_code("insufficient_scope"))
}

fn condition(
    fhir: &Fhir,
    asked: &Asked,
    of: ResourceType,
    (words, at): (&str, &'static str),
) -> Said<Target> {
    let meant = search::condition(fhir, asked, of, (words, at))?;
    Ok(Target::Where(words.to_owned(), meant.test))
}

/// It is good; the id that it says. Whether the caller may keep it is asked when its references are resolved.
fn good(fhir: &Fhir, asked: &Asked, (of, json): (ResourceType, &str)) -> Said<Option<LogicalId>> {
    let document = document(json)?;
    is_of(&document, of)?;
    checked(fhir, asked, &document)?;
    let wrong = |_| invalid("an id has 1 to 64 letters, digits, - and .", "resource.id");
    Ok(id_in(&document).map(|id| id.parse()).transpose().map_err(wrong)?)
}

/// The refusal of an entry.
fn within(refusal: Refusal, nth: usize) -> Refusal {
    Refused::from(refusal).within(&format!("Bundle.entry[{nth}]")).into()
}

fn failed(fault: TransactionFault, places: &[usize]) -> Refusal {
    let nth = places.get(fault.entry).copied().unwrap_or(fault.entry);
    match fault.problem {
        bundle::Problem::TooMany(entries_max) => super::too_many(entries_max).into(),
        bundle::Problem::Write(fault @ (WriteFault::Store(_) | WriteFault::Body(_))) => refused(fault),
        bundle::Problem::Write(fault) => within(refused(fault), nth),
        bundle::Problem::Patch(refused) => within(refused.into(), nth),
        problem => {
            let told = Told::new(Severity::Error, "invalid", problem.to_string());
            within(Refused { status: StatusCode::BAD_REQUEST, issues: vec![told] }.into(), nth)
        }
    }
}

fn became(fhir: &Fhir, done: Done, wanted: Return) -> Became {
    let (status, words, version) = match done {
        Done::Created(version) => ("201 Created", "the record was written", version),
        Done::Updated(version) => ("200 OK", "the record was written", version),
        Done::Existing(version) => ("200 OK", "there is one already", version),
        Done::Deleted(version) => ("200 OK", "the record is deleted", version),
        Done::Absent => return gone(),
    };
    let told = || outcome::resource(&[Told::new(Severity::Information, "informational", words)]).to_string();
    Became {
        status: status.to_owned(),
        location: Some(format!("{}/{}/_history/{}", fhir.base, version.reference(), version.version)),
        etag: Some(format!("W/\"{}\"", version.version)),
        modified: Some(version.at.to_string()),
        resource: match wanted {
            Return::Representation => version.body.map(|body| body.into_string()),
            Return::Minimal | Return::Outcome => None,
        },
        outcome: (wanted == Return::Outcome).then(told),
    }
}

fn gone() -> Became {
    let told = Told::new(Severity::Information, "informational", "there is none to delete");
    Became {
        status: "200 OK".to_owned(),
        location: None,
        etag: None,
        modified: None,
        resource: None,
        outcome: Some(outcome::resource(&[told]).to_string()),
    }
}
