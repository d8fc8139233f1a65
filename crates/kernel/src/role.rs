//! What people and systems may do in an organisation or in one of its studies, and who may do what.  Contract 4, RBAC
//!
//! Deny by default: what no grant allows is not allowed, and no role includes another but by what this table says.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Id, Organisation, Permission, Study};

/// How many roles somebody may have in an organisation: each study counts.
pub const GRANTS_MAX: usize = 32;

/// What somebody is in an organisation or in a study of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Runs the deployment: over all its organisations, and no business with anybody's records.
    SystemAdmin,
    /// Gives roles, verifies clients, grants trust, and manages all integrations of the organisation.
    OrgAdmin,
    /// Sets integrations up and manages them.
    StudyManager,
    /// Lets data flow and mends what does not fit.
    DataManager,
    /// Looks at integrations, their logs and numbers.
    Analyst,
    /// Looks at integrations.
    Viewer,
    /// Looks at everything that was done, and does nothing.
    Auditor,
    /// Registers client applications.  Contract 1
    Developer,
    /// Links accounts of their own.  Contract 1
    Person,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::SystemAdmin,
        Self::OrgAdmin,
        Self::StudyManager,
        Self::DataManager,
        Self::Analyst,
        Self::Viewer,
        Self::Auditor,
        Self::Developer,
        Self::Person,
    ];

    /// The word for it in the database, in forms and in what is loaded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SystemAdmin => "system_admin",
            Self::OrgAdmin => "org_admin",
            Self::StudyManager => "study_manager",
            Self::DataManager => "data_manager",
            Self::Analyst => "analyst",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::Developer => "developer",
            Self::Person => "person",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The word for it in an access token; those of contract 1 are for pages and never in one.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::SystemAdmin => Some("sa"),
            Self::OrgAdmin => Some("oa"),
            Self::StudyManager => Some("sm"),
            Self::DataManager => Some("dm"),
            Self::Analyst => Some("an"),
            Self::Viewer => Some("vi"),
            Self::Auditor => Some("au"),
            Self::Developer | Self::Person => None,
        }
    }

    fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == Some(code))
    }

    /// Whether it can be given for a study alone.
    pub const fn is_of_study(self) -> bool {
        matches!(self, Self::StudyManager | Self::DataManager | Self::Analyst | Self::Viewer | Self::Auditor)
    }
}

/// A role, in the whole organisation or in a study of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// What.
    pub role: Role,
    /// Where; none is the whole organisation.
    pub study: Option<Id<Study>>,
}

/// The text is not a grant: `viewer`, or `viewer:` and the id of a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role: a role, or a role that can be given for a study, a colon and the study's id")]
pub struct MalformedGrant;

impl Grant {
    /// A role in the whole organisation.
    pub const fn whole(role: Role) -> Self {
        Self { role, study: None }
    }

    /// A role in a study, if it can be given for one.
    pub fn of_study(role: Role, study: Id<Study>) -> Option<Self> {
        role.is_of_study().then_some(Self { role, study: Some(study) })
    }

    fn read(text: &str, role: impl Fn(&str) -> Option<Role>) -> Result<Self, MalformedGrant> {
        let (word, study) = match text.split_once(':') {
            Some((word, study)) => (word, Some(study.parse().map_err(|_| MalformedGrant)?)),
            None => (text, None),
        };
        let role = role(word).ok_or(MalformedGrant)?;
        match study {
            Some(study) => Self::of_study(role, study).ok_or(MalformedGrant),
            None => Ok(Self::whole(role)),
        }
    }

    fn coded(self) -> Option<String> {
        let code = self.role.code()?;
        Some(self.study.map_or_else(|| code.to_owned(), |study| format!("{code}:{study}")))
    }
}

impl From<Role> for Grant {
    fn from(role: Role) -> Self {
        Self::whole(role)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.study {
            Some(study) => write!(f, "{}:{study}", self.role.as_str()),
            None => f.write_str(self.role.as_str()),
        }
    }
}

impl FromStr for Grant {
    type Err = MalformedGrant;
    fn from_str(text: &str) -> Result<Self, MalformedGrant> {
        Self::read(text, Role::parse)
    }
}

/// What somebody is in one organisation. Serialised it is the claim of an access token: an array of short codes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(BTreeSet<Grant>);

/// How far a permission goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Nowhere.
    Nothing,
    /// These studies of the organisation.
    Studies(BTreeSet<Id<Study>>),
    /// The whole organisation.
    Organisation,
    /// All organisations.
    Deployment,
}

