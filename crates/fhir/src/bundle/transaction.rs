//! A transaction as one unit.

use std::collections::HashMap;

use store::{DbError, Reader, Writer};

use super::{
    Done, Entry, Gone, Problem, Target, Task, Transaction, TransactionFault,
    mark::{Marked, To, mark},
    plan::{Name, Plan, Step, Text, written},
    references::References,
    spread,
};
use crate::{
    message::{Letter, Posted},
    parameter::ResourceType,
    query::Test,
    resource::{
        Absent, Author, Condition, Draft, Edit, Expected, LogicalId, Method, Ready, Records, Sheet, Version,
        Where, WriteFault, newest_of_each, newest_version,
    },
    tenant::Tenant,
};

impl Records {
    /// Do all that the entries ask for, or nothing; what became of each, in their order.
    ///
    /// # Errors
    /// [`TransactionFault`] names the entry that is at fault.
    pub async fn transact(
        &self,
        tenant: &Tenant,
        author: &Author,
        transaction: Transaction,
    ) -> Result<Vec<Done>, TransactionFault> {
        let plan = self.planned(tenant, transaction).await?;
        let (records, tenant, author) = (self.clone(), tenant.clone(), author.clone());
        let turn = tenant.number();
        self.db()
            .write_in_turn(turn, async move |tx: &mut Writer| {
                let unit = Unit { records: &records, tenant: &tenant, author: &author, plan: &plan };
                unit.run(tx).await
            })
            .await
    }

    /// All that can be made before the unit begins, which holds up every other writer of the site.
    async fn planned(&self, tenant: &Tenant, transaction: Transaction) -> Result<Plan, TransactionFault> {
        let (records, length) = (self.clone(), transaction.entries.len());
        let mut plan = spread::aside(length, move || Plan::new(&records, transaction)).await?;
        let asked = plan.conditional();
        if !asked.is_empty() {
            let (records, tenant) = (self.clone(), tenant.clone());
            let access = plan.transaction.access.clone();
            let guess = self.db().snapshot(async move |reader: &mut Reader| {
                let asking = References { records: &records, tenant: &tenant, access: &access };
                asking.guess(reader, &asked).await
            });
            plan.meant = guess.await?;
        }
        let (records, tenant) = (self.clone(), tenant.clone());
        spread::aside(length, move || plan.make(&records, &tenant)).await
    }
}

impl Records {
    /// The same once for a message, whatever how often it is sent: what it was answered is kept with what it brings.
    ///
    /// # Errors
    /// [`TransactionFault`] names the entry that is at fault.
    pub(crate) async fn transact_once(
        &self,
        tenant: &Tenant,
        author: &Author,
        transaction: Transaction,
        letter: Letter,
    ) -> Result<Posted, TransactionFault> {
        let plan = self.planned(tenant, transaction).await?;
        let (records, tenant, author) = (self.clone(), tenant.clone(), author.clone());
        let turn = tenant.number();
        self.db()
            .write_in_turn(turn, async move |tx: &mut Writer| {
                if let Some(known) = letter.known(tx, &tenant).await? {
                    return Ok(known);
                }
                let unit = Unit { records: &records, tenant: &tenant, author: &author, plan: &plan };
                unit.run(tx).await?;
                letter.keep(tx, (&tenant, records.world().now().as_micros())).await?;
                Ok(Posted::Answered(letter.answer.clone()))
            })
            .await
    }
}

struct Unit<'u> {
    records: &'u Records,
    tenant: &'u Tenant,
    author: &'u Author,
    plan: &'u Plan,
}

/// What the database says of an entry.
struct Found {
    /// The newest version of the record that it means.
    stored: Option<Version>,
    /// The record that it means, once all is done.
    name: Name,
}

