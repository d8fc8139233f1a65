//! The text of a statement: one for both engines, or one for each where they truly differ.

/// Which database engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The embedded engine.
    Sqlite,
    /// A PostgreSQL server, version 15 or later.
    Postgres,
}

impl Engine {
    /// The engine's name as URLs, logs and test names write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// A statement with parameters `$1…$n`. Nearly always one text; [`dialect!`](crate::dialect) makes the exceptions.
///
/// The text must be part of the program: values travel as binds and never in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Sql {
    /// One text for both engines.
    pub const fn same(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text }
    }

    /// A text for each engine.
    pub const fn each(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres }
    }

    /// The text for this engine.
    pub const fn text(self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::same(text)
    }
}

/// A statement that the engines need in different words: skip-locked claims, sizes, full text.
///
/// ```
/// const NOW_FREE: store::Sql = store::dialect! {
///     sqlite: "SELECT id FROM job WHERE lease_until < $1 LIMIT 1",
///     postgres: "SELECT id FROM job WHERE lease_until < $1 LIMIT 1 FOR UPDATE SKIP LOCKED",
/// };
/// assert!(NOW_FREE.text(store::Engine::Postgres).ends_with("SKIP LOCKED"));
/// ```
#[macro_export]
macro_rules! dialect {
    (sqlite: $sqlite:expr, postgres: $postgres:expr $(,)?) => {
        $crate::Sql::each($sqlite, $postgres)
    };
}
