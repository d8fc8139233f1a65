//! Rows of what wrote nothing, on their way: written together, in the order in which they came, and never dropped. Who waits in vain for
//! room is not answered.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use kernel::{Fault, Kind};
use store::{Db, DbError, Writer};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{sleep, timeout},
};
use web::Shutdown;

use super::{
    Agents, Row,
    row::{self, Told},
};
use crate::{Fhir, tenant::Tenant};

/// Rows that wait to be written; an answer waits for room.
pub const AUDIT_QUEUE_MAX: usize = 8_192;
/// Rows of one transaction.
pub const AUDIT_GROUP_MAX: usize = 512;
/// How long the first of a group waits for others. A commit for every few reads would cost more than the reads: each makes every reader of
/// SQLite forget the pages that it has.
pub const AUDIT_GATHERED: Duration = Duration::from_millis(50);
/// How long an answer waits for room.
pub const AUDIT_WAIT: Duration = Duration::from_secs(2);
/// How long a write that failed waits to be tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long after the shutdown has begun rows are waited for; those that come later are written by whoever brings them.
const LAST_ROWS: Duration = Duration::from_millis(200);

/// There is no room: the database does not take rows at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail takes no rows: AUDIT_QUEUE_MAX are waiting")]
pub struct Untold;

impl Fault for Untold {
    fn kind(&self) -> Kind {
        Kind::Unavailable
    }
    fn public(&self) -> std::borrow::Cow<'static, str> {
        "what is done here cannot be recorded at the moment, so it is not answered; try again later".into()
    }
    fn retry_after_s(&self) -> Option<u64> {
        Some(1)
    }
}

enum Message {
    Row(Box<(Tenant, Told)>),
    /// Say when all before this is durable.
    Settle(oneshot::Sender<()>),
}

/// The way of rows into the database.
#[derive(Clone)]
pub(crate) struct Trail {
    rows: mpsc::Sender<Message>,
    /// A group is not to wait any longer.
    hurry: Arc<Notify>,
}

/// Its other end.
pub(crate) struct Rows {
    rows: mpsc::Receiver<Message>,
    hurry: Arc<Notify>,
}

impl Trail {
    pub fn new() -> (Self, Rows) {
        let (sender, receiver) = mpsc::channel(AUDIT_QUEUE_MAX);
        let hurry = Arc::new(Notify::new());
        (Self { rows: sender, hurry: Arc::clone(&hurry) }, Rows { rows: receiver, hurry })
    }

    /// Take a row; `patients` are those whose records there were in the answer.
    pub async fn keep(
        &self,
        fhir: &Fhir,
        tenant: Tenant,
        row: Row,
        patients: &BTreeSet<String>,
    ) -> Result<(), Untold> {
        let told = row.told(&tenant, &super::targets(&tenant, patients));
        let message = Message::Row(Box::new((tenant, told)));
        if self.rows.capacity() == 0 {
            self.hurry.notify_one();
        }
        match self.rows.send_timeout(message, AUDIT_WAIT).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(Untold),
            Err(mpsc::error::SendTimeoutError::Closed(Message::Row(last))) => {
                let (records, told) = (fhir.records.clone(), Arc::new([*last]));
                let written = fhir.db.write(async move |tx: &mut Writer| {
                    row::write(tx, records.agents(), told.as_slice()).await
                });
                written.await.map(|_| ()).map_err(|_: DbError| Untold)
            }
            Err(mpsc::error::SendTimeoutError::Closed(Message::Settle(_))) => Ok(()),
        }
    }

    /// Wait until all that was taken before is durable, so that whoever asks for audit events finds it.
    pub async fn settled(&self) {
        let (done, all) = oneshot::channel();
        if self.rows.send(Message::Settle(done)).await.is_ok() {
            self.hurry.notify_one();
            // Whoever goes away has written what it took.
            let _ended = all.await;
        }
    }
}

/// Write rows until told to stop and for as long as some come.
pub(crate) async fn keep_writing(db: Db, agents: Arc<Agents>, rows: Rows, shutdown: Shutdown) {
    gather(db, agents, rows, shutdown, || sleep(AUDIT_GATHERED)).await;
}

