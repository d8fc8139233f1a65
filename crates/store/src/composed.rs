//! A statement that is put together while the program runs: a search of several criteria, an insert of several rows.

use crate::{Engine, Sql, ToValue, Value};

/// Pieces of the program's text, and values where a `$n` stands. Text from outside cannot get into it.
#[derive(Clone)]
pub struct Composed {
    text: String,
    /// What PostgreSQL gets, from where on the two are told different things.
    postgres: Option<String>,
    binds: Vec<Value>,
}

impl Composed {
    /// The most values of one statement: PostgreSQL counts them in 16 bits, SQLite takes a few fewer.
    pub const BINDS_MAX: usize = 32_000;

    /// A statement that begins so.
    pub fn new(text: &'static str) -> Self {
        Self { text: String::from(text), postgres: None, binds: Vec::new() }
    }

    /// Goes on with this text.
    pub fn text(&mut self, text: &'static str) -> &mut Self {
        self.push(text);
        self
    }

    /// Goes on with the text for the engine that is asked, where they need different words.
    pub fn each(&mut self, text: Sql) -> &mut Self {
        let postgres = self.postgres.get_or_insert_with(|| self.text.clone());
        postgres.push_str(text.text(Engine::Postgres));
        self.text.push_str(text.text(Engine::Sqlite));
        self
    }

    /// Goes on for PostgreSQL alone, without values.
    pub fn postgres(&mut self, write: impl FnOnce(&mut Self)) -> &mut Self {
        self.each(Sql::same(""));
        let kept = self.text.len();
        write(self);
        self.text.truncate(kept);
        self
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        if let Some(postgres) = &mut self.postgres {
            postgres.push_str(text);
        }
    }

    /// Goes on with the next `$n`, which stands for this value.
    pub fn bind(&mut self, value: &(impl ToValue + ?Sized)) -> &mut Self {
        self.value(value.to_value())
    }

    /// As [`Composed::bind`], of a value that is at hand.
    pub fn value(&mut self, value: Value) -> &mut Self {
        self.binds.push(value);
        self.name("$", self.binds.len())
    }

    /// Goes on with a name that ends with a number: the alias `p3`.
    pub fn name(&mut self, prefix: &'static str, number: usize) -> &mut Self {
        let begin = self.text.len();
        self.text.push_str(prefix);
        let mut tens = 1;
        while number / tens > 9 {
            tens *= 10;
        }
        while tens > 0 {
            self.text.extend(u8::try_from(number / tens % 10).map(|digit| char::from(b'0' + digit)));
            tens /= 10;
        }
        if let Some(postgres) = &mut self.postgres {
            postgres.push_str(self.text.get(begin..).unwrap_or_default());
        }
        self
    }

    /// The same text with other values, as many as before.
    pub fn again(&mut self, values: impl Iterator<Item = Value>) -> &mut Self {
        for (bind, value) in self.binds.iter_mut().zip(values) {
            *bind = value;
        }
        self
    }

    /// How SQLite would answer it.
    pub(crate) fn explained(&self) -> Self {
        Self { text: format!("EXPLAIN QUERY PLAN {}", self.text), postgres: None, binds: self.binds.clone() }
    }

    /// How many values it has.
    pub fn binds(&self) -> usize {
        self.binds.len()
    }

    /// The text that an engine gets, and the values.
    pub fn parts(&self, engine: Engine) -> (&str, &[Value]) {
        let text = match engine {
            Engine::Sqlite => &self.text,
            Engine::Postgres => self.postgres.as_ref().unwrap_or(&self.text),
        };
        (text, &self.binds)
    }
}
