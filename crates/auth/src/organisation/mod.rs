//! Organisations with their sites and studies: the tenants that everything else belongs to.

mod create;
mod list;
pub(crate) mod queries;
mod site;
mod study;

use std::borrow::Cow;

use kernel::{Fault, Id, Issue, Kind, Timestamp};
use store::DbError;

pub use create::create;
pub use list::{by_slug, get, list};
pub use site::{add_site, has_site, sites};
pub use study::{add_study, has_studies, studies};

use crate::row::text_column;

/// The longest name of an organisation, a site or a study, in characters.
pub const NAME_CHARACTERS_MAX: usize = 200;

/// The longest slug, in bytes.
pub const SLUG_BYTES_MAX: usize = 63;

/// How many rows a list of organisations, sites or studies shows.
pub const LIST_ROWS_MAX: i64 = 500;

/// A short name for addresses and forms: 1 to 63 of `[a-z0-9-]`, a letter or digit at each end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slug(Box<str>);

impl Slug {
    /// The slug, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_end =
            |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        let good = text.len() <= SLUG_BYTES_MAX
            && text.bytes().all(|byte| byte == b'-' || is_end(Some(byte)))
            && is_end(text.bytes().next())
            && is_end(text.bytes().last());
        good.then(|| Self(text.into()))
    }

    /// The slug as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
text_column!(Slug, "a slug", Self::parse);

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: Id<kernel::Organisation>,
    /// Its short name, unique in the deployment.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A place of an organisation where care or research happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its id.
    pub id: Id<kernel::Site>,
    /// Whose it is.
    pub organisation: Id<kernel::Organisation>,
    /// Its short name, unique in the organisation.
    pub slug: Slug,
    /// Its name.
    pub name: String,
}

/// A clinical study of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    /// Its id.
    pub id: Id<kernel::Study>,
    /// Whose it is.
    pub organisation: Id<kernel::Organisation>,
    /// Its short name, unique in the organisation.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Where it runs: sites of the same organisation.
    pub sites: Vec<Id<kernel::Site>>,
}

/// An organisation, site or study as a form or a data set names it. With an id it is created once, however often it
/// is asked for.
#[derive(Debug, Clone)]
pub struct Named<K: kernel::IdKind> {
    /// Its id, where it is given.
    pub id: Option<Id<K>>,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
}

/// A [`Named`] that has been read.
#[derive(Clone)]
struct Read {
    slug: Slug,
    name: String,
}

fn read<K: kernel::IdKind>(named: &Named<K>) -> Result<Read, OrganisationFault> {
    let name = named.name.trim();
    let good = !name.is_empty()
        && name.chars().count() <= NAME_CHARACTERS_MAX
        && !name.chars().any(char::is_control);
    let slug = Slug::parse(&named.slug);
    let mut issues = Vec::new();
    if slug.is_none() {
        issues.push(Issue::at("slug", "must be 1 to 63 of a-z, 0-9 and -, not beginning or ending with -"));
    }
    if !good {
        issues.push(Issue::at("name", "must be 1 to 200 characters"));
    }
    match slug {
        Some(slug) if good => Ok(Read { slug, name: name.to_owned() }),
        _ => Err(OrganisationFault::Refused(issues)),
    }
}

/// What can go wrong with an organisation, a site or a study.
#[derive(Debug, thiserror::Error)]
pub enum OrganisationFault {
    /// Fields do not fit.
    #[error("organisation, site or study refused")]
    Refused(Vec<Issue>),
    /// The slug is another's.
    #[error("slug is taken")]
    SlugTaken,
    /// A site of the study is not one of the organisation's.
    #[error("a site of the study belongs to no or another organisation")]
    ForeignSite,
    /// The database.
    #[error(transparent)]
    Store(DbError),
}

impl From<DbError> for OrganisationFault {
    fn from(fault: DbError) -> Self {
        match fault {
            fault
                if fault.is_unique("organisation_slug_key")
                    || fault.is_unique("site_organisation_id_slug_key")
                    || fault.is_unique("study_organisation_id_slug_key") =>
            {
                Self::SlugTaken
            }
            DbError::Foreign { .. } => Self::ForeignSite,
            other => Self::Store(other),
        }
    }
}

impl Fault for OrganisationFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) | Self::ForeignSite => Kind::Invalid,
            Self::SlugTaken => Kind::Conflict,
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Refused(_) => "The entry is not complete or not right.".into(),
            Self::SlugTaken => "This short name is taken.".into(),
            Self::ForeignSite => "The organisation or a site of it does not exist.".into(),
            Self::Store(fault) => fault.public(),
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Refused(issues) => issues.first().map(|issue| issue.path.clone()),
            Self::SlugTaken => Some("slug".into()),
            Self::ForeignSite => Some("sites".into()),
            Self::Store(_) => None,
        }
    }
    fn issues(&self) -> Vec<Issue> {
        match self {
            Self::Refused(issues) => issues.clone(),
            _ => Vec::new(),
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Store(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_short_and_plain() {
        for text in ["a", "north-clinic", "9", &"a".repeat(63)] {
            assert_eq!(Slug::parse(text).map(|slug| slug.as_str().to_owned()), Some(text.to_owned()));
        }
        for text in ["", "-", "a-", "-a", "A", "a b", "a_b", "ä", "a.b", "a/b", &"a".repeat(64)] {
            assert_eq!(Slug::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let refused = read(&Named::<kernel::Site> { id: None, slug: "A".into(), name: " ".into() });
        let Err(OrganisationFault::Refused(issues)) = refused else { panic!("taken") };
        assert_eq!(issues.iter().map(|issue| &*issue.path).collect::<Vec<_>>(), ["slug", "name"]);
    }
}
