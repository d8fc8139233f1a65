//! What everything here works with.

use std::{ops::Deref, sync::Arc};

use kernel::World;
use outbound::Outbound;
use store::Db;
use vault::Vault;
use web::{Shutdown, Streams, Tasks};

use crate::{
    delivery::{Pace, Places},
    event::EventType,
    inbound::{Heard, Recipes},
};

/// What webhooks need of the house.
pub struct Parts {
    /// The database.
    pub db: Db,
    /// Seals keys and answers.
    pub vault: Vault,
    /// Time and chance.
    pub world: World,
    /// The way out.
    pub outbound: Outbound,
    /// What can happen.
    pub event_types: &'static [EventType],
    /// How providers prove themselves.
    pub recipes: Arc<dyn Recipes>,
    /// Hears what comes in.
    pub heard: Arc<dyn Heard>,
    /// How long calls take and lanes are held.
    pub pace: Pace,
    /// Runs what goes on beside requests.
    pub tasks: Tasks,
    /// When to end.
    pub shutdown: Shutdown,
}

/// Webhooks. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

/// What a [`Webhooks`] holds.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) vault: Vault,
    pub(crate) world: World,
    pub(crate) outbound: Outbound,
    pub(crate) event_types: &'static [EventType],
    pub(crate) recipes: Arc<dyn Recipes>,
    pub(crate) heard: Arc<dyn Heard>,
    pub(crate) pace: Pace,
    pub(crate) places: Places,
    pub(crate) streams: Streams,
    pub(crate) tasks: Tasks,
    pub(crate) shutdown: Shutdown,
}

impl Deref for Webhooks {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Webhooks {
    /// Endpoints that can be managed; nobody is told anything before [`Webhooks::begin`].
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            db: parts.db,
            vault: parts.vault,
            world: parts.world,
            outbound: parts.outbound,
            event_types: parts.event_types,
            recipes: parts.recipes,
            heard: parts.heard,
            pace: parts.pace,
            places: Places::new(),
            streams: Streams::default(),
            tasks: parts.tasks,
            shutdown: parts.shutdown,
        }))
    }

    /// From now on give events their places and tell of them, until the shutdown begins.
    pub fn begin(&self) {
        self.tasks.spawn(crate::event::keep_following(self.clone()));
        self.tasks.spawn(crate::delivery::keep_delivering(self.clone()));
    }
}