impl Grants {
    /// Nothing at all.
    pub const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody is that in the whole organisation.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&Grant::whole(role))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Grant> {
        self.0.iter().copied()
    }

    /// How far they let somebody do this: how lists are cut.
    pub fn reach(&self, permission: Permission) -> Reach {
        let mut studies = BTreeSet::new();
        let mut is_whole = false;
        for grant in self.iter().filter(|grant| permission.is_of(grant.role)) {
            match (grant.role, grant.study) {
                (Role::SystemAdmin, _) => return Reach::Deployment,
                (_, None) => is_whole = true,
                (_, Some(study)) => {
                    studies.insert(study);
                }
            }
        }
        match (is_whole, studies.is_empty()) {
            (true, _) => Reach::Organisation,
            (false, true) => Reach::Nothing,
            (false, false) => Reach::Studies(studies),
        }
    }

    /// Whether they let somebody of the organisation `own` do this to a thing of `owner` that belongs to these studies.
    pub fn allow(
        &self,
        own: Id<Organisation>,
        permission: Permission,
        owner: Id<Organisation>,
        studies: &[Id<Study>],
    ) -> bool {
        match self.reach(permission) {
            Reach::Nothing => false,
            Reach::Deployment => true,
            Reach::Organisation => own == owner,
            Reach::Studies(theirs) if own == owner && permission.is_sight() => {
                studies.iter().any(|study| theirs.contains(study))
            }
            Reach::Studies(theirs) => {
                own == owner && !studies.is_empty() && studies.iter().all(|study| theirs.contains(study))
            }
        }
    }

    /// Whether everything that a grant allows is allowed by these: nobody gives what they have not got.
    pub fn cover(&self, grant: Grant) -> bool {
        if grant.role.code().is_none() || grant.role == Role::SystemAdmin {
            return self.has(Role::SystemAdmin) && grant.role == Role::SystemAdmin;
        }
        let is_covered = |permission: &Permission| match self.reach(*permission) {
            Reach::Nothing => false,
            Reach::Deployment | Reach::Organisation => true,
            Reach::Studies(theirs) => grant.study.is_some_and(|study| theirs.contains(&study)),
        };
        Permission::ALL.iter().filter(|permission| permission.is_of(grant.role)).all(is_covered)
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        Self(grants.into_iter().collect())
    }
}

impl Serialize for Grants {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().filter_map(Grant::coded))
    }
}

impl<'de> Deserialize<'de> for Grants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let codes = Vec::<String>::deserialize(deserializer)?;
        let read = codes.iter().map(|code| Grant::read(code, Role::of_code));
        read.collect::<Result<_, _>>().map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Id<Organisation> = Id::from_bytes([1; 16]);
    const OTHER: Id<Organisation> = Id::from_bytes([2; 16]);
    const HEART: Id<Study> = Id::from_bytes([3; 16]);
    const LUNG: Id<Study> = Id::from_bytes([4; 16]);

    fn grants(text: &str) -> Grants {
        let text = text.replace("heart", &HEART.to_string()).replace("lung", &LUNG.to_string());
        text.split(' ').filter(|word| !word.is_empty()).map(|word| word.parse().unwrap()).collect()
    }

    #[test]
    fn who_may_do_what_to_an_integration() {
        use Permission::{Archive, Logs, Purge, Read, Sync, Update};
        let both: &[Id<Study>] = &[HEART, LUNG];
        for (held, permission, owner, studies, may) in [
            ("", Read, OWN, both, false),
            ("developer person", Read, OWN, both, false),
            ("viewer", Read, OWN, &[][..], true),
            ("viewer", Read, OTHER, both, false),
            ("viewer", Logs, OWN, both, false),
            ("viewer:heart", Read, OWN, both, true),
            ("viewer:heart", Read, OWN, &[LUNG], false),
            ("viewer:heart", Read, OWN, &[], false),
            ("viewer:heart", Read, OTHER, both, false),
            ("study_manager:heart", Update, OWN, &[HEART], true),
            ("study_manager:heart", Update, OWN, both, false),
            ("study_manager:heart study_manager:lung", Update, OWN, both, true),
            ("study_manager:heart viewer:lung", Update, OWN, both, false),
            ("study_manager:heart", Update, OWN, &[], false),
            ("study_manager", Update, OWN, &[], true),
            ("study_manager", Update, OTHER, &[], false),
            ("study_manager", Purge, OWN, both, false),
            ("data_manager", Sync, OWN, both, true),
            ("data_manager", Archive, OWN, both, false),
            ("auditor", Logs, OWN, both, true),
            ("auditor", Update, OWN, both, false),
            ("org_admin", Purge, OWN, &[], true),
            ("org_admin", Purge, OTHER, &[], false),
            ("system_admin", Purge, OTHER, &[], true),
            ("system_admin", Permission::Records, OTHER, &[], false),
        ] {
            let got = grants(held).allow(OWN, permission, owner, studies);
            assert_eq!(got, may, "{held}: {permission:?} {owner} {studies:?}");
        }
    }

    #[test]
    fn nobody_gives_what_they_have_not_got() {
        for (held, given, may) in [
            ("", "viewer", false),
            ("developer", "viewer", false),
            ("viewer", "viewer", true),
            ("viewer", "viewer:heart", true),
            ("viewer:heart", "viewer", false),
            ("viewer:heart", "viewer:heart", true),
            ("viewer:heart", "viewer:lung", false),
            ("study_manager:heart", "data_manager:heart", true),
            ("org_admin", "data_manager", true),
            ("org_admin", "system_admin", false),
            ("org_admin", "developer", false),
            ("system_admin", "system_admin", true),
            ("system_admin", "data_manager", false),
        ] {
            let given = grants(given).iter().next().unwrap();
            assert_eq!(grants(held).cover(given), may, "{held} gives {given}");
        }
    }

    #[test]
    fn a_token_says_it_in_codes() {
        let held = grants("org_admin study_manager:heart developer");
        let said = serde_json::to_string(&held).unwrap();
        assert_eq!(said, format!(r#"["oa","sm:{HEART}"]"#));
        let read: Grants = serde_json::from_str(&said).unwrap();
        assert_eq!(read, grants("org_admin study_manager:heart"));
        for text in [r#"["xx"]"#, r#"["org_admin"]"#, r#"["oa:x"]"#, &format!(r#"["oa:{HEART}"]"#)] {
            assert!(serde_json::from_str::<Grants>(text).is_err(), "{text}");
        }
    }
}
