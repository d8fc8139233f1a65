//! SMART scopes: what may be done with which health records.  SMART App Launch 2.2 §3.0.2 (v2), SMART App Launch 1.0 (v1)
//!
//! `patient/Observation.rs?category=laboratory`: a level, a type or `*`, letters of `cruds` in this order, and search
//! parameters that a record has to match. The first version's words stand for letters: `read` = `rs`, `write` = `cud`,
//! `*` = `cruds`. Whatever looks like such a scope and is not one permits nothing.

mod criteria;
mod set;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

pub use criteria::Criteria;
pub use set::{Permit, SmartScopes};

/// The longest name of a resource type that is read, in bytes.
const TYPE_BYTES_MAX: usize = 64;

/// Whose records a scope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Those of the one patient in context.
    Patient,
    /// Those that the person who granted it may see.
    User,
    /// Those that the client may see by itself.
    System,
}

impl Level {
    const ALL: [Self; 3] = [Self::Patient, Self::User, Self::System];

    /// The word that a scope begins with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        }
    }
}

/// What is done with a record; the letters of `cruds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interaction {
    /// `c`: create.
    Create,
    /// `r`: read, vread, history of one record.
    Read,
    /// `u`: update, patch.
    Update,
    /// `d`: delete.
    Delete,
    /// `s`: search, history of a type or of everything.
    Search,
}

impl Interaction {
    /// All of them, in the order in which a scope has to name them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Read, Self::Update, Self::Delete, Self::Search];

    const fn letter(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read => 'r',
            Self::Update => 'u',
            Self::Delete => 'd',
            Self::Search => 's',
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Create => 1,
            Self::Read => 2,
            Self::Update => 4,
            Self::Delete => 8,
            Self::Search => 16,
        }
    }
}

/// A set of interactions, never empty in a scope.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Permissions(u8);

impl Permissions {
    /// The words of the first version.
    const WORDS: [(&'static str, Self); 3] = [("read", Self(18)), ("write", Self(13)), ("*", Self(31))];

    const fn has(self, interaction: Interaction) -> bool {
        self.0 & interaction.bit() != 0
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is here and not there.
    const fn but(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Letters of `cruds`, each once, in this order, at least one.
    fn letters(text: &str) -> Option<Self> {
        let mut left = Interaction::ALL.into_iter();
        let bits = text.chars().try_fold(0, |bits, letter| {
            left.find(|interaction| interaction.letter() == letter)
                .map(|interaction| bits | interaction.bit())
        });
        bits.filter(|bits| *bits != 0).map(Self)
    }

    fn word(text: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, permissions)| permissions)
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = Interaction::ALL.into_iter().filter(|interaction| self.has(*interaction));
        letters.try_for_each(|interaction| write!(f, "{}", interaction.letter()))
    }
}
impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a client writes its scopes, and gets them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Syntax {
    Words,
    Letters,
}

/// One SMART scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SmartScope {
    level: Level,
    /// None stands for every type.
    resource_type: Option<Box<str>>,
    permissions: Permissions,
    criteria: Criteria,
    syntax: Syntax,
}

/// The text is not a SMART scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SMART scope: use patient|user|system / type|* . read|write|*|letters of cruds in this order")]
pub struct MalformedSmartScope;

impl SmartScope {
    /// Whether the text means to be a SMART scope, well-formed or not.
    pub fn is_meant(text: &str) -> bool {
        let level = text.split_once('/').map(|(level, _)| level);
        level.is_some_and(|level| Level::ALL.iter().any(|known| known.as_str() == level))
    }

    /// Whose records it is about.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The type that it is about; none for every type.
    pub fn resource_type(&self) -> Option<&str> {
        self.resource_type.as_deref()
    }

    /// Whether it lets this be done at all, to some record.
    pub const fn lets(&self, interaction: Interaction) -> bool {
        self.permissions.has(interaction)
    }

    /// What a record has to match.
    pub const fn criteria(&self) -> &Criteria {
        &self.criteria
    }

    /// Whether whatever `other` permits, this permits too.
    pub fn covers(&self, other: &Self) -> bool {
        self.reaches(other) && other.permissions.but(self.permissions).is_none()
    }

    /// Whether it reaches every record that `other` reaches, whatever may be done there.
    fn reaches(&self, other: &Self) -> bool {
        self.level == other.level
            && (self.resource_type.is_none() || self.resource_type == other.resource_type)
            && self.criteria.is_wider_than(&other.criteria)
    }

    /// What both permit, written as `self` is.
    fn meet(&self, other: &Self) -> Option<Self> {
        let resource_type = match (&self.resource_type, &other.resource_type) {
            (mine, None) => mine.clone(),
            (None, theirs) => theirs.clone(),
            (mine, theirs) if mine == theirs => mine.clone(),
            _ => return None,
        };
        let permissions = self.permissions.and(other.permissions);
        let met = Self {
            level: self.level,
            resource_type,
            permissions,
            criteria: self.criteria.and(&other.criteria),
            syntax: self.syntax,
        };
        (self.level == other.level && !permissions.is_none()).then_some(met)
    }
}

impl FromStr for SmartScope {
    type Err = MalformedSmartScope;
    fn from_str(text: &str) -> Result<Self, MalformedSmartScope> {
        let read = || {
            let (level, rest) = text.split_once('/')?;
            let level = Level::ALL.into_iter().find(|known| known.as_str() == level)?;
            let (resource_type, rest) = rest.split_once('.')?;
            let (permissions, query) = match rest.split_once('?') {
                Some((permissions, query)) => (permissions, Some(query)),
                None => (rest, None),
            };
            let (permissions, syntax) = match (Permissions::letters(permissions), query) {
                (Some(permissions), _) => (permissions, Syntax::Letters),
                // The first version has no search parameters.
                (None, None) => (Permissions::word(permissions)?, Syntax::Words),
                (None, Some(_)) => return None,
            };
            let criteria = query.map_or_else(|| Some(Criteria::none()), Criteria::parse)?;
            let resource_type = type_of(resource_type)?;
            Some(Self { level, resource_type, permissions, criteria, syntax })
        };
        read().ok_or(MalformedSmartScope)
    }
}

/// A type's name as FHIR writes them, or `*`.
fn type_of(text: &str) -> Option<Option<Box<str>>> {
    if text == "*" {
        return Some(None);
    }
    let good = text.len() <= TYPE_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_alphabetic());
    good.then(|| Some(text.into()))
}

impl fmt::Display for SmartScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.", self.level.as_str(), self.resource_type.as_deref().unwrap_or("*"))?;
        let word = Permissions::WORDS.into_iter().find(|(_, known)| *known == self.permissions);
        match (self.syntax, word, self.criteria.is_none()) {
            (Syntax::Words, Some((word, _)), true) => f.write_str(word),
            (_, _, true) => write!(f, "{}", self.permissions),
            (_, _, false) => write!(f, "{}?{}", self.permissions, self.criteria),
        }
    }
}
