//! One test, both engines, each with a database of its own.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this runs in tests only, where a missing database is a failed test and a skipped one must be seen"
)]

use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::{BuildHasher, Hasher},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    str::FromStr,
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
};

use store::{Db, Engine, MigrationSet, StoreConfig, StoreUrl};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// Where the tests find a PostgreSQL server: a URL whose user may create databases.
const SERVER: &str = "TEST_DATABASE_URL";
/// Connections of one test's database; many tests share one server.
const CONNECTIONS_MAX: u16 = 8;

/// Make one test for each engine of an async function that takes a [`store::Db`]:
///
/// ```text
/// testkit::on_each_engine!(async fn a_row_is_found(db: Db) { … }, migrations = [store_set, other::MIGRATIONS]);
/// ```
///
/// The tests are named `a_row_is_found::sqlite` and `a_row_is_found::postgres`; the second says that it is skipped when
/// `TEST_DATABASE_URL` is not set.
#[macro_export]
macro_rules! on_each_engine {
    ($(#[$attribute:meta])* async fn $name:ident($db:ident: $kind:ty) $body:block
     $(, migrations = [$($set:expr),* $(,)?])? $(,)?) => {
        mod $name {
            use super::*;

            $(#[$attribute])*
            async fn case($db: $kind) $body

            #[test]
            fn sqlite() {
                $crate::engine::on($crate::engine::SQLITE, &[$($($set),*)?], case);
            }

            #[test]
            fn postgres() {
                $crate::engine::on($crate::engine::POSTGRES, &[$($($set),*)?], case);
            }
        }
    };
}

/// The embedded engine.
pub const SQLITE: Engine = Engine::Sqlite;
/// A PostgreSQL server.
pub const POSTGRES: Engine = Engine::Postgres;

/// Run a test on a fresh, migrated database of this engine. On a server it is a copy of one that this process has migrated.
pub fn on<F: Future<Output = ()>>(engine: Engine, migrations: &[MigrationSet], case: impl FnOnce(Db) -> F) {
    run(engine, migrations, async |url| {
        let db = open(&StoreConfig { connections_max: CONNECTIONS_MAX, ..StoreConfig::new(url) }).await;
        db.migrate(migrations).await.expect("the migrations apply");
        case(db.clone()).await;
        db.close().await;
    });
}

/// Run a benchmark on a fresh, migrated database of this engine that is opened as in a deployment. A file is in this folder: beside the build,
/// since the one for temporary files may be memory, where every write is durable at once. Whether a server waits for its disk is told.
pub fn measured<F: Future<Output = ()>>(
    engine: Engine,
    folder: &Path,
    migrations: &[MigrationSet],
    case: impl FnOnce(Db) -> F,
) {
    let measure = async |url| {
        let db = open(&StoreConfig::new(url)).await;
        db.migrate(migrations).await.expect("the migrations apply");
        case(db.clone()).await;
        db.close().await;
    };
    match (engine, server()) {
        (Engine::Sqlite, _) => {
            let folder = tempfile::tempdir_in(folder).expect("a folder for the database");
            println!("sqlite");
            runtime().block_on(measure(StoreUrl::sqlite(folder.path().join("bench.db"))));
        }
        (Engine::Postgres, Some(server)) => {
            let runtime = runtime();
            let fsync = runtime.block_on(ask(&server, "SHOW fsync")).concat();
            println!("postgres (fsync {fsync})");
            on_server(&runtime, &server, &[], measure);
        }
        (Engine::Postgres, None) => println!("SKIPPED (no {SERVER})"),
    }
}

/// Run a test with the URL of a fresh database of this engine that is not open yet.
pub fn with_url(engine: Engine, case: impl AsyncFnOnce(StoreUrl)) {
    run(engine, &[], case);
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn run(engine: Engine, migrations: &[MigrationSet], case: impl AsyncFnOnce(StoreUrl)) {
    let runtime = runtime();
    match engine {
        Engine::Sqlite => {
            let folder = tempfile::tempdir().expect("a folder for the database");
            runtime.block_on(case(StoreUrl::sqlite(folder.path().join("test.db"))));
        }
        Engine::Postgres => match server() {
            Some(server) => on_server(&runtime, &server, migrations, case),
            None => println!("SKIPPED (no {SERVER})"),
        },
    }
}

/// The server's URL, if the tests have one.
pub fn server() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings but this one")]
    let server = std::env::var(SERVER);
    server.ok().filter(|url| !url.is_empty())
}

async fn open(config: &StoreConfig) -> Db {
    Db::open(config).await.expect("the database opens")
}

fn on_server(runtime: &Runtime, server: &str, migrations: &[MigrationSet], case: impl AsyncFnOnce(StoreUrl)) {
    let name = format!("hilum_test_{}", by_chance());
    let copied = if migrations.is_empty() {
        String::new()
    } else {
        format!(" TEMPLATE {}", template(runtime, server, migrations))
    };
    runtime.block_on(administer(server, &format!("CREATE DATABASE {name}{copied}")));
    let url = sibling(server, &name);
    let ran = catch_unwind(AssertUnwindSafe(|| runtime.block_on(case(url))));
    runtime.block_on(administer(server, &format!("DROP DATABASE {name} WITH (FORCE)")));
    if let Err(failure) = ran {
        resume_unwind(failure);
    }
}

fn by_chance() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// The databases that this process has migrated to be copied, by what they were migrated with.
static TEMPLATES: LazyLock<Mutex<BTreeMap<String, Arc<OnceLock<String>>>>> = LazyLock::new(Mutex::default);

/// Nobody is told when a test process ends, so the next one drops templates that are older than this. Their names say how old.
const TEMPLATE_KEPT_S: i64 = 3 * 3_600;

/// The name of the database to copy: it is made by the first test that asks for it, while others that do wait.
fn template(runtime: &Runtime, server: &str, migrations: &[MigrationSet]) -> String {
    let key: Vec<String> =
        migrations.iter().map(|set| format!("{} {}", set.crate_name, set.files.len())).collect();
    let cell = {
        let mut all = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(key.join(", ")).or_default())
    };
    cell.get_or_init(|| runtime.block_on(migrated(server, migrations))).clone()
}

async fn migrated(server: &str, migrations: &[MigrationSet]) -> String {
    let now = ask(server, "SELECT CAST(extract(epoch FROM now()) AS BIGINT)").await.concat();
    let is_old = |name: &String| {
        let made: Option<i64> = name.split('_').nth(2).and_then(|at| at.parse().ok());
        made.zip(now.parse().ok()).is_some_and(|(made, now): (i64, i64)| made < now - TEMPLATE_KEPT_S)
    };
    let all = ask(server, "SELECT datname FROM pg_database WHERE datname LIKE 'hilum_template_%'").await;
    for name in all.into_iter().filter(is_old) {
        // Another process may be faster.
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        drop(connected(server, async |client| client.batch_execute(&sql).await).await);
    }
    let name = format!("hilum_template_{now}_{}", by_chance());
    administer(server, &format!("CREATE DATABASE {name}")).await;
    let db = open(&StoreConfig::new(sibling(server, &name))).await;
    db.migrate(migrations).await.expect("the migrations apply");
    db.close().await;
    name
}

/// The same server, another database.
fn sibling(server: &str, name: &str) -> StoreUrl {
    let (base, parameters) = server.split_once('?').map_or((server, None), |(base, rest)| (base, Some(rest)));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base.get(authority..).and_then(|rest| rest.find('/')).map_or(base.len(), |at| authority + at);
    let mut url = format!("{}/{name}", base.get(..end).unwrap_or(base));
    if let Some(parameters) = parameters {
        url = format!("{url}?{parameters}");
    }
    StoreUrl::parse(&url).expect("the server's URL with another database")
}

async fn administer(server: &str, sql: &str) {
    connected(server, async |client| {
        client.batch_execute(sql).await.expect("the server makes and drops databases");
    })
    .await;
}

/// The first column of what the server answers.
async fn ask(server: &str, sql: &str) -> Vec<String> {
    let answered = connected(server, async |client| client.simple_query(sql).await).await;
    let rows = answered.expect("the server lists its databases").into_iter();
    rows.filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
    .collect()
}

async fn connected<T>(server: &str, ask: impl AsyncFnOnce(&Client) -> T) -> T {
    let config = Config::from_str(server).unwrap_or_else(|_| panic!("{SERVER} is not a PostgreSQL URL"));
    let (client, connection) = config.connect(NoTls).await.expect("a PostgreSQL server that answers");
    let driver = Box::pin(connection);
    let asked = Box::pin(ask(&client));
    tokio::select! {
        answered = asked => answered,
        _ = driver => panic!("the server hung up"),
    }
}
