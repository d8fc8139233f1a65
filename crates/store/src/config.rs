//! Which database, and how.

use std::{fmt, path::PathBuf, time::Duration};

use kernel::Secret;

use crate::sql::Engine;

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The loss of power: acknowledged after the disk has it.
    #[default]
    Full,
    /// The end of the process. The last commits before a loss of power may be gone; what remains is consistent.
    Relaxed,
}

/// How to open a database.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Which one.
    pub url: StoreUrl,
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// PostgreSQL: connections in the pool. SQLite: connections for keyed reads.
    pub connections_max: u16,
    /// How long a call waits for a connection or a place in the queue before it is refused.
    pub wait_max: Duration,
    /// How long one statement (PostgreSQL) or one scan (SQLite) may run.
    pub statement_max: Duration,
}

impl StoreConfig {
    /// This database with the settings that suit most deployments: full durability, 16 connections, 5 s, 30 s.
    pub const fn new(url: StoreUrl) -> Self {
        Self {
            url,
            durability: Durability::Full,
            connections_max: 16,
            wait_max: Duration::from_secs(5),
            statement_max: Duration::from_secs(30),
        }
    }
}

/// Where the database is. Shown without user information's password and without parameters.
#[derive(Clone)]
pub struct StoreUrl(pub(crate) Target);

#[derive(Clone)]
pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres { url: Secret<String>, shown: String },
}

/// The text does not say where the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a database URL: write sqlite:<path of a file> or postgres://user:password@host/database")]
pub struct MalformedStoreUrl;

impl StoreUrl {
    /// Read `sqlite:<path>` or `postgres://…` (`postgresql://` is the same).
    ///
    /// PostgreSQL connections are encrypted, and the server's certificate is checked against the machine's roots or the
    /// file in `sslrootcert=`, unless the URL says `sslmode=disable` or the server is on the loopback or a socket.
    ///
    /// # Errors
    /// `MalformedStoreUrl`, which does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, MalformedStoreUrl> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let is_file = !path.is_empty() && !path.starts_with(':') && !path.contains('\0');
            return if is_file {
                Ok(Self(Target::Sqlite(PathBuf::from(path))))
            } else {
                Err(MalformedStoreUrl)
            };
        }
        let parsed = url::Url::parse(text).map_err(|_| MalformedStoreUrl)?;
        if !matches!(parsed.scheme(), "postgres" | "postgresql") {
            return Err(MalformedStoreUrl);
        }
        let shown = format!(
            "postgres://{}{}{}",
            parsed.host_str().unwrap_or("localhost"),
            parsed.port().map(|port| format!(":{port}")).unwrap_or_default(),
            parsed.path()
        );
        Ok(Self(Target::Postgres { url: Secret::new(String::from(text)), shown }))
    }

    /// A SQLite file at this path.
    pub const fn sqlite(path: PathBuf) -> Self {
        Self(Target::Sqlite(path))
    }

    /// Which engine this is.
    pub const fn engine(&self) -> Engine {
        match &self.0 {
            Target::Sqlite(_) => Engine::Sqlite,
            Target::Postgres { .. } => Engine::Postgres,
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Target::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Target::Postgres { shown, .. } => f.write_str(shown),
        }
    }
}
impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_an_engine_and_hides_its_password() {
        let file = StoreUrl::parse("sqlite:data/hilum.db").unwrap();
        assert_eq!((file.engine(), file.to_string()), (Engine::Sqlite, String::from("sqlite:data/hilum.db")));
        let server =
            StoreUrl::parse("postgresql://mira:hunter2@db.example:5433/hilum?password=hunter2").unwrap();
        assert_eq!(format!("{server:?}"), "postgres://db.example:5433/hilum");
    }

    #[test]
    fn junk_is_no_url() {
        for text in ["", "sqlite:", "sqlite::memory:", "mysql://x/y", "hilum.db", "postgres//x"] {
            assert_eq!(StoreUrl::parse(text).err(), Some(MalformedStoreUrl), "{text}");
        }
    }
}
