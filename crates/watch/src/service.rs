//! What everything here works with.

use std::{ops::Deref, sync::Arc, time::Duration};

use kernel::World;
use store::Db;
use web::{Shutdown, Streams, Tasks};

use crate::{
    Integrations, Log,
    alert::Mailer,
    line::{CAUGHT_UP_IN, keep_writing},
};

/// What watching needs of the house.
pub struct Parts {
    /// The database.
    pub db: Db,
    /// Where lines and numbers are: on SQLite a file of its own.
    pub log_db: Db,
    /// Time and chance.
    pub world: World,
    /// What is watched.
    pub integrations: Arc<dyn Integrations>,
    /// What takes lines in: the one half of [`Log::open`].
    pub log: Log,
    /// How long lines and numbers are kept.
    pub kept: Duration,
    /// Sends alerts by mail; none where that is not set up.
    pub mailer: Option<Mailer>,
    /// When to end.
    pub shutdown: Shutdown,
}

/// Watching. Cheap to clone.
#[derive(Clone)]
pub struct Watch(Arc<Inner>);

/// What a [`Watch`] holds.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) log_db: Db,
    pub(crate) world: World,
    pub(crate) integrations: Arc<dyn Integrations>,
    pub(crate) log: Log,
    pub(crate) kept: Duration,
    pub(crate) mailer: Option<Mailer>,
    pub(crate) streams: Streams,
    pub(crate) shutdown: Shutdown,
}

impl Deref for Watch {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Watch {
    /// With these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            db: parts.db,
            log_db: parts.log_db,
            world: parts.world,
            integrations: parts.integrations,
            log: parts.log,
            kept: parts.kept,
            mailer: parts.mailer,
            streams: Streams::default(),
            shutdown: parts.shutdown,
        }))
    }

    /// Whether mail can be sent.
    pub(crate) fn is_mailing(&self) -> bool {
        self.mailer.is_some()
    }

    /// Where lines are said.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Where lines and numbers are read: what this node has said before is there by now.
    pub(crate) async fn said(&self) -> &Db {
        // What is late is there at the next look.
        let _is_whole = self.log.caught_up(CAUGHT_UP_IN).await;
        &self.log_db
    }

    /// The database of lines and numbers.
    pub fn log_db(&self) -> &Db {
        &self.log_db
    }
}

/// A log of which the lines are written into this database from now on, until the shutdown begins.
pub fn open_log(db: &Db, world: &World, tasks: &Tasks, shutdown: &Shutdown) -> Log {
    let (log, notes) = Log::open(world);
    tasks.spawn(keep_writing(db.clone(), log.clone(), notes, shutdown.clone()));
    log
}
