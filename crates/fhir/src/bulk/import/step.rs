//! One step of an import: a piece of what was sent, written in the unit that says how far it is.

use std::collections::HashSet;

use serde_json::Value;
use store::{DbError, Writer};

use super::{
    line::{self, Sent},
    queries::{self as own, Counts},
};
use crate::{
    Fhir,
    bulk::{
        chunk::{Chunk, Lines, append, unpack},
        held::Standing,
        queries::{self, Progress},
        row::{Job, Role},
    },
    outcome::{Severity, Told},
    resource::{Author, Condition, Draft, Method, Ready, Rid, Sheet, Version, WriteFault, newest_version},
    tenant::Tenant,
};

/// The file of what was sent.
const INPUT: i64 = 1;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    On,
    Through,
    Overtaken,
}

/// A line, by its number.
type Line = (i64, Result<Sent, Vec<Told>>);

/// Go on by one step.
pub(super) async fn step(fhir: &Fhir, job: &Job<Value>, standing: &Standing) -> Result<Stepped, DbError> {
    if job.place >= job.horizon {
        return Ok(Stepped::Through);
    }
    let (key, from) = ((job.tenant, job.id), job.place);
    let found = queries::chunk_at(&mut fhir.db.read().await?, key, (INPUT, from.number())).await?;
    let missing = || DbError::Corrupt { why: "a piece of what was sent is missing".into() };
    let (starts, bytes, body) = found.filter(|(starts, ..)| *starts == from.number()).ok_or_else(missing)?;
    let text = String::from_utf8(unpack(&body, bytes)?).map_err(|_| missing())?;
    let numbered = (job.resources + 1..).zip(text.lines());
    let lines: Vec<Line> = numbered
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| (number, line::read(fhir, standing, line)))
        .collect();
    let all = i64::try_from(text.lines().count()).unwrap_or(i64::MAX);
    let step = Progress { from, to: Rid::numbered(starts + bytes), resources: all, packed_bytes: 0 };
    let unit = Unit {
        fhir: fhir.clone(),
        tenant: standing.site.tenant.clone(),
        author: job.held.author(),
        lines: std::sync::Arc::new(lines),
    };
    let done = fhir.db.write_in_turn(job.tenant, async move |tx: &mut Writer| {
        if !queries::advance(tx, key, step, unit.fhir.world.now()).await? {
            return Ok(Stepped::Overtaken);
        }
        let (counts, errors) = unit.write(tx).await?;
        own::count(tx, key, counts).await?;
        append(tx, key, &errors).await?;
        Ok::<_, DbError>(Stepped::On)
    });
    done.await
}

struct Unit {
    fhir: Fhir,
    tenant: Tenant,
    author: Author,
    lines: std::sync::Arc<Vec<Line>>,
}

/// What a line comes to, once it is known what is stored.
enum Decided {
    Write(Option<Version>),
    Unchanged,
    Refused(Vec<Told>),
}

impl Unit {
    async fn write(&self, tx: &mut Writer) -> Result<(Counts, Vec<Chunk>), DbError> {
        let (mut counts, mut errors) = (Counts::default(), Lines::default());
        let mut waiting: Vec<(&Ready, Option<Version>)> = Vec::new();
        let mut named = HashSet::new();
        for (number, line) in self.lines.iter() {
            let sent = match line {
                Ok(sent) => sent,
                Err(issues) => {
                    counts.refused += 1;
                    errors.push(Role::Error, "OperationOutcome", &line::told(*number, issues))?;
                    continue;
                }
            };
            // A record that stands in two lines is written twice, one version after the other.
            if !named.insert((sent.of, &sent.id)) {
                self.put(tx, &mut waiting).await?;
                named.clear();
                named.insert((sent.of, &sent.id));
            }
            match self.decide(tx, sent).await? {
                Decided::Write(stored) => {
                    counts.stored += 1;
                    waiting.push((&sent.ready, stored));
                }
                Decided::Unchanged => counts.unchanged += 1,
                Decided::Refused(issues) => {
                    counts.refused += 1;
                    errors.push(Role::Error, "OperationOutcome", &line::told(*number, &issues))?;
                }
            }
        }
        self.put(tx, &mut waiting).await?;
        Ok((counts, errors.chunks()?))
    }

    async fn decide(&self, tx: &mut Writer, sent: &Sent) -> Result<Decided, DbError> {
        let mut stored = newest_version(tx, &self.tenant, sent.of, &sent.id).await?;
        self.fhir.records.weigh(tx, &self.tenant, &mut stored).await?;
        let live = stored.as_ref().filter(|stored| !stored.is_deletion());
        let condition = Condition { judge: sent.judge.clone(), ..Condition::default() };
        // Another's is answered as what is not there.
        if condition.check(stored.as_ref()).is_err() || (live.is_none() && sent.has_to_be_there) {
            let words = "there is no such record, and none may be made under an id that is named";
            let told = Told::new(Severity::Error, "not-found", words).with_message("MSG_NO_EXIST");
            return Ok(Decided::Refused(vec![told]));
        }
        let before = live.and_then(|live| live.body.as_ref());
        let before = before.and_then(|body| Draft::parse(body.as_str(), sent.id.clone()).ok());
        match before.is_some_and(|before| before.text() == sent.ready.text()) {
            true => Ok(Decided::Unchanged),
            false => Ok(Decided::Write(stored)),
        }
    }

    async fn put(
        &self,
        tx: &mut Writer,
        waiting: &mut Vec<(&Ready, Option<Version>)>,
    ) -> Result<(), DbError> {
        if waiting.is_empty() {
            return Ok(());
        }
        let mut sheet = Sheet::draw(tx, &self.fhir.records, &self.tenant, waiting.len()).await?;
        for (ready, stored) in waiting.drain(..) {
            sheet.put(ready, Method::Put, stored.as_ref())?;
        }
        match sheet.write(tx, &self.author).await {
            Err(WriteFault::Store(fault)) => Err(fault),
            // Lines bring no Provenance, which alone could be refused here.
            Err(other) => Err(DbError::Corrupt { why: other.to_string().into() }),
            Ok(()) => Ok(()),
        }
    }
}
