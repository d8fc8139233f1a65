//! The port to a terminology server, for what the packages do not hold. Who fills it speaks HTTP; here is none.
//! <https://hl7.org/fhir/R4/valueset-operation-validate-code.html>, <https://hl7.org/fhir/R4/valueset-operation-expand.html>

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use serde_json::Value;

/// What is asked about one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question<'q> {
    /// The code system; nothing, where the value set has to say it.
    pub system: Option<&'q str>,
    /// The version of the code system.
    pub version: Option<&'q str>,
    /// The code.
    pub code: &'q str,
    /// What the instance says that it means.
    pub display: Option<&'q str>,
    /// The value set; nothing, where the code system alone is asked.
    pub value_set: Option<&'q str>,
}

impl Question<'_> {
    /// The same for the same question: under this a cache keeps the answer.
    pub fn key(&self) -> String {
        let parts = [self.value_set, self.system, self.version, Some(self.code), self.display];
        // No part of a question has a control character, and a part that is missing is not one that is empty.
        parts.map(|part| part.map_or("\u{1}".to_owned(), |part| format!("\u{2}{part}"))).join("\u{0}")
    }
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The code is good.
    Good {
        /// What the server calls it.
        display: Option<Box<str>>,
    },
    /// The code is good, its display is not.
    WrongDisplay {
        /// What the server calls it.
        display: Option<Box<str>>,
    },
    /// The code is not in the code system or not in the value set.
    Bad {
        /// The server's words.
        message: Box<str>,
    },
    /// The server does not know either.
    Unknown {
        /// The server's words.
        message: Box<str>,
    },
}

/// The server gave no answer: never an answer itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the terminology server gave no answer: {0}")]
pub struct RemoteFault(pub String);

/// A terminology server.
pub trait Remote: Send + Sync {
    /// `$validate-code`
    ///
    /// # Errors
    /// Where the server did not answer.
    fn validate_code(&self, question: &Question<'_>) -> Result<Verdict, RemoteFault>;

    /// `$expand`: the `ValueSet` with its expansion; nothing, where the server does not know it.
    ///
    /// # Errors
    /// Where the server did not answer.
    fn expand(&self, value_set: &str) -> Result<Option<Value>, RemoteFault>;
}

impl<R: Remote + ?Sized> Remote for &R {
    fn validate_code(&self, question: &Question<'_>) -> Result<Verdict, RemoteFault> {
        (**self).validate_code(question)
    }
    fn expand(&self, value_set: &str) -> Result<Option<Value>, RemoteFault> {
        (**self).expand(value_set)
    }
}

/// `ANSWERS_MAX`: answers of a terminology server that are kept; one more, and all are forgotten.
pub const ANSWERS_MAX: usize = 200_000;

/// A server whose answers are kept. A fault is none, and is asked for again.
#[derive(Debug, Default)]
pub struct Kept<R> {
    remote: R,
    verdicts: RwLock<HashMap<String, Verdict>>,
    expansions: RwLock<HashMap<String, Option<Value>>>,
}

impl<R: Remote> Kept<R> {
    /// Nothing is kept yet.
    pub fn new(remote: R) -> Self {
        Self { remote, verdicts: RwLock::default(), expansions: RwLock::default() }
    }
}

impl<R: Remote> Remote for Kept<R> {
    fn validate_code(&self, question: &Question<'_>) -> Result<Verdict, RemoteFault> {
        kept(&self.verdicts, question.key(), || self.remote.validate_code(question))
    }

    fn expand(&self, value_set: &str) -> Result<Option<Value>, RemoteFault> {
        kept(&self.expansions, value_set.to_owned(), || self.remote.expand(value_set))
    }
}

fn kept<T: Clone>(
    answers: &RwLock<HashMap<String, T>>,
    key: String,
    ask: impl FnOnce() -> Result<T, RemoteFault>,
) -> Result<T, RemoteFault> {
    if let Some(answer) = answers.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(answer.clone());
    }
    let answer = ask()?;
    let mut answers = answers.write().unwrap_or_else(PoisonError::into_inner);
    if answers.len() >= ANSWERS_MAX {
        answers.clear();
    }
    answers.insert(key, answer.clone());
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Remote for Counting {
        fn validate_code(&self, question: &Question<'_>) -> Result<Verdict, RemoteFault> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match question.code {
                "down" => Err(RemoteFault("down".to_owned())),
                _ => Ok(Verdict::Good { display: None }),
            }
        }
        fn expand(&self, _: &str) -> Result<Option<Value>, RemoteFault> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(None)
        }
    }

    #[test]
    fn an_answer_is_kept_and_an_outage_is_none() {
        let kept = Kept::new(Counting::default());
        let ask = |code| Question { system: Some("s"), version: None, code, display: None, value_set: None };
        for _ in 0..3 {
            assert!(kept.validate_code(&ask("a")).is_ok());
            assert!(kept.validate_code(&ask("down")).is_err());
            assert_eq!(kept.expand("v"), Ok(None));
        }
        assert_eq!(kept.remote.0.load(Ordering::Relaxed), 1 + 3 + 1);
    }

    #[test]
    fn questions_that_differ_have_keys_that_differ() {
        let one = Question { system: Some("s"), version: None, code: "c", display: None, value_set: None };
        let others = [
            Question { display: Some(""), ..one },
            Question { version: Some("c"), ..one },
            Question { system: None, value_set: Some("s"), ..one },
        ];
        for other in others {
            assert_ne!(one.key(), other.key(), "{other:?}");
        }
    }
}
