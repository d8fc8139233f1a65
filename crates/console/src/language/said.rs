//! A message, to be said in the language of the request.

use std::{borrow::Cow, fmt};

use fluent_bundle::FluentArgs;

use super::spoken;

/// A message and what it speaks of.
pub(crate) struct Said {
    key: Cow<'static, str>,
    args: FluentArgs<'static>,
}

/// The message of this key. A test compares the keys in code and templates with the languages: write them out.
pub(crate) fn t(key: &'static str) -> Said {
    said(key)
}

/// The same for a key that stands in a table.
pub(super) fn said(key: &'static str) -> Said {
    Said { key: Cow::Borrowed(key), args: FluentArgs::new() }
}

/// The message of a family (`resource-Patient`) for a name that comes from outside, if there is one: what follows the
/// dash can be anything.
pub(crate) fn named(family: &'static str, name: &str) -> Option<Said> {
    let key = format!("{family}-{name}");
    let spoken = spoken();
    let said = Said { key: Cow::Owned(key), args: FluentArgs::new() };
    let is_known = spoken.book().say(&said.key, None).is_some() || english(&said).is_some();
    is_known.then_some(said)
}

fn english(said: &Said) -> Option<String> {
    spoken().languages.book(0).say(&said.key, Some(&said.args))
}

impl Said {
    /// With a word in it.
    pub(crate) fn of(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.args.set(name, value.to_string());
        self
    }

    /// With a number in it, on which the words around it depend.
    pub(crate) fn count(mut self, name: &'static str, amount: usize) -> Self {
        self.args.set(name, amount);
        self
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = spoken().book().say(&self.key, Some(&self.args)).or_else(|| english(self));
        f.write_str(said.as_deref().unwrap_or(&self.key))
    }
}

impl From<Said> for String {
    fn from(said: Said) -> Self {
        said.to_string()
    }
}

impl From<Said> for Cow<'static, str> {
    fn from(said: Said) -> Self {
        Cow::Owned(said.to_string())
    }
}