impl Unit<'_> {
    fn entries(&self) -> impl Iterator<Item = (usize, &Entry, &Step)> {
        let entries = self.plan.transaction.entries.iter().zip(&self.plan.steps);
        entries.enumerate().map(|(at, (entry, step))| (at, entry, step))
    }

    async fn run(&self, tx: &mut Writer) -> Result<Vec<Done>, TransactionFault> {
        let mut named = self.named(tx).await?;
        let mut found = Vec::with_capacity(self.plan.steps.len());
        for (at, entry, step) in self.entries() {
            let own = self.find(tx, &mut named, (entry, step)).await;
            found.push(own.map_err(|fault| Problem::Write(fault).of(at))?);
        }
        self.apart(&found)?;
        let late = self.late(tx, &found).await?;
        let mut sheet = Sheet::draw(tx, self.records, self.tenant, self.plan.steps.len()).await?;
        let all = self.entries().filter_map(|(at, _, step)| ready_of(&late, at, step));
        let rules = sheet.rules(tx, self.author, all).await?;
        let mut done: Vec<Option<Done>> = self.plan.steps.iter().map(|_| None).collect();
        // "Process any DELETE interactions, then POST, then PUT or PATCH."
        for round in 0..3 {
            for (at, entry, step) in self.entries() {
                if round_of(&entry.task) == round
                    && let (Some(found), Some(place)) = (found.get(at), done.get_mut(at))
                {
                    let ready = ready_of(&late, at, step);
                    let became = put(&mut sheet, &entry.task, found, ready)
                        .and_then(|became| self.keep(became))
                        .map_err(|fault| Problem::Write(fault).of(at))?;
                    if let (Done::Created(_) | Done::Updated(_), Some(ready)) = (&became, ready)
                        && let Some((asking, rules)) = &rules
                        && !rules.let_keep(self.records, (asking, ready))?
                    {
                        return Err(Problem::Write(WriteFault::Unconsented).of(at));
                    }
                    *place = Some(became);
                }
            }
        }
        sheet.write(tx, self.author).await.map_err(|fault| Problem::Write(fault).of(0))?;
        Ok(done.into_iter().map(|done| done.unwrap_or(Done::Absent)).collect())
    }

    /// What was put down may be the caller's.
    fn keep(&self, became: Done) -> Result<Done, WriteFault> {
        let condition = Condition { keep: self.plan.transaction.keep.clone(), ..Condition::default() };
        match &became {
            Done::Created(version) | Done::Updated(version) => condition.keep(version)?,
            Done::Existing(_) | Done::Deleted(_) | Done::Absent => {}
        }
        Ok(became)
    }

    /// What there is of the records that entries name by their ids, no two the same: asked of all together.
    async fn named(&self, tx: &mut Writer) -> Result<HashMap<Name, Version>, DbError> {
        let names: Vec<(ResourceType, &LogicalId)> = self
            .entries()
            .filter_map(|(_, entry, _)| match &entry.task {
                Task::Update { target: Target::Id(id), .. }
                | Task::Patch { target: Target::Id(id), .. }
                | Task::Delete { target: Target::Id(id), .. } => Some((entry.resource_type, id)),
                _ => None,
            })
            .collect();
        let found = newest_of_each(tx, self.tenant, &names).await?.into_iter();
        Ok(found.map(|version| ((version.resource_type, version.id.clone()), version)).collect())
    }

    /// The record that an entry means, and whether it may be written.
    async fn find(
        &self,
        tx: &mut Writer,
        named: &mut HashMap<Name, Version>,
        (entry, step): (&Entry, &Step),
    ) -> Result<Found, WriteFault> {
        let of = entry.resource_type;
        let own = || (of, step.id.clone());
        let (target, expected) = match &entry.task {
            Task::Create { unless: None, .. } => return Ok(Found { stored: None, name: own() }),
            Task::Create { unless: Some((_, test)), .. } => {
                let stored = self.meant(tx, of, test).await?;
                let name = stored.as_ref().map_or_else(own, |stored| (of, stored.id.clone()));
                return Ok(Found { stored, name });
            }
            Task::Update { target, expected, .. }
            | Task::Patch { target, expected, .. }
            | Task::Delete { target, expected } => (target, *expected),
        };
        let stored = match target {
            Target::Id(id) => {
                let mut stored = named.remove(&(of, id.clone()));
                self.records.weigh(tx, self.tenant, &mut stored).await?;
                stored
            }
            Target::Where(_, test) => self.meant(tx, of, test).await?,
        };
        let judge = self.plan.transaction.judge.clone();
        let checked = Condition { expected, judge, keep: None }.check(stored.as_ref());
        if let (Task::Delete { .. }, Gone::Passed, Err(WriteFault::Withheld)) =
            (&entry.task, self.plan.transaction.gone, &checked)
        {
            return Ok(Found { stored: None, name: own() });
        }
        // With `ifMatch` none is as wrong as another version.  RFC 9110 §13.1.1
        if let (Target::Where(..), Expected::Version(_), None) = (target, expected, &stored) {
            return Err(WriteFault::NoneMeant);
        }
        checked?;
        let stored = match (&entry.task, stored) {
            (Task::Update { target: Target::Where(..), own: Some(own), .. }, stored) => {
                self.own(tx, of, own, stored).await?
            }
            (_, stored) => stored,
        };
        let is_there = stored.as_ref().is_some_and(|stored| !stored.is_deletion());
        match (&entry.task, target) {
            (Task::Patch { .. }, _) if !is_there => return Err(WriteFault::Missing),
            (Task::Update { .. }, Target::Id(_))
                if !is_there && self.plan.transaction.absent == Absent::Refuse =>
            {
                return Err(WriteFault::Missing);
            }
            // Who may delete some records only hears of one that is another's what is heard of none.
            (Task::Delete { .. }, Target::Id(_))
                if !is_there && self.plan.transaction.gone == Gone::Refused =>
            {
                return Err(WriteFault::Missing);
            }
            _ => {}
        }
        let name = stored.as_ref().map_or_else(own, |stored| (of, stored.id.clone()));
        Ok(Found { stored, name })
    }

    /// The record under an id that the caller chose, where a condition says which one is meant: that one, or none.
    async fn own(
        &self,
        tx: &mut Writer,
        of: ResourceType,
        own: &LogicalId,
        stored: Option<Version>,
    ) -> Result<Option<Version>, WriteFault> {
        match stored {
            Some(stored) if stored.id == *own => Ok(Some(stored)),
            Some(_) => Err(WriteFault::OtherId),
            None if self.plan.transaction.absent == Absent::Refuse => Err(WriteFault::Missing),
            None => match newest_version(tx, self.tenant, of, own).await? {
                Some(other) if !other.is_deletion() => Err(WriteFault::Taken),
                before => Ok(before),
            },
        }
    }

    async fn meant(
        &self,
        tx: &mut Writer,
        of: ResourceType,
        test: &Test,
    ) -> Result<Option<Version>, WriteFault> {
        let meant = Where { test: test.clone(), access: self.plan.transaction.access.clone() };
        meant.one(tx, self.records, self.tenant, of).await
    }

    /// "If any resource identities (including resolved identities from conditional update/delete) overlap, the transaction fails."
    fn apart(&self, found: &[Found]) -> Result<(), TransactionFault> {
        let mut writes: HashMap<&Name, usize> = HashMap::new();
        let mut reads: HashMap<&Name, usize> = HashMap::new();
        for ((at, entry, _), found) in self.entries().zip(found) {
            let is_read = matches!(&entry.task, Task::Create { .. }) && found.stored.is_some();
            let same = if is_read {
                reads.insert(&found.name, at);
                writes.get(&found.name).copied()
            } else {
                writes.insert(&found.name, at).or_else(|| reads.get(&found.name).copied())
            };
            if let Some(other) = same {
                return Err(Problem::SameRecord(other).of(at));
            }
        }
        Ok(())
    }

    /// The texts that had to wait.
    async fn late(
        &self,
        tx: &mut Writer,
        found: &[Found],
    ) -> Result<HashMap<usize, Ready>, TransactionFault> {
        let mut meant: HashMap<String, String> = HashMap::new();
        let mut ready = HashMap::new();
        for (at, entry, step) in self.entries() {
            let Some(own) = found.get(at) else { continue };
            let draft = match (&entry.task, &step.text, &own.stored) {
                (Task::Patch { patch, .. }, ..) => {
                    let stored = own.stored.as_ref().and_then(|stored| stored.body.as_ref());
                    let patched = patch(stored.map_or("", |body| body.as_str()));
                    let text = patched.map_err(|fault| Problem::Patch(fault).of(at))?;
                    let marked = mark(&text).map_err(|fault| Problem::Write(fault.into()).of(at))?;
                    if marked.resource_type != entry.resource_type {
                        return Err(Problem::WrongType.of(at));
                    }
                    let edits = self.resolved(tx, (at, &marked), found, &mut meant).await?;
                    written_at((at, &marked), &edits, found)?
                }
                // It stays as it is.
                (Task::Create { .. }, _, Some(_)) => continue,
                (_, Text::Guessed(_, marked), _) => {
                    let edits = self.resolved(tx, (at, marked), found, &mut meant).await?;
                    if marked.means_the_same(&self.plan.meant, &meant) {
                        continue;
                    }
                    written_at((at, marked), &edits, found)?
                }
                (_, Text::Marked(marked), _) => {
                    let edits = self.resolved(tx, (at, marked), found, &mut meant).await?;
                    written_at((at, marked), &edits, found)?
                }
                _ => continue,
            };
            ready.insert(at, draft.ready(self.tenant, self.records));
        }
        Ok(ready)
    }

    /// What its references become.
    async fn resolved(
        &self,
        tx: &mut Writer,
        (at, marked): (usize, &Marked),
        found: &[Found],
        meant: &mut HashMap<String, String>,
    ) -> Result<Vec<Edit>, TransactionFault> {
        let access = &self.plan.transaction.access;
        let asking = References { records: self.records, tenant: self.tenant, access };
        let mut edits = Vec::new();
        for mark in &marked.marks {
            match &mark.to {
                To::Url(url) => {
                    let entry = self.plan.entry_at(url).and_then(|entry| found.get(entry));
                    edits.extend(entry.map(|Found { name: (of, id), .. }| mark.edit(format!("{of}/{id}"))));
                }
                To::Where(of, words) => {
                    let known = match meant.get(words) {
                        Some(known) => known.clone(),
                        None => {
                            let known = asking.one(tx, *of, words).await.map_err(|problem| problem.of(at))?;
                            meant.insert(words.clone(), known.clone());
                            known
                        }
                    };
                    edits.push(mark.edit(known));
                }
            }
        }
        Ok(edits)
    }
}

