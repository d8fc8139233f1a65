//! The language of a page. Words stand in Fluent files (`languages/`), one folder for each language, and further ones in a
//! folder that the operator names. A template says `{{ crate::t("key").of("name", value) }}`.
//!
//! The language of the request at hand is ambient, as its id is in the log: [`in_language`] chooses it once, and what is
//! rendered in that request is said in it.

mod book;
mod choose;
mod fault;
mod layer;
#[cfg(test)]
mod literal;
mod said;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::LanguageIdentifier;

pub(crate) use book::Book;
pub use book::{LanguageFault, Languages};
pub(crate) use fault::heard;
pub(crate) use layer::change;
pub use layer::in_language;
pub(crate) use said::{Said, named, t};

/// The language of every word for which there is no other.
const DEFAULT: &str = "en";

static BUILT_IN: LazyLock<Languages> = LazyLock::new(Languages::built_in);

tokio::task_local! {
    static SPOKEN: Spoken;
}

/// What is spoken in a request.
#[derive(Clone)]
pub(crate) struct Spoken {
    languages: Languages,
    nth: usize,
    /// The page that was asked for, where it can be asked for again in another language.
    here: Option<String>,
}

impl Spoken {
    fn new(languages: Languages, nth: usize, here: Option<String>) -> Self {
        Self { languages, nth, here }
    }

    /// The language, or English.
    pub(crate) fn book(&self) -> &Book {
        self.languages.book(self.nth)
    }

    /// Where the person may choose another: the page to come back to, and the languages with the one that is spoken.
    pub(crate) fn choice(&self) -> Option<(&str, Vec<(&Book, bool)>)> {
        let here = self.here.as_deref().filter(|_| self.languages.books().len() > 1)?;
        let all = self.languages.books().iter().enumerate();
        Some((here, all.map(|(nth, book)| (book, nth == self.nth)).collect()))
    }
}

/// What is spoken now: what the request's language is, or English where there is none.
pub(crate) fn spoken() -> Spoken {
    SPOKEN.try_with(Clone::clone).unwrap_or_else(|_| Spoken::new(BUILT_IN.clone(), 0, None))
}

/// Which of the languages fits best what somebody prefers, best first.
fn best(languages: &Languages, preferred: &[LanguageIdentifier]) -> Option<usize> {
    let offered: Vec<&LanguageIdentifier> = languages.books().iter().map(Book::tag).collect();
    let found = negotiate_languages(preferred, &offered, None, NegotiationStrategy::Filtering);
    let found = **found.first()?;
    offered.iter().position(|tag| *tag == found)
}

/// Render in this language, for pages that are looked at.
#[cfg(any(test, feature = "samples"))]
pub(crate) fn rendered_in<T>(tag: &str, render: impl FnOnce() -> T) -> T {
    let wanted = tag.parse().ok();
    let nth = best(&BUILT_IN, wanted.as_slice()).unwrap_or(0);
    SPOKEN.sync_scope(Spoken::new(BUILT_IN.clone(), nth, Some("/".to_owned())), render)
}
