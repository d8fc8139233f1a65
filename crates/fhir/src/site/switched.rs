//! Which packages a site has switched on.  Issue of contract 3, "every write validated against the packages the site has switched on"

use kernel::Issue;

use crate::package::{PackageId, Packages, SetFault};

/// Packages that one site may switch on.
pub const SITE_PACKAGES_MAX: usize = 50;
/// Profiles that one site may ask of all records of their types.
pub const SITE_PROFILES_MAX: usize = 200;

/// What a site validates with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Switched {
    /// Everything that the deployment has, or these and what they need.
    pub packages: Option<Vec<PackageId>>,
    /// Profiles that every record of their type must conform to, whatever it says of itself.
    pub profiles: Vec<Box<str>>,
}

impl Switched {
    /// The packages, in one order.
    pub(crate) fn chosen(&self) -> Option<&[PackageId]> {
        self.packages.as_deref()
    }

    /// What is wrong with it here: packages that are not there, profiles that are in none of them.
    pub fn faults(&self, packages: &Packages) -> Vec<Issue> {
        let mut issues = Vec::new();
        let chosen = self.chosen().unwrap_or_default();
        if chosen.len() > SITE_PACKAGES_MAX {
            issues.push(Issue::at("packages", format!("at most {SITE_PACKAGES_MAX} packages")));
        }
        if self.profiles.len() > SITE_PROFILES_MAX {
            issues.push(Issue::at("profiles", format!("at most {SITE_PROFILES_MAX} profiles")));
        }
        let offered: Vec<PackageId> = packages.offered().collect();
        for (nth, id) in chosen.iter().enumerate().filter(|(_, id)| !offered.contains(id)) {
            let there: Vec<&str> = offered.iter().map(PackageId::as_str).collect();
            let words = format!("{id} is not loaded here; there are: {}", there.join(", "));
            issues.push(Issue::at(format!("packages[{nth}]"), words));
        }
        if !issues.is_empty() || self.profiles.is_empty() {
            return issues;
        }
        match packages.of(self.chosen()) {
            Ok(definitions) => {
                let words = "is a profile in none of the packages that the site has switched on";
                for (nth, profile) in self.profiles.iter().enumerate() {
                    if definitions.profiled(profile).is_none() {
                        issues.push(Issue::at(format!("profiles[{nth}]"), words));
                    }
                }
            }
            Err(SetFault::NotLoaded(id)) => issues.push(Issue::at("packages", format!("{id} is not loaded"))),
            Err(fault @ SetFault::TooMany) => issues.push(Issue::at("packages", fault.to_string())),
        }
        issues
    }

    /// The packages sorted, each once; as they are kept.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        if let Some(packages) = &mut self.packages {
            packages.sort();
            packages.dedup();
        }
        self
    }

    pub(crate) fn read(packages: Option<&str>, profiles: &str) -> Self {
        let words = |text: &str| -> Vec<Box<str>> { text.split_ascii_whitespace().map(Into::into).collect() };
        let ids = |text: &str| words(text).iter().filter_map(|word| word.parse().ok()).collect();
        Self { packages: packages.map(ids), profiles: words(profiles) }
    }

    pub(super) fn packages_kept(&self) -> Option<String> {
        let words = |ids: &[PackageId]| ids.iter().map(PackageId::as_str).collect::<Vec<_>>().join(" ");
        self.chosen().map(words)
    }

    pub(super) fn profiles_kept(&self) -> String {
        self.profiles.join(" ")
    }
}
