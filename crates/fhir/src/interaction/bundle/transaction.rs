//! A transaction: all that its entries ask for, or nothing.  <https://hl7.org/fhir/R4/http.html#trules>

use std::{collections::BTreeMap, sync::Arc};

use axum::response::Response;
use http::{Extensions, Method, StatusCode};
use kernel::{Interaction, Kind};
use web::Problem;

use super::{Asking, Became, answer, batch::Alone, entry::at};
use crate::{
    Fhir,
    access::Rule,
    bundle::{self, Done, Entry, Target, Task, Transaction, TransactionFault},
    interaction::{
        asked::{Asked, type_of},
        create::renamed,
        posted::{Refusal, Said, document},
        search,
        written::{checked, permitted, refused},
    },
    outcome::{self, Severity, Told},
    parameter::ResourceType,
    resource::{Absent, Judge, Version, WriteFault},
    site::Upsert,
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
            let read = plan.read(fhir, asked, nth, entry)?;
            plan.entries.push(read);
            plan.places.push(nth);
        }
    }
    let transaction = Transaction {
        access: search::reach(&asked.access, Interaction::Search, fhir.reader()),
        judge: plan.judge(fhir, asked),
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
            Some(done) => became(fhir, done),
            None => alone.ask(entry).await,
        });
    }
    Ok(answer("transaction", &all))
}

impl Plan {
    fn read(&mut self, fhir: &Fhir, asked: &Asked, nth: usize, entry: &Asking) -> Said<Entry> {
        let (path, query) = entry.url.split_once('?').unwrap_or((&entry.url, ""));
        let (name, id) = path.split_once('/').map_or((path, None), |(name, id)| (name, Some(id)));
        let of = type_of(name)?;
        let target = match (id, query) {
            (Some(id), "") => Some(Target::Id(id.parse().map_err(|_| at(nth, "request.url has no id"))?)),
            (None, "") => None,
            (None, words) => Some(condition(fhir, asked, of, words)?),
            (Some(_), _) => return Err(at(nth, "request.url is no address of a record").into()),
        };
        let version = version(entry.if_match.as_deref()).map_err(|why| at(nth, why))?;
        let resource = || entry.resource.clone().ok_or_else(|| at(nth, "resource is missing"));
        let task = match (&entry.method, target) {
            (&Method::POST, None) => {
                self.uses(asked, of, Interaction::Create)?;
                let resource = resource()?;
                let judged = renamed(&resource, &fhir.records.new_id())?;
                good(fhir, asked, (of, &judged), Interaction::Create)?;
                let unless = entry.if_none_exist.as_deref().map(|words| condition(fhir, asked, of, words));
                let unless = unless.transpose()?.and_then(|target| match target {
                    Target::Where(words, test) => Some((words, test)),
                    Target::Id(_) => None,
                });
                Task::Create { resource, unless }
            }
            (&Method::PUT, Some(target)) => {
                self.uses(asked, of, Interaction::Update)?;
                let resource = resource()?;
                if matches!(target, Target::Where(..)) {
                    everything(asked, of)?;
                }
                let judged = match &target {
                    Target::Id(id) => renamed(&resource, id)?,
                    Target::Where(..) => resource.clone(),
                };
                good(fhir, asked, (of, &judged), Interaction::Update)?;
                Task::Update { resource, target, version }
            }
            (&Method::DELETE, Some(target)) => {
                self.uses(asked, of, Interaction::Delete)?;
                Task::Delete { target, version }
            }
            (&Method::PATCH, _) => return Err(at(nth, "a patch is sent alone, not in a transaction").into()),
            _ => return Err(at(nth, "request.url does not fit request.method").into()),
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
        if changed.all(|(of, one)| asked.access.rule(of, one) == Rule::Everything) {
            return None;
        }
        let (access, reader, used) = (asked.access.clone(), fhir.reader(), self.used.clone());
        let changes = |interaction: &Interaction| *interaction != Interaction::Create;
        Some(Arc::new(move |version: &Version| {
            let used = used.get(&version.resource_type).into_iter().flatten().filter(|one| changes(one));
            let mut rules = used.map(|one| access.rule(version.resource_type.as_str(), *one));
            rules.all(|rule| rule.permits_version(version, &reader))
        }))
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
    let may = |interaction| asked.access.rule(of.as_str(), interaction) == Rule::Everything;
    if may(Interaction::Create) && may(Interaction::Update) {
        return Ok(());
    }
    Err(Problem::new(Kind::Forbidden, "who may write some records only names them by their ids")
        .with_code("insufficient_scope"))
}

fn condition(fhir: &Fhir, asked: &Asked, of: ResourceType, words: &str) -> Said<Target> {
    let meant = search::condition(fhir, asked, of, words)?;
    Ok(Target::Where(words.to_owned(), meant))
}

/// It is good, and the caller may keep it.
fn good(fhir: &Fhir, asked: &Asked, (of, json): (ResourceType, &str), interaction: Interaction) -> Said<()> {
    let document = document(json)?;
    permitted(fhir, asked, of, &document, interaction)?;
    checked(fhir, asked, &document)?;
    Ok(())
}

fn version(tag: Option<&str>) -> Result<Option<u32>, &'static str> {
    let Some(tag) = tag else { return Ok(None) };
    let number = tag.trim_start_matches("W/").trim_matches('"');
    number.parse().map(Some).map_err(|_| "request.ifMatch must be the ETag of one version")
}

fn failed(fault: TransactionFault, places: &[usize]) -> Refusal {
    let nth = places.get(fault.entry).copied().unwrap_or(fault.entry);
    match fault.problem {
        bundle::Problem::TooMany(entries_max) => super::too_many(entries_max).into(),
        bundle::Problem::Write(fault @ (WriteFault::Store(_) | WriteFault::Body(_))) => refused(fault),
        problem => {
            let (status, code) = match &problem {
                bundle::Problem::Write(WriteFault::Missing | WriteFault::Withheld) => {
                    (StatusCode::NOT_FOUND, "not-found")
                }
                bundle::Problem::Write(_) => (StatusCode::PRECONDITION_FAILED, "conflict"),
                _ => (StatusCode::BAD_REQUEST, "invalid"),
            };
            let words = match &problem {
                bundle::Problem::Write(WriteFault::Missing | WriteFault::Withheld) => {
                    "there is no such record".to_owned()
                }
                problem => problem.to_string(),
            };
            let told = Told::new(Severity::Error, code, words).at(format!("Bundle.entry[{nth}]"));
            outcome::answer(status, &[told]).into()
        }
    }
}

fn became(fhir: &Fhir, done: Done) -> Became {
    let (status, version) = match done {
        Done::Created(version) => ("201 Created", version),
        Done::Updated(version) | Done::Existing(version) => ("200 OK", version),
        Done::Deleted(version) => ("200 OK", version),
        Done::Absent => return gone(),
    };
    Became {
        status: status.to_owned(),
        location: Some(format!("{}/{}/_history/{}", fhir.base, version.reference(), version.version)),
        etag: Some(format!("W/\"{}\"", version.version)),
        modified: Some(version.at.to_string()),
        resource: version.body.map(|body| body.into_string()),
        outcome: None,
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
