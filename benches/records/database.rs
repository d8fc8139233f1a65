//! A database of its own on the server that tests use, for as long as it is needed.

use tokio_postgres::{Client, NoTls};

/// Where a server is whose user may create databases; the same as for the tests.
const SERVER: &str = "TEST_DATABASE_URL";

pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// None, said loudly, where no server is named.
    pub fn fresh(whose: &str) -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a benchmark is told by its environment where the database server is, as the tests are"
        )]
        let Ok(server) = std::env::var(SERVER) else {
            println!("WITHOUT PostgreSQL: {SERVER} is not set");
            return None;
        };
        let database = Self { server, name: format!("bench_{whose}_{}", std::process::id()) };
        with(&database.server, async |client| {
            client.batch_execute(&format!("CREATE DATABASE {}", database.name)).await.unwrap();
        });
        Some(database)
    }

    pub fn url(&self) -> String {
        let mut url = url::Url::parse(&self.server).unwrap();
        url.set_path(&self.name);
        url.into()
    }

    /// As Java's driver wants it.
    pub fn jdbc(&self) -> String {
        let url = url::Url::parse(&self.url()).unwrap();
        let (host, port) = (url.host_str().unwrap(), url.port().unwrap_or(5432));
        let password = url.password().map_or_else(String::new, |it| format!("&password={it}"));
        format!("jdbc:postgresql://{host}:{port}/{}?user={}{password}", self.name, url.username())
    }

    /// Bytes on disk, and whether a commit waits for the disk.
    pub fn bytes(&self) -> u64 {
        with(&self.url(), async |client| {
            client.batch_execute("VACUUM").await.unwrap();
            let row = client.query_one("SELECT pg_database_size(current_database())", &[]).await.unwrap();
            u64::try_from(row.get::<_, i64>(0)).unwrap()
        })
    }

    /// Whether its commits are durable.
    pub fn is_durable(&self) -> bool {
        with(&self.url(), async |client| {
            let row = client.query_one("SELECT current_setting('fsync') = 'on'", &[]).await.unwrap();
            row.get(0)
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        with(&self.server, async |client| client.batch_execute(&drop).await.unwrap());
    }
}

fn with<T>(url: &str, what: impl AsyncFnOnce(&Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        let asked = async {
            let done = what(&client).await;
            drop(client);
            done
        };
        tokio::join!(asked, connection).0
    })
}