/// The same; the first of each group waits for others as long as `wait` does.
async fn gather<W: Future<Output = ()>>(
    db: Db,
    agents: Arc<Agents>,
    mut rows: Rows,
    shutdown: Shutdown,
    wait: impl Fn() -> W,
) {
    let mut waiting = Vec::new();
    loop {
        waiting.clear();
        let first = tokio::select! {
            biased;
            first = rows.rows.recv() => first,
            () = shutdown.begun() => match timeout(LAST_ROWS, rows.rows.recv()).await {
                Ok(first) => first,
                // What is still there is given out before the end.
                Err(_) => {
                    rows.rows.close();
                    rows.rows.recv().await
                }
            },
        };
        let Some(first) = first else { return };
        // Nothing is received meanwhile, so that the rows that come wake nobody.
        if rows.rows.len() < AUDIT_GROUP_MAX && !matches!(first, Message::Settle(_)) {
            tokio::select! {
                () = wait() => {}
                () = rows.hurry.notified() => {}
                () = shutdown.begun() => {}
            }
        }
        waiting.push(first);
        while waiting.len() < AUDIT_GROUP_MAX
            && let Ok(next) = rows.rows.try_recv()
        {
            waiting.push(next);
        }
        write(&db, &agents, &mut waiting).await;
    }
}

async fn write(db: &Db, agents: &Arc<Agents>, waiting: &mut Vec<Message>) {
    let (mut told, mut settled) = (Vec::new(), Vec::new());
    for message in waiting.drain(..) {
        match message {
            Message::Row(one) => told.push(*one),
            Message::Settle(done) => settled.push(done),
        }
    }
    let told: Arc<[(Tenant, Told)]> = told.into();
    while !told.is_empty() {
        let (rows, known) = (Arc::clone(&told), Arc::clone(agents));
        let written = db.write(async move |tx: &mut Writer| row::write(tx, &known, &rows).await);
        match written.await {
            Ok(now_known) => {
                agents.know(now_known);
                break;
            }
            Err(DbError::Closed) => {
                tracing::error!(rows = told.len(), "the database is closed: audit events are lost");
                break;
            }
            Err(why) => {
                tracing::error!(%why, rows = told.len(), "audit events are not written; it will be tried again");
                sleep(AGAIN_AFTER).await;
            }
        }
    }
    for done in settled {
        // Who asked may have gone.
        let _gone = done.send(());
    }
}

#[cfg(test)]
mod tests {
    use kernel::World;
    use store::{binds, check::overhear};

    use super::*;
    use crate::{
        audit_event::{Agent, Did},
        tenant,
    };

    /// Only a row that nobody will ever write takes this long.
    const EVER: Duration = Duration::from_secs(60);

    fn row(world: &World, tenant: &Tenant) -> Message {
        let row = Row {
            id: world.new_id(),
            agent: Arc::new(Agent::system()),
            did: Did::Read,
            status: 200,
            places: None,
            named: Some("Patient/1".to_owned()),
            asked: None,
            patients: Vec::new(),
            request: None,
        };
        Message::Row(Box::new((tenant.clone(), row.told(tenant, &BTreeSet::new()))))
    }

    testkit::on_each_engine!(
        async fn rows_that_come_while_the_first_one_waits_share_its_commit(db: Db) {
            let (world, _) = testkit::world();
            let own = world.clone();
            let opened = db.write(async move |tx: &mut Writer| {
                tenant::open(tx, &own, own.new_id(), own.new_id(), "HCNORTH").await
            });
            let tenant = opened.await.unwrap_or_else(|error: DbError| panic!("{error}"));
            let (trail, rows) = Trail::new();
            let (waits, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let overheard = overhear(&db);
            let (own, told, waited) = (db.clone(), Arc::clone(&waits), Arc::clone(&goes_on));
            let mut writing = tokio::task::JoinSet::new();
            writing.spawn(async move {
                let wait = || {
                    told.notify_one();
                    waited.notified()
                };
                gather(own, Arc::default(), rows, Shutdown::new(), wait).await;
            });
            assert!(trail.rows.send(row(&world, &tenant)).await.is_ok());
            assert!(timeout(EVER, waits.notified()).await.is_ok(), "the first row waits for others");
            for _ in 1..20 {
                assert!(trail.rows.send(row(&world, &tenant)).await.is_ok());
            }
            let commits = |all: &[Box<str>]| all.iter().filter(|text| &***text == "COMMIT").count();
            assert_eq!(commits(&overheard.take()), 0);
            goes_on.notify_one();
            // Asked for behind them: it neither begins a group nor hurries one.
            let (done, settled) = oneshot::channel();
            assert!(trail.rows.send(Message::Settle(done)).await.is_ok());
            assert!(timeout(EVER, settled).await.is_ok());
            assert_eq!(commits(&overheard.take()), 1, "a commit for all of them");
            let sql = "SELECT COUNT(*) FROM fhir_audit";
            let read: Result<(i64,), _> = db.read().await.unwrap().one(sql, binds![]).await;
            assert_eq!(read.unwrap().0, 20);
            writing.abort_all();
        },
        migrations = [audit::MIGRATIONS, vault::MIGRATIONS, jobs::MIGRATIONS, crate::MIGRATIONS]
    );
}
