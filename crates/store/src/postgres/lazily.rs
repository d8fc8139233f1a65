//! Lazy writes on PostgreSQL: gathered for a moment, committed together.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::Instant};

use crate::{
    DbError, Engine,
    lazy::{LAZY_WAIT, Lazy, Queue},
    postgres::Connections,
};

/// How often a group is tried while the server is away, before it is dropped.
const TRIES_MAX: u32 = 5;
/// The pause between two tries.
const TRY_PAUSE: Duration = Duration::from_secs(1);

pub(super) enum Order {
    /// Some wait: write them when others have had the time to join them.
    Gather,
    /// Write what waits now.
    Flush,
    Close,
}

pub(super) struct Lazies {
    connections: Arc<Connections>,
    queue: Arc<Queue>,
    orders: mpsc::UnboundedReceiver<Order>,
}

impl Lazies {
    pub(super) const fn new(
        connections: Arc<Connections>,
        queue: Arc<Queue>,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> Self {
        Self { connections, queue, orders }
    }

    pub(super) async fn run(mut self) {
        while let Some(order) = self.orders.recv().await {
            let goes_on = match order {
                Order::Gather => self.gather().await,
                Order::Flush => true,
                Order::Close => false,
            };
            loop {
                let group = self.queue.group();
                if group.is_empty() {
                    break;
                }
                self.write(&group).await;
                self.queue.settle(group.len());
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Let others join the first. False when there will be no more.
    async fn gather(&mut self) -> bool {
        let due = Instant::now() + LAZY_WAIT;
        loop {
            match tokio::time::timeout_at(due, self.orders.recv()).await {
                Ok(Some(Order::Gather)) => {}
                Ok(Some(Order::Flush)) | Err(_) => return true,
                Ok(Some(Order::Close) | None) => return false,
            }
        }
    }

    async fn write(&self, group: &[Lazy]) {
        for _ in 0..TRIES_MAX {
            match self.together(group).await {
                Ok(()) => return,
                Err(DbError::Unavailable { .. } | DbError::Busy { .. } | DbError::CommitUnknown) => {
                    tokio::time::sleep(TRY_PAUSE).await;
                }
                // One of them is wrong: the others must not suffer for it.
                Err(_) => return self.singly(group).await,
            }
        }
        self.queue.drop_some(group.len() as u64, "the database is unavailable");
    }

    async fn together(&self, group: &[Lazy]) -> Result<(), DbError> {
        let mut session = self.connections.session().await?;
        session.begin("BEGIN").await?;
        for lazy in group {
            session.execute(lazy.sql.text(Engine::Postgres), &lazy.binds).await?;
        }
        session.end("COMMIT").await
    }

    async fn singly(&self, group: &[Lazy]) {
        for lazy in group {
            let done = match self.connections.session().await {
                Ok(mut session) => {
                    session.execute(lazy.sql.text(Engine::Postgres), &lazy.binds).await.map(drop)
                }
                Err(fault) => Err(fault),
            };
            if let Err(fault) = done {
                tracing::error!(%fault, "a lazy write failed");
                self.queue.drop_some(1, "the statement failed");
            }
        }
    }
}
