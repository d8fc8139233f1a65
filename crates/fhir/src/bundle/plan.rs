//! A transaction before its unit begins: what is wrong with it by itself is refused, and what needs no look at the database is made.

use std::collections::HashMap;

use super::{
    Entry, Problem, Target, Task, Transaction, TransactionFault,
    mark::{Marked, To, mark},
    spread,
};
use crate::{
    parameter::ResourceType,
    query::Test,
    resource::{Draft, Edit, LogicalId, Ready, Records, WriteFault},
    tenant::Tenant,
};

/// A record by its type and id.
pub(super) type Name = (ResourceType, LogicalId);

/// A transaction, prepared.
pub(super) struct Plan {
    pub(super) transaction: Transaction,
    /// Of each entry, in their order.
    pub(super) steps: Vec<Step>,
    /// Entries by their `fullUrl`.
    urls: HashMap<String, usize>,
    /// What conditional references meant when texts were made: what they mean is asked again inside the unit.
    pub(super) meant: HashMap<String, String>,
}

/// What an entry brings.
pub(super) struct Step {
    /// The id of its record; of one that is meant by a condition, if it comes to be created.
    pub(super) id: LogicalId,
    pub(super) text: Text,
}

/// The text of an entry.
pub(super) enum Text {
    /// It has none, or makes it of what is stored.
    Nothing,
    /// It can be written.
    Ready(Ready),
    /// It can be written if its conditional references mean what they did.
    Guessed(Ready, Marked),
    /// It waits for what references mean, or under which id it is written.
    Marked(Marked),
}

impl Plan {
    /// What is wrong by itself is refused, and references are found.
    pub(super) fn new(records: &Records, transaction: Transaction) -> Result<Self, TransactionFault> {
        let entries = &transaction.entries;
        if entries.len() > records.entries_max {
            return Err(Problem::TooMany(records.entries_max).of(records.entries_max));
        }
        let urls = urls(entries)?;
        apart(entries)?;
        let ids = entries.iter().map(|entry| id_of(records, entry));
        let steps = spread::each(entries.iter().zip(ids).collect(), |at, (entry, id)| {
            let text = match &entry.task {
                Task::Create { resource, .. } | Task::Update { resource, .. } => {
                    let marked = mark(resource).map_err(|fault| Problem::Write(fault.into()).of(at))?;
                    if marked.resource_type != entry.resource_type {
                        return Err(Problem::WrongType.of(at));
                    }
                    Text::Marked(marked)
                }
                Task::Patch { .. } | Task::Delete { .. } => Text::Nothing,
            };
            Ok(Step { id, text })
        })?;
        Ok(Self { transaction, steps, urls, meant: HashMap::new() })
    }

    /// The conditional references of texts that wait for nothing else, each once.
    pub(super) fn conditional(&self) -> Vec<(ResourceType, String)> {
        let known = self.known();
        let waiting = self.transaction.entries.iter().zip(&self.steps);
        let texts = waiting.filter_map(|(entry, step)| match &step.text {
            Text::Marked(marked) if is_settled(entry) && self.urls_known(marked, &known) => Some(marked),
            _ => None,
        });
        let mut asked: Vec<(ResourceType, String)> = texts
            .flat_map(|marked| &marked.marks)
            .filter_map(|mark| match &mark.to {
                To::Where(of, words) => Some((*of, words.clone())),
                To::Url(_) => None,
            })
            .collect();
        asked.sort_unstable();
        asked.dedup();
        asked
    }

    /// Make every text whose references are known, or guessed.
    pub(super) fn make(mut self, records: &Records, tenant: &Tenant) -> Result<Self, TransactionFault> {
        let known = self.known();
        let steps = std::mem::take(&mut self.steps);
        let pairs = self.transaction.entries.iter().zip(steps).collect();
        self.steps = spread::each(pairs, |at, (entry, step): (&Entry, Step)| {
            let Step { id, text: Text::Marked(marked) } = step else {
                return Ok::<_, TransactionFault>(step);
            };
            let Some(edits) = self.early(&marked, &known).filter(|_| is_settled(entry)) else {
                return Ok(Step { id, text: Text::Marked(marked) });
            };
            let draft = written(&marked, &edits, id.clone()).map_err(|fault| Problem::from(fault).of(at))?;
            let ready = draft.ready(tenant, records);
            let is_guessed = marked.marks.iter().any(|mark| matches!(mark.to, To::Where(..)));
            let text = if is_guessed { Text::Guessed(ready, marked) } else { Text::Ready(ready) };
            Ok(Step { id, text })
        })?;
        Ok(self)
    }

