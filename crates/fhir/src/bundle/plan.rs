//! A transaction before its unit begins: what is wrong with it by itself is refused, and what needs no look at the database is made.

use std::collections::HashMap;

use super::{
    Entry, Problem, Target, Task, Transaction, TransactionFault,
    mark::{Marked, To, mark},
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
    /// It waits for what references mean, or under which id it is written.
    Marked(Marked),
}

impl Plan {
    pub(super) fn new(
        records: &Records,
        tenant: &Tenant,
        transaction: Transaction,
    ) -> Result<Self, TransactionFault> {
        let entries = &transaction.entries;
        if entries.len() > records.entries_max {
            return Err(Problem::TooMany(records.entries_max).of(records.entries_max));
        }
        let urls = urls(entries)?;
        apart(entries)?;
        let ids: Vec<LogicalId> = entries.iter().map(|entry| id_of(records, entry)).collect();
        let known: Vec<Option<Name>> = entries.iter().zip(&ids).map(|(entry, id)| known(entry, id)).collect();
        let mut steps = Vec::with_capacity(entries.len());
        for (at, (entry, id)) in entries.iter().zip(ids).enumerate() {
            let text = match &entry.task {
                Task::Create { resource, .. } | Task::Update { resource, .. } => {
                    let marked = mark(resource).map_err(|fault| Problem::Write(fault.into()).of(at))?;
                    if marked.resource_type != entry.resource_type {
                        return Err(Problem::WrongType.of(at));
                    }
                    let name = |url: &str| urls.get(url).map(|entry| known.get(*entry).cloned().flatten());
                    let is_settled = matches!(
                        &entry.task,
                        Task::Create { .. } | Task::Update { target: Target::Id(_), .. }
                    );
                    match early(&marked, name).filter(|_| is_settled) {
                        Some(edits) => {
                            let draft = written(&marked, &edits, id.clone())
                                .map_err(|fault| Problem::from(fault).of(at))?;
                            Text::Ready(draft.ready(tenant, records.registry()))
                        }
                        None => Text::Marked(marked),
                    }
                }
                Task::Patch { .. } | Task::Delete { .. } => Text::Nothing,
            };
            steps.push(Step { id, text });
        }
        Ok(Self { transaction, steps, urls })
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

/// What references become, if all of them are known: `name` says none for what is no entry, and no name for what is not known yet.
fn early(marked: &Marked, name: impl Fn(&str) -> Option<Option<Name>>) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    for mark in &marked.marks {
        match &mark.to {
            To::Where(..) => return None,
            To::Url(url) => {
                if let Some(known) = name(url) {
                    let (of, id) = known?;
                    edits.push(mark.edit(format!("{of}/{id}")));
                }
            }
        }
    }
    Some(edits)
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
