//! Lazy writes on PostgreSQL: gathered for a moment, committed together.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::Instant};

use crate::{
    DbError, Engine,
    lazy::{Gauge, LAZY_GROUP_MAX, LAZY_WAIT, Lazy},
    postgres::Connections,
};

/// How often a group is tried while the server is away, before it is dropped.
const TRIES_MAX: u32 = 5;
/// The pause between two tries.
const TRY_PAUSE: Duration = Duration::from_secs(1);

pub(super) enum Order {
    Write(Lazy),
    Flush,
    Close,
}

pub(super) struct Lazies {
    connections: Arc<Connections>,
    gauge: Arc<Gauge>,
    orders: mpsc::UnboundedReceiver<Order>,
}

impl Lazies {
    pub(super) const fn new(
        connections: Arc<Connections>,
        gauge: Arc<Gauge>,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> Self {
        Self { connections, gauge, orders }
    }

    pub(super) async fn run(mut self) {
        while let Some(order) = self.orders.recv().await {
            let first = match order {
                Order::Write(first) => first,
                Order::Flush => continue,
                Order::Close => return,
            };
            let group = self.gather(first).await;
            self.write(&group).await;
            self.gauge.settle(group.len());
        }
    }

    async fn gather(&mut self, first: Lazy) -> Vec<Lazy> {
        let due = Instant::now() + LAZY_WAIT;
        let mut group = vec![first];
        while group.len() < LAZY_GROUP_MAX {
            match tokio::time::timeout_at(due, self.orders.recv()).await {
                Ok(Some(Order::Write(lazy))) => group.push(lazy),
                Ok(Some(Order::Flush | Order::Close) | None) | Err(_) => break,
            }
        }
        group
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
        self.gauge.drop_some(group.len() as u64, "the database is unavailable");
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
                self.gauge.drop_some(1, "the statement failed");
            }
        }
    }
}
