//! Scopes: what a token is good for.  RFC 6749 §3.3

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest scope list that is read, in bytes.
pub const SCOPES_BYTES_MAX: usize = 4096;

/// One scope-token: printable ASCII without space, `"` and `\`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Scope(Box<str>);

impl Scope {
    /// The scope as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a scope, or not a list of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a scope: use printable ASCII, separated by single spaces")]
pub struct MalformedScope;

impl FromStr for Scope {
    type Err = MalformedScope;
    fn from_str(text: &str) -> Result<Self, MalformedScope> {
        let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let good = !text.is_empty() && text.len() <= SCOPES_BYTES_MAX && text.bytes().all(allowed);
        if good { Ok(Self(text.into())) } else { Err(MalformedScope) }
    }
}

/// A set of scopes, written as a list separated by spaces.
#[derive(Clone, PartialEq, Eq, Debug, Default, Hash, PartialOrd, Ord)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// No scope at all.
    pub const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Whether this very scope is in the set.
    pub fn has(&self, scope: &str) -> bool {
        self.iter().any(|s| s.as_str() == scope)
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everything here is also in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// What is here and not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}
impl FromStr for Scopes {
    type Err = MalformedScope;
    fn from_str(text: &str) -> Result<Self, MalformedScope> {
        if text.len() > SCOPES_BYTES_MAX {
            return Err(MalformedScope);
        }
        text.split(' ').filter(|word| !word.is_empty()).map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, scope) in self.0.iter().enumerate() {
            if nth > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}
impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_set() {
        let asked: Scopes = "openid  profile openid".parse().unwrap();
        assert_eq!(asked.to_string(), "openid profile");
        assert!(asked.has("openid") && !asked.has("open"));
        let registered: Scopes = "openid email".parse().unwrap();
        assert_eq!(asked.intersection(&registered).to_string(), "openid");
        assert_eq!(asked.without(&registered).to_string(), "profile");
        assert!("openid".parse::<Scopes>().unwrap().is_within(&asked));
    }

    #[test]
    fn junk_is_no_scope() {
        for text in ["a\"b", "a\\b", "a\nb", "ü", "a\tb"] {
            assert_eq!(text.parse::<Scopes>(), Err(MalformedScope), "{text:?}");
        }
        assert_eq!("x ".repeat(SCOPES_BYTES_MAX).parse::<Scopes>(), Err(MalformedScope));
    }
}
