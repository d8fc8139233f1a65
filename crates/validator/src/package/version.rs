//! Versions of packages and what is asked for by one. <https://hl7.org/fhir/packages.html#version>; order: SemVer 2.0.0 §11.

use std::{cmp::Ordering, fmt};

/// A version as a package says it: numbers, perhaps a label behind a hyphen, perhaps a build behind a plus.
/// FHIR packages are looser than SemVer (`2022.4.20221006`, `3.0`, `2019Sep`): what has no number in front has only its label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    text: Box<str>,
}

impl Version {
    /// A version from a manifest or resource.
    pub fn new(text: &str) -> Self {
        Self { text: text.trim().into() }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A pre-release: it comes before the version of the same numbers without a label.
    pub fn is_labelled(&self) -> bool {
        self.label().is_some()
    }

    /// Whether it begins with a number, so that its order means something.
    pub fn is_numbered(&self) -> bool {
        self.parts().next().is_some_and(|part| number(part).is_some())
    }

    fn core(&self) -> &str {
        let end = self.text.find(['-', '+']).unwrap_or(self.text.len());
        self.text.get(..end).unwrap_or_default()
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.core().split('.')
    }

    fn label(&self) -> Option<&str> {
        let without_build = self.text.split('+').next().unwrap_or_default();
        without_build.split_once('-').map(|(_, label)| label)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.is_numbered()
            .cmp(&other.is_numbered())
            .then_with(|| compare_parts(self.core(), other.core()))
            .then_with(|| match (self.label(), other.label()) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(mine), Some(theirs)) => compare_labels(mine, theirs),
            })
            // Only so that the order is total and agrees with `Eq`: 3.0 and 3.0.0 are two texts of one version.
            .then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Numbers without leading zeros, as long as they like: compared by length, then as text.
fn number(text: &str) -> Option<(usize, &str)> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let digits = text.trim_start_matches('0');
    is_number.then_some((digits.len(), digits))
}

fn compare_part(mine: &str, theirs: &str) -> Ordering {
    match (number(mine), number(theirs)) {
        (Some(mine), Some(theirs)) => mine.cmp(&theirs),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => mine.cmp(theirs),
    }
}

/// A part that is missing counts as 0.
fn compare_parts(mine: &str, theirs: &str) -> Ordering {
    let (mut mine, mut theirs) = (mine.split('.'), theirs.split('.'));
    loop {
        let (one, other) = match (mine.next(), theirs.next()) {
            (None, None) => return Ordering::Equal,
            (one, other) => (one.unwrap_or("0"), other.unwrap_or("0")),
        };
        match compare_part(one, other) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
}

/// SemVer §11.4: identifiers one by one, and the longer list comes later.
fn compare_labels(mine: &str, theirs: &str) -> Ordering {
    let (mut mine, mut theirs) = (mine.split('.'), theirs.split('.'));
    loop {
        let order = match (mine.next(), theirs.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(mine), Some(theirs)) => compare_part(mine, theirs),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// What a dependency or a canonical asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// This version; `1.2` is any `1.2.…` where there is no version of that very text.
    Exact(Version),
    /// `1.2.x`, `1.x`, `*`: the newest that begins so.
    Newest {
        /// The parts before the wildcard, with their dot.
        prefix: Box<str>,
    },
    /// `latest`: the newest release.
    Latest,
    /// `current` and `current$branch`: the build server's last.
    Current(Box<str>),
    /// `dev`: built on this machine; the current build where there is none.
    Dev,
}

impl Wanted {
    /// Reads what a manifest writes behind a package's name.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        match text {
            "latest" => return Self::Latest,
            "dev" => return Self::Dev,
            "" | "*" | "x" | "X" => return Self::Newest { prefix: "".into() },
            "current" => return Self::Current(text.into()),
            _ if text.starts_with("current$") => return Self::Current(text.into()),
            _ => {}
        }
        let wildcard = text.split('.').position(|part| matches!(part, "x" | "X" | "*"));
        let Some(wildcard) = wildcard else { return Self::Exact(Version::new(text)) };
        let prefix: String = text.split('.').take(wildcard).flat_map(|part| [part, "."]).collect();
        Self::Newest { prefix: prefix.into() }
    }

    /// The best of what there is; `None` where nothing fits. A release is preferred to a pre-release, whatever its numbers.
    pub fn choose<'a>(&self, versions: impl IntoIterator<Item = &'a Version>) -> Option<&'a Version> {
        let versions: Vec<&Version> = versions.into_iter().collect();
        let named = |name: &str| versions.iter().copied().find(|version| version.as_str() == name);
        match self {
            Self::Exact(version) => named(version.as_str()).or_else(|| {
                let is_short = version.is_numbered() && version.parts().count() < 3 && !version.is_labelled();
                is_short.then(|| newest(&versions, &format!("{version}."))).flatten()
            }),
            Self::Newest { prefix } => newest(&versions, prefix),
            Self::Latest => newest(&versions, ""),
            Self::Current(name) => named(name),
            Self::Dev => named("dev").or_else(|| named("current")),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(version) => version.fmt(f),
            Self::Newest { prefix } => write!(f, "{prefix}x"),
            Self::Latest => f.write_str("latest"),
            Self::Current(name) => f.write_str(name),
            Self::Dev => f.write_str("dev"),
        }
    }
}

/// The builds that have names instead of numbers are never the newest.
fn newest<'a>(versions: &[&'a Version], prefix: &str) -> Option<&'a Version> {
    let fitting = versions.iter().copied().filter(|version| {
        let text = version.as_str();
        version.is_numbered() && text.starts_with(prefix)
    });
    fitting.max_by(|a, b| b.is_labelled().cmp(&a.is_labelled()).then_with(|| a.cmp(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_semver_and_of_looser_texts() {
        let ordered = [
            "2019Sep",
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.2.0",
            "1.10.0",
            "4.0.1",
            "2022.4.20221006",
        ];
        let versions: Vec<Version> = ordered.into_iter().map(Version::new).collect();
        let mut sorted = versions.clone();
        sorted.reverse();
        sorted.sort();
        assert_eq!(sorted, versions);
        assert!(Version::new("99999999999999999999999.0") > Version::new("99999999999999999999998.5"));
    }

    #[test]
    fn the_best_is_chosen() {
        let there: Vec<Version> = [
            "1.1.9",
            "1.2.0",
            "1.2.1",
            "1.2.10",
            "1.2.11-beta",
            "1.3.0",
            "2.0.0-ballot",
            "current",
            "current$new",
        ]
        .into_iter()
        .map(Version::new)
        .collect();
        for (asked, chosen) in [
            ("1.2.0", Some("1.2.0")),
            ("1.2.2", None),
            ("1.2.x", Some("1.2.10")),
            ("1.2.X", Some("1.2.10")),
            ("1.2", Some("1.2.10")),
            ("1", Some("1.3.0")),
            ("1.x", Some("1.3.0")),
            ("1.x.x", Some("1.3.0")),
            ("2.0.x", Some("2.0.0-ballot")),
            ("*", Some("1.3.0")),
            ("latest", Some("1.3.0")),
            ("current", Some("current")),
            ("current$new", Some("current$new")),
            ("dev", Some("current")),
            ("1.2.11-beta", Some("1.2.11-beta")),
            ("3.x", None),
            ("current$gone", None),
        ] {
            assert_eq!(Wanted::new(asked).choose(&there).map(Version::as_str), chosen, "{asked}");
        }
    }
}
