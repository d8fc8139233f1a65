//! The state of this crate, and how it hears of changes.

use std::{ops::Deref, sync::Arc, time::Duration};

use jobs::Worker;
use kernel::{Client, Connection, Id, Integration as IntegrationKind, Person, Timestamp, World};
use quick_cache::sync::Cache;
use store::{Db, Signal, binds};
use tokio::sync::watch as tell;
use url::Url;
use vault::Vault;
use watch::Log;
use web::{RateLimiter, Shutdown, Tasks};

use crate::{
    Clients, People, Syncs,
    cache::{BELIEVED_FOR, Shelf},
    connection,
    credential::{Flights, Live, RefreshPolicy, RevokeAtProvider, SWEEP_EVERY, SweepTokenJournal},
    integration::{self, Integration},
    provider::{Catalogue, OAuth2Code},
    trust::{self, Trust},
    upstream::Shares,
};
use outbound::Outbound;

/// The most entries of each kind that are kept in memory.
const INTEGRATIONS_MAX: usize = 1_000;
const TRUSTS_MAX: usize = 10_000;
const CONNECTIONS_MAX: usize = 100_000;
/// How long a discovered grant is believed.
const DISCOVERY_BELIEVED_FOR: Duration = Duration::from_secs(3600);
/// How long a person's time zone is believed.
const TIME_ZONE_BELIEVED_FOR: Duration = Duration::from_secs(6 * 3600);
/// How often the last use of a connection by a client is written down.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

/// What this crate is made of.
pub struct Parts {
    /// The database, migrated.
    pub db: Db,
    /// The keys.
    pub vault: Vault,
    /// Time and chance.
    pub world: World,
    /// The providers.
    pub catalogue: Catalogue,
    /// Registered clients.
    pub clients: Arc<dyn Clients>,
    /// The channel on which changes of clients are told: what trust is worth depends on them.
    pub clients_channel: &'static str,
    /// People with browsers.
    pub people: Arc<dyn People>,
    /// What fetches data by itself.
    pub syncs: Arc<dyn Syncs>,
    /// Where it is told what goes on with an integration.
    pub log: Log,
    /// Counts calls.
    pub limiter: RateLimiter,
    /// The guarded HTTP client.
    pub outbound: Outbound,
    /// Runs what goes on beside requests.
    pub tasks: Tasks,
    /// When to end.
    pub shutdown: Shutdown,
    /// The base under which browsers reach this deployment.
    pub public_url: Url,
    /// How tokens are renewed.
    pub refresh: RefreshPolicy,
}

/// The broker. Cheap to clone.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

/// What a [`Broker`] holds.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) vault: Vault,
    pub(crate) world: World,
    pub(crate) catalogue: Catalogue,
    pub(crate) clients: Arc<dyn Clients>,
    pub(crate) people: Arc<dyn People>,
    pub(crate) syncs: Arc<dyn Syncs>,
    pub(crate) log: Log,
    pub(crate) limiter: RateLimiter,
    pub(crate) outbound: Outbound,
    pub(crate) tasks: Tasks,
    pub(crate) public_url: Url,
    pub(crate) policy: RefreshPolicy,
    /// Tells this process from others that renew.
    pub(crate) node: [u8; 16],
    pub(crate) integrations: Shelf<String, Integration>,
    pub(crate) trusts: Shelf<(Id<Client>, Id<IntegrationKind>), Trust>,
    pub(crate) live: Shelf<(Id<Person>, Id<IntegrationKind>), Live>,
    pub(crate) code_flows: Shelf<(Id<IntegrationKind>, i64), OAuth2Code>,
    pub(crate) shares: Shelf<Id<IntegrationKind>, Shares>,
    pub(crate) time_zones: Shelf<Id<Connection>, String>,
    pub(crate) flights: Flights,
    /// Counts changes of connections, anywhere.
    pub(crate) changes: tell::Sender<u64>,
    uses: Cache<(Id<Connection>, Id<Client>), Timestamp>,
}

