//! PostgreSQL: a pool of connections, and threads on which units of work run.

mod dial;
mod fault;
mod lazily;
mod listen;
mod recurring;
mod session;
mod settings;
mod threads;
mod turn;

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{ManagerConfig, Pool, PoolError, QueueMode, RecyclingMethod, Runtime, Timeouts};
use kernel::Secret;
use tokio::sync::{Semaphore, mpsc};

pub(crate) use session::{Session, cell_at, cell_named};

use crate::{
    DbError, Notify, Reader, StoreConfig, Writer,
    lazy::{Lazy, Queue, Wake},
    overheard::Ear,
    postgres::{
        dial::Dialer,
        fault::cannot_connect,
        recurring::Recurring,
        settings::Settings,
        threads::{Task, Threads},
    },
    sqlite::take_slot,
    unit::Unit,
};

/// How long making one connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Units and scans that may wait for a connection.
const UNIT_QUEUE_MAX: usize = 4_096;
/// How long `close` waits for units that are running.
const CLOSE_MAX: Duration = Duration::from_secs(10);

/// The pool, shared by callers and unit threads.
pub(crate) struct Connections {
    pool: Pool,
    recurring: Arc<Recurring>,
    statement_max: Duration,
    notify: Notify,
    ear: Arc<Ear>,
}

impl Connections {
    async fn session(&self) -> Result<Session, DbError> {
        match self.pool.get().await {
            Ok(object) => {
                let (recurring, ear) = (Arc::clone(&self.recurring), Arc::clone(&self.ear));
                Ok(Session::new(object, self.statement_max, recurring, ear))
            }
            Err(PoolError::Timeout(deadpool_postgres::TimeoutType::Wait)) => {
                Err(DbError::Busy { limit: "connections_max" })
            }
            Err(PoolError::Timeout(_)) => Err(DbError::unavailable("no connection within CONNECT_MAX")),
            Err(PoolError::Backend(error)) => Err(cannot_connect(&error)),
            Err(PoolError::Closed) => Err(DbError::Closed),
            Err(PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_)) => {
                Err(DbError::unavailable("the pool is set up wrongly"))
            }
        }
    }
}

/// An open PostgreSQL database.
pub(crate) struct Postgres {
    connections: Arc<Connections>,
    threads: Threads,
    slots: Arc<Semaphore>,
    lazies: mpsc::UnboundedSender<lazily::Order>,
    lazy: Arc<Queue>,
    wait_max: Duration,
}

impl Postgres {
    pub(crate) async fn open(
        config: &StoreConfig,
        url: &Secret<String>,
        (notify, ear): (Notify, Arc<Ear>),
    ) -> Result<Self, DbError> {
        let settings = Settings::read(url, config)?;
        let threads = Threads::start()?;
        let (first, others) = threads.handles();
        let dialer = Arc::new(Dialer::new(settings, first, others, notify.clone()));
        let manager = deadpool_postgres::Manager::from_connect(
            dialer.config().clone(),
            dial::PoolDialer(Arc::clone(&dialer)),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let timeouts =
            Timeouts { wait: Some(config.wait_max), create: Some(CONNECT_MAX), recycle: Some(CONNECT_MAX) };
        let pool = Pool::builder(manager)
            .max_size(usize::from(config.connections_max.max(1)))
            .timeouts(timeouts)
            // Whoever was used last has its statements prepared.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| DbError::setting("the pool could not be set up"))?;
        let connections = Arc::new(Connections {
            recurring: Arc::new(Recurring::new(pool.clone())),
            pool,
            statement_max: config.statement_max,
            notify: notify.clone(),
            ear,
        });
        settings::check_version(&mut Reader::postgres(connections.session().await?)).await?;
        listen::start(Arc::clone(&dialer), notify).await?;
        let lazy = Arc::new(Queue::new());
        let (lazies, orders) = mpsc::unbounded_channel();
        threads.give(Task::Lazies(lazily::Lazies::new(
            Arc::clone(&connections),
            Arc::clone(&lazy),
            orders,
        )))?;
        Ok(Self {
            connections,
            threads,
            slots: Arc::new(Semaphore::new(UNIT_QUEUE_MAX)),
            lazies,
            lazy,
            wait_max: config.wait_max,
        })
    }

    pub(crate) async fn write(&self, unit: Box<dyn Unit<Writer>>) -> Result<(), DbError> {
        let slot = take_slot(&self.slots, self.wait_max, "UNIT_QUEUE_MAX").await?;
        self.threads.give(Task::Write(Arc::clone(&self.connections), unit, slot))
    }

    pub(crate) async fn scan(&self, unit: Box<dyn Unit<Reader>>) -> Result<(), DbError> {
        let slot = take_slot(&self.slots, self.wait_max, "UNIT_QUEUE_MAX").await?;
        self.threads.give(Task::Scan(Arc::clone(&self.connections), unit, slot))
    }

    pub(crate) async fn read(&self) -> Result<Reader, DbError> {
        self.connections.session().await.map(Reader::postgres)
    }

    pub(crate) fn write_lazy(&self, lazy: Lazy) {
        let told = match self.lazy.push(lazy) {
            Wake::Not => return,
            Wake::First => self.lazies.send(lazily::Order::Gather),
            Wake::Full => self.lazies.send(lazily::Order::Flush),
        };
        if told.is_err() {
            self.lazy.abandon();
        }
    }

    pub(crate) async fn flush_lazy(&self) -> Result<(), DbError> {
        self.lazies.send(lazily::Order::Flush).map_err(|_| DbError::Closed)?;
        self.lazy.flushed().await
    }

    pub(crate) fn lazy_dropped(&self) -> u64 {
        self.lazy.dropped()
    }

    pub(crate) async fn close(&self) {
        self.slots.close();
        if let Err(fault) = self.flush_lazy().await {
            tracing::warn!(%fault, "lazy writes may be lost");
        }
        drop(self.lazies.send(lazily::Order::Close));
        if tokio::time::timeout(CLOSE_MAX, self.threads.drain()).await.is_err() {
            tracing::warn!("units of work did not finish within CLOSE_MAX");
        }
        self.connections.pool.close();
        self.threads.end();
        self.connections.notify.close();
    }
}
