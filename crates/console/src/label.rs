//! How a thing is: a word, and a shape and colour that repeat it.

use std::{borrow::Cow, fmt};

use askama::filters::HtmlSafe;

/// What a state means to the reader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Somebody should look.
    Warn,
    /// Broken or refused.
    Bad,
    /// Nothing to say.
    Quiet,
}

impl Tone {
    /// The class in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
        }
    }
}

/// A state as a label. Its `Display` is HTML.
#[derive(Clone)]
pub(crate) struct State {
    /// What it means.
    pub(crate) tone: Tone,
    /// The word: it says everything, the tone nothing more.
    pub(crate) word: Cow<'static, str>,
}

impl State {
    /// As it should be.
    pub(crate) fn good(word: impl Into<Cow<'static, str>>) -> Self {
        Self { tone: Tone::Good, word: word.into() }
    }
    /// Somebody should look.
    pub(crate) fn warn(word: impl Into<Cow<'static, str>>) -> Self {
        Self { tone: Tone::Warn, word: word.into() }
    }
    /// Broken or refused.
    pub(crate) fn bad(word: impl Into<Cow<'static, str>>) -> Self {
        Self { tone: Tone::Bad, word: word.into() }
    }
    /// Nothing to say.
    pub(crate) fn quiet(word: impl Into<Cow<'static, str>>) -> Self {
        Self { tone: Tone::Quiet, word: word.into() }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word.replace('&', "&amp;").replace('<', "&lt;");
        write!(f, r#"<span class="state {}">{word}</span>"#, self.tone.class())
    }
}

impl HtmlSafe for State {}
