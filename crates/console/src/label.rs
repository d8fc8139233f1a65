//! How a thing is: a word, and a shape and colour that repeat it.

use std::fmt;

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
#[derive(Clone, Copy)]
pub(crate) struct State {
    /// What it means.
    pub(crate) tone: Tone,
    /// The word: it says everything, the tone nothing more.
    pub(crate) word: &'static str,
}

impl State {
    /// As it should be.
    pub(crate) const fn good(word: &'static str) -> Self {
        Self { tone: Tone::Good, word }
    }
    /// Somebody should look.
    pub(crate) const fn warn(word: &'static str) -> Self {
        Self { tone: Tone::Warn, word }
    }
    /// Broken or refused.
    pub(crate) const fn bad(word: &'static str) -> Self {
        Self { tone: Tone::Bad, word }
    }
    /// Nothing to say.
    pub(crate) const fn quiet(word: &'static str) -> Self {
        Self { tone: Tone::Quiet, word }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<span class="state {}">{}</span>"#, self.tone.class(), self.word)
    }
}

impl HtmlSafe for State {}
