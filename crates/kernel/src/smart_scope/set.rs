//! Sets of SMART scopes: what they permit together.
//!
//! A set is compared by what it permits, not by how it is written. Sets form a distributive lattice under
//! [`SmartScopes::union`] and [`SmartScopes::intersection`]; the property tests beside show it.

use super::{Criteria, Interaction, Level, SmartScope};
use crate::{Scope, Scopes};

/// What may be done to records of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    /// Nothing.
    Nothing,
    /// It may be done to every record in reach of the level.
    Everything,
    /// It may be done to records that match one of these.
    Matching(Vec<Criteria>),
}

/// The SMART scopes among scopes. None permits nothing.
#[derive(Debug, Clone, Default)]
pub struct SmartScopes(Vec<SmartScope>);

impl SmartScopes {
    /// The SMART scopes among these; others pass by, and those that are malformed permit nothing.
    pub fn of(scopes: &Scopes) -> Self {
        scopes.iter().filter_map(|scope| scope.as_str().parse().ok()).collect()
    }

    /// Whether they permit nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them; what one says and another covers is said once.
    pub fn iter(&self) -> impl Iterator<Item = &SmartScope> {
        self.0.iter()
    }

    /// How many of them restrict to records that match something.
    pub fn restricted(&self) -> usize {
        self.0.iter().filter(|scope| !scope.criteria.is_none()).count()
    }

    /// Whether whatever `scope` permits, these permit too. Each interaction may be covered by another scope.
    pub fn cover(&self, scope: &SmartScope) -> bool {
        let reaching = self.0.iter().filter(|mine| mine.reaches(scope));
        let left = reaching.fold(scope.permissions, |left, mine| left.but(mine.permissions));
        left.is_none()
    }

    /// Whether whatever `other` permits, these permit too.
    pub fn cover_all(&self, other: &Self) -> bool {
        other.0.iter().all(|scope| self.cover(scope))
    }

    /// What one of both permits.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).cloned().collect()
    }

    /// What both permit, written as it is here.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.0.iter().flat_map(|mine| other.0.iter().filter_map(|theirs| mine.meet(theirs))).collect()
    }

    /// What may be done to records of a type at a level. Several scopes that restrict are a union: none is lost.
    pub fn permits(&self, level: Level, resource_type: &str, interaction: Interaction) -> Permit {
        let applies = |scope: &&SmartScope| {
            scope.level == level
                && scope.permissions.has(interaction)
                && scope.resource_type.as_deref().is_none_or(|named| named == resource_type)
        };
        let criteria: Vec<Criteria> =
            self.0.iter().filter(applies).map(|scope| scope.criteria.clone()).collect();
        if criteria.iter().any(Criteria::is_none) {
            Permit::Everything
        } else if criteria.is_empty() {
            Permit::Nothing
        } else {
            Permit::Matching(criteria)
        }
    }

    fn add(&mut self, mut scope: SmartScope) {
        if self.cover(&scope) {
            return;
        }
        let is_twin = |other: &SmartScope| {
            other.level == scope.level
                && other.resource_type == scope.resource_type
                && other.criteria == scope.criteria
        };
        let twin = self.0.iter().position(is_twin).map(|at| self.0.swap_remove(at));
        if let Some(twin) = twin {
            scope = SmartScope { permissions: twin.permissions.or(scope.permissions), ..twin };
        }
        self.0.retain(|other| !scope.covers(other));
        self.0.push(scope);
    }
}

impl FromIterator<SmartScope> for SmartScopes {
    fn from_iter<I: IntoIterator<Item = SmartScope>>(scopes: I) -> Self {
        let mut all = Self::default();
        scopes.into_iter().for_each(|scope| all.add(scope));
        all
    }
}

/// Two sets are equal when they permit the same.
impl PartialEq for SmartScopes {
    fn eq(&self, other: &Self) -> bool {
        self.cover_all(other) && other.cover_all(self)
    }
}
impl Eq for SmartScopes {}

impl Scopes {
    /// What is both here and in `other`: a SMART scope as far as `other` permits what it permits, any other by its name.
    ///
    /// A scope that is in whole comes back as it was written; one that is in part, in as many scopes as the part takes,
    /// in the syntax in which it was written. One that means to be a SMART scope and is none is never in.
    #[must_use]
    pub fn as_far_as(&self, other: &Self) -> Self {
        let theirs = SmartScopes::of(other);
        let (mut whole, mut in_part) = (Vec::new(), Vec::new());
        for scope in self.iter() {
            match scope.as_str().parse::<SmartScope>() {
                Ok(smart) if theirs.cover(&smart) => whole.push(scope.clone()),
                Ok(smart) => in_part.push(smart),
                Err(_) if !SmartScope::is_meant(scope.as_str()) && other.has(scope.as_str()) => {
                    whole.push(scope.clone());
                }
                Err(_) => {}
            }
        }
        let of_whole = SmartScopes::of(&whole.iter().cloned().collect());
        let part = in_part.into_iter().collect::<SmartScopes>().intersection(&theirs);
        let part = part.iter().filter(|scope| !of_whole.cover(scope));
        whole.extend(part.filter_map(|scope| scope.to_string().parse::<Scope>().ok()));
        whole.into_iter().collect()
    }
}