    /// The record of each entry, if no condition decides about it.
    fn known(&self) -> Vec<Option<Name>> {
        let entries = self.transaction.entries.iter().zip(&self.steps);
        entries.map(|(entry, step)| known(entry, &step.id)).collect()
    }

    fn urls_known(&self, marked: &Marked, known: &[Option<Name>]) -> bool {
        marked.marks.iter().all(|mark| match &mark.to {
            To::Url(url) => self.entry_at(url).is_none_or(|at| known.get(at).is_some_and(Option::is_some)),
            To::Where(..) => true,
        })
    }

    /// What references become, if all of them are known or guessed.
    fn early(&self, marked: &Marked, known: &[Option<Name>]) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        for mark in &marked.marks {
            match &mark.to {
                To::Where(_, words) => edits.push(mark.edit(self.meant.get(words)?.clone())),
                To::Url(url) => {
                    if let Some(at) = self.entry_at(url) {
                        let (of, id) = known.get(at)?.as_ref()?;
                        edits.push(mark.edit(format!("{of}/{id}")));
                    }
                }
            }
        }
        Some(edits)
    }

    /// The entry with this `fullUrl`.
    pub(super) fn entry_at(&self, url: &str) -> Option<usize> {
        self.urls.get(url).copied()
    }
}

/// A resource with its references as they shall be, under its id.
pub(super) fn written(marked: &Marked, edits: &[Edit], id: LogicalId) -> Result<Draft, WriteFault> {
    Ok(Draft::rewritten(marked.resource_type, &marked.text, edits, id)?)
}

/// Under which id it is written is known.
const fn is_settled(entry: &Entry) -> bool {
    matches!(&entry.task, Task::Create { .. } | Task::Update { target: Target::Id(_), .. })
}

fn urls(entries: &[Entry]) -> Result<HashMap<String, usize>, TransactionFault> {
    let mut urls = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(url) = &entry.full_url
            && let Some(other) = urls.insert(url.clone(), at)
        {
            return Err(Problem::SameUrl(other).of(at));
        }
    }
    Ok(urls)
}

/// No two entries say that they mean the same record, by its id or by conditions that ask the same.
fn apart(entries: &[Entry]) -> Result<(), TransactionFault> {
    let mut said: HashMap<(ResourceType, &str, String), usize> = HashMap::new();
    let by_condition = |test: &Test| ("?", format!("{test:?}"));
    for (at, entry) in entries.iter().enumerate() {
        let what = match &entry.task {
            Task::Create { unless: Some((_, test)), .. } => by_condition(test),
            Task::Create { unless: None, .. } => continue,
            Task::Update { target, .. } | Task::Patch { target, .. } | Task::Delete { target, .. } => {
                match target {
                    Target::Id(id) => ("/", id.as_str().to_owned()),
                    Target::Where(_, test) => by_condition(test),
                }
            }
        };
        if let Some(other) = said.insert((entry.resource_type, what.0, what.1), at) {
            return Err(Problem::SameRecord(other).of(at));
        }
    }
    Ok(())
}

fn id_of(records: &Records, entry: &Entry) -> LogicalId {
    match &entry.task {
        Task::Update { target: Target::Id(id), .. }
        | Task::Patch { target: Target::Id(id), .. }
        | Task::Delete { target: Target::Id(id), .. }
        | Task::Update { own: Some(id), .. } => id.clone(),
        _ => records.new_id(),
    }
}

/// The record of an entry, if no condition decides about it.
fn known(entry: &Entry, id: &LogicalId) -> Option<Name> {
    let is_known = match &entry.task {
        Task::Create { unless, .. } => unless.is_none(),
        Task::Update { target, .. } | Task::Patch { target, .. } | Task::Delete { target, .. } => {
            matches!(target, Target::Id(_))
        }
    };
    is_known.then(|| (entry.resource_type, id.clone()))
}