/// What an entry writes.
fn ready_of<'r>(late: &'r HashMap<usize, Ready>, at: usize, step: &'r Step) -> Option<&'r Ready> {
    late.get(&at).or(match &step.text {
        Text::Ready(ready) | Text::Guessed(ready, _) => Some(ready),
        _ => None,
    })
}

fn written_at(
    (at, marked): (usize, &Marked),
    edits: &[Edit],
    found: &[Found],
) -> Result<Draft, TransactionFault> {
    let id = found.get(at).map(|found| found.name.1.clone());
    let id = id.ok_or_else(|| Problem::Write(WriteFault::Missing).of(at))?;
    written(marked, edits, id).map_err(|fault| Problem::Write(fault).of(at))
}

const fn round_of(task: &Task) -> u8 {
    match task {
        Task::Delete { .. } => 0,
        Task::Create { .. } => 1,
        Task::Update { .. } | Task::Patch { .. } => 2,
    }
}

fn put(sheet: &mut Sheet<'_>, task: &Task, found: &Found, ready: Option<&Ready>) -> Result<Done, WriteFault> {
    let stored = found.stored.as_ref();
    let live = stored.filter(|stored| !stored.is_deletion());
    let method = match task {
        Task::Delete { .. } => {
            return Ok(live.map_or(Done::Absent, |stored| Done::Deleted(sheet.tombstone(stored))));
        }
        Task::Create { .. } => {
            if let Some(stored) = stored {
                return Ok(Done::Existing(stored.clone()));
            }
            Method::Post
        }
        Task::Update { .. } => Method::Put,
        Task::Patch { .. } => Method::Patch,
    };
    let ready = ready.ok_or(WriteFault::Missing)?;
    let version = sheet.put(ready, method, stored)?;
    Ok(if live.is_some() { Done::Updated(version) } else { Done::Created(version) })
}
