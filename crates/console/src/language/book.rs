//! The words of each language, read once.

use std::{fs, io, path::Path, sync::Arc};

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

use super::DEFAULT;

/// The message in which a language says its own name.
const NAME: &str = "language-name";

/// Scripts that run from right to left, by their usual languages.
const RIGHT_TO_LEFT: [&str; 8] = ["ar", "ckb", "dv", "fa", "he", "ps", "ur", "yi"];

#[derive(rust_embed::Embed)]
#[folder = "languages/"]
pub(super) struct Files;

/// The languages that pages speak: English first. A clone is a handle to the same.
#[derive(Clone)]
pub struct Languages(Arc<Vec<Book>>);

/// The words of one language.
pub(crate) struct Book {
    tag: LanguageIdentifier,
    text: String,
    name: String,
    words: FluentBundle<FluentResource>,
}

/// Why a folder of languages cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LanguageFault {
    /// It, or a file in it, cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file is not Fluent.
    #[error("{path}: {message}")]
    NotFluent {
        /// Which.
        path: String,
        /// What is wrong first, and where.
        message: String,
    },
    /// A file's name is no language.
    #[error("{path}: the name must be a language tag, such as pl.ftl or pt-BR.ftl")]
    NoLanguage {
        /// Which.
        path: String,
    },
}

impl Languages {
    /// English and Ukrainian.
    pub fn built_in() -> Self {
        let mut books = Vec::new();
        for path in Files::iter() {
            let text = Files::get(&path).map(|file| String::from_utf8_lossy(&file.data).into_owned());
            let tag = path.split('/').next().and_then(|tag| tag.parse().ok());
            if let (Some(tag), Some(text)) = (tag, text)
                && let Err(message) = add(&mut books, tag, text)
            {
                tracing::error!(%path, message, "a language of ours cannot be read");
            }
        }
        Self::of(books)
    }

    /// These and the languages of a folder: `pl.ftl` adds Polish, `en.ftl` words some of the English differently.
    /// What a file leaves out is said in English.
    ///
    /// # Errors
    /// The folder or a file cannot be read, is not Fluent, or is not named after a language.
    pub fn with_folder(folder: &Path) -> Result<Self, LanguageFault> {
        let Self(built_in) = Self::built_in();
        // Just made, and so nobody else's; a language would be missing otherwise, which the pages can do without.
        let mut books = Arc::into_inner(built_in).unwrap_or_default();
        let unreadable =
            |path: &Path, source| LanguageFault::Unreadable { path: path.display().to_string(), source };
        let entries = fs::read_dir(folder).map_err(|source| unreadable(folder, source))?;
        for entry in entries {
            let path = entry.map_err(|source| unreadable(folder, source))?.path();
            if path.extension().is_none_or(|extension| extension != "ftl") {
                continue;
            }
            let shown = path.display().to_string();
            let tag = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let tag = tag.ok_or_else(|| LanguageFault::NoLanguage { path: shown.clone() })?;
            let text = fs::read_to_string(&path).map_err(|source| unreadable(&path, source))?;
            add(&mut books, tag, text)
                .map_err(|message| LanguageFault::NotFluent { path: shown, message })?;
        }
        Ok(Self::of(books))
    }

    fn of(mut books: Vec<Book>) -> Self {
        books.sort_by_key(|book| (book.text != DEFAULT, book.text.clone()));
        for book in &mut books {
            book.name = book.say(NAME, None).unwrap_or_else(|| book.text.clone());
        }
        Self(Arc::new(books))
    }

    pub(super) fn books(&self) -> &[Book] {
        &self.0
    }

    pub(super) fn book(&self, nth: usize) -> &Book {
        static NOTHING: std::sync::LazyLock<Book> =
            std::sync::LazyLock::new(|| Book::empty(LanguageIdentifier::default()));
        self.0.get(nth).or(self.0.first()).unwrap_or(&NOTHING)
    }
}

fn add(books: &mut Vec<Book>, tag: LanguageIdentifier, text: String) -> Result<(), String> {
    let resource = FluentResource::try_new(text).map_err(|(resource, errors)| {
        errors.first().map_or_else(String::new, |error| {
            let line = resource.source().get(..error.pos.start).map_or(0, |before| before.lines().count());
            format!("line {}: {error}", line.max(1))
        })
    })?;
    let nth = books.iter().position(|book| book.tag == tag).unwrap_or_else(|| {
        books.push(Book::empty(tag));
        books.len() - 1
    });
    if let Some(book) = books.get_mut(nth) {
        book.words.add_resource_overriding(resource);
    }
    Ok(())
}

impl Book {
    fn empty(tag: LanguageIdentifier) -> Self {
        let mut words = FluentBundle::new_concurrent(vec![tag.clone()]);
        let text = tag.to_string();
        // The marks keep names of another direction apart; where all is one direction they only cost bytes.
        words.set_use_isolating(RIGHT_TO_LEFT.contains(&tag.language.as_str()));
        Self { tag, name: text.clone(), text, words }
    }

    pub(super) fn tag(&self) -> &LanguageIdentifier {
        &self.tag
    }

    /// The language tag, for `lang`.
    pub(crate) fn lang(&self) -> &str {
        &self.text
    }

    /// The direction of its script, for `dir`.
    pub(crate) fn dir(&self) -> &'static str {
        if RIGHT_TO_LEFT.contains(&self.tag.language.as_str()) { "rtl" } else { "ltr" }
    }

    /// Its name in itself.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The message, if this language has it and nothing is missing in it.
    pub(super) fn say(&self, key: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
        let message = self.words.get_message(key)?;
        let mut wrong = Vec::new();
        let text = self.words.format_pattern(message.value()?, args, &mut wrong);
        wrong.is_empty().then(|| text.into_owned())
    }
}