impl Deref for Broker {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Broker {
    /// The broker, which from now on hears of changes that other nodes make.
    pub fn new(parts: Parts) -> Self {
        let node = parts.world.random();
        let broker = Self(Arc::new(Inner {
            db: parts.db,
            vault: parts.vault,
            world: parts.world,
            catalogue: parts.catalogue,
            clients: parts.clients,
            people: parts.people,
            syncs: parts.syncs,
            log: parts.log,
            limiter: parts.limiter,
            outbound: parts.outbound,
            tasks: parts.tasks,
            public_url: parts.public_url,
            policy: parts.refresh,
            node,
            integrations: Shelf::new(INTEGRATIONS_MAX, BELIEVED_FOR),
            trusts: Shelf::new(TRUSTS_MAX, BELIEVED_FOR),
            live: Shelf::new(CONNECTIONS_MAX, BELIEVED_FOR),
            code_flows: Shelf::new(INTEGRATIONS_MAX, DISCOVERY_BELIEVED_FOR),
            shares: Shelf::new(INTEGRATIONS_MAX, BELIEVED_FOR),
            time_zones: Shelf::new(CONNECTIONS_MAX, TIME_ZONE_BELIEVED_FOR),
            flights: Flights::default(),
            changes: tell::Sender::new(0),
            uses: Cache::new(CONNECTIONS_MAX),
        }));
        broker.tasks.spawn(listen(broker.clone(), parts.clients_channel, parts.shutdown));
        broker
    }

    /// The catalogue of providers.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Note that a client made use of a connection, now and then.
    pub(crate) fn note_use(&self, connection: Id<Connection>, client: Id<Client>) {
        let now = self.world.now();
        let key = (connection, client);
        if self.uses.get(&key).is_some_and(|noted| now.since(noted) < USE_NOTED_EVERY) {
            return;
        }
        self.uses.insert(key, now);
        self.db.write_lazy(connection::queries::NOTE_USE, binds![connection, client, now]);
    }

    fn forget_everything(&self) {
        self.integrations.forget_all();
        self.trusts.forget_all();
        self.live.forget_all();
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// The work of this crate that happens later.
pub fn jobs(broker: &Broker, worker: Worker) -> Worker {
    worker
        .register::<RevokeAtProvider>(broker.clone())
        .register::<SweepTokenJournal>(broker.clone())
        .every::<SweepTokenJournal>(SWEEP_EVERY, |_| SweepTokenJournal {})
}

/// Drop from memory what is no longer true.
async fn listen(broker: Broker, clients_channel: &'static str, shutdown: Shutdown) {
    let notify = broker.db.notify();
    let mut connections = notify.subscribe(connection::CHANNEL);
    let mut integrations = notify.subscribe(integration::CHANNEL);
    let mut trusts = notify.subscribe(trust::CHANNEL);
    let mut clients = notify.subscribe(clients_channel);
    loop {
        let signal = tokio::select! {
            () = shutdown.begun() => return,
            signal = connections.next() => signal.map(|signal| heard(&broker, Heard::Connection, signal)),
            signal = integrations.next() => signal.map(|signal| heard(&broker, Heard::Integration, signal)),
            signal = clients.next() => signal.map(|_| broker.trusts.forget_all()),
            signal = trusts.next() => signal.map(|signal| heard(&broker, Heard::Trust, signal)),
        };
        if signal.is_none() {
            return;
        }
    }
}

#[derive(Clone, Copy)]
enum Heard {
    Connection,
    Integration,
    Trust,
}

fn heard(broker: &Broker, of: Heard, signal: Signal) {
    let Signal::Message(message) = signal else { return broker.forget_everything() };
    let pair = message.split_once(' ');
    match (of, pair) {
        (Heard::Integration, _) => broker.integrations.forget(&String::from(&*message)),
        (Heard::Connection, Some((person, integration))) => {
            if let (Ok(person), Ok(integration)) = (person.parse(), integration.parse()) {
                broker.live.forget(&(person, integration));
            }
            broker.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
        (Heard::Trust, Some((client, integration))) => {
            if let (Ok(client), Ok(integration)) = (client.parse(), integration.parse()) {
                broker.trusts.forget(&(client, integration));
            }
        }
        (Heard::Connection | Heard::Trust, None) => broker.forget_everything(),
    }
}
