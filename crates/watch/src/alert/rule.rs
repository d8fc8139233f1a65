//! What is to be told of.

use std::str::FromStr;

use kernel::{Id, IdKind, Integration, Issue, Organisation, Timestamp};
use serde::{Deserialize, Serialize};
use store::{DbError, FromRow, Json, Row};
use utoipa::ToSchema;

use crate::{fault::WatchFault, id};

/// Rules of one organisation.
pub const RULES_MAX: i64 = 200;
/// The longest name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 100;
/// Addresses that a rule is mailed to.
pub const EMAILS_MAX: usize = 10;
/// The longest address, in bytes.  RFC 5321 §4.5.3.1.3
const EMAIL_BYTES_MAX: usize = 254;
/// How far a rule looks back, in seconds.
const WINDOW_S: (i64, i64) = (300, 7 * 86_400);
/// After how long an alert that nobody has acknowledged is told again, in seconds.
const REPEAT_S: (i64, i64) = (300, 7 * 86_400);
/// How long a rule is not told again, in seconds.
const COOLDOWN_S: (i64, i64) = (0, 7 * 86_400);

/// A rule, as ids name it.
#[derive(Debug, Clone, Copy)]
pub enum AlertRule {}
impl IdKind for AlertRule {
    const NAME: &'static str = "alert_rule";
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertKind)]
pub(crate) enum Kind {
    /// Errors of a hundred calls.
    ErrorRate,
    /// The 95th percentile of calls, in milliseconds.
    Latency,
    /// Syncs that have failed.
    FailedSync,
    /// An active integration has brought nothing in the window: it has no threshold.
    NoData,
    /// Jobs of the organisation that wait although they are due.
    QueueDepth,
    /// Calls and messages that were refused.
    Refusals,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::ErrorRate, Self::Latency, Self::FailedSync, Self::NoData, Self::QueueDepth, Self::Refusals];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::Latency => "latency",
            Self::FailedSync => "failed_sync",
            Self::NoData => "no_data",
            Self::QueueDepth => "queue_depth",
            Self::Refusals => "refusals",
        }
    }

    /// The least and the most that may be asked for; none where there is nothing to ask for.
    const fn thresholds(self) -> Option<(i64, i64)> {
        match self {
            Self::ErrorRate => Some((1, 100)),
            Self::Latency => Some((1, 400_000)),
            Self::FailedSync | Self::Refusals => Some((1, 1_000_000)),
            Self::QueueDepth => Some((1, super::evaluate::WAITING_COUNTED_MAX)),
            Self::NoData => None,
        }
    }
}

impl FromStr for Kind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// What is one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertGrouping)]
pub(crate) enum Grouping {
    /// Each integration.
    #[default]
    Integration,
    /// All that the rule watches together.
    Rule,
}

impl Grouping {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::Rule => "rule",
        }
    }
}

/// A rule as it is stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertRuleIn)]
pub(crate) struct RuleIn {
    /// What people call it.
    pub name: String,
    pub kind: Kind,
    /// `int_…`; all integrations of the organisation where it is left out.
    #[serde(default)]
    pub integration_id: Option<String>,
    /// From when on it is told: percent, milliseconds or how many, by the kind.
    #[serde(default)]
    pub threshold: Option<i64>,
    /// How far back it looks, in seconds: 300 to 604800; an hour where it is left out.
    #[serde(default = "an_hour")]
    pub window_s: i64,
    #[serde(default)]
    pub group_by: Grouping,
    /// For how long it is not told again that it holds, in seconds: at most 604800; an hour where it is left out.
    #[serde(default = "an_hour")]
    pub cooldown_s: i64,
    /// After how many seconds it is told again while it holds and nobody has acknowledged it: 300 to 604800; never where it is left out.
    #[serde(default)]
    pub repeat_s: Option<i64>,
    /// Who is mailed.
    #[serde(default)]
    pub email: Vec<String>,
    /// Whether it is looked at.
    #[serde(default = "yes")]
    pub enabled: bool,
}

const fn an_hour() -> i64 {
    3_600
}

const fn yes() -> bool {
    true
}

/// A rule as its row holds it.
#[derive(Debug, Clone)]
pub(crate) struct RuleRow {
    pub id: Id<AlertRule>,
    pub organisation: Id<Organisation>,
    pub name: String,
    pub kind: Kind,
    pub integration: Option<Id<Integration>>,
    pub threshold: i64,
    pub window_s: i64,
    pub group_by: Grouping,
    pub cooldown_s: i64,
    pub repeat_s: Option<i64>,
    pub email: Vec<String>,
    pub enabled: bool,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

fn unreadable(column: &'static str) -> DbError {
    DbError::Column { column: column.into(), why: "not what this version writes".into() }
}

impl FromRow for RuleRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let group_by = match row.get::<String>("grouping")?.as_str() {
            "integration" => Grouping::Integration,
            "rule" => Grouping::Rule,
            _ => return Err(unreadable("grouping")),
        };
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            name: row.get("name")?,
            kind: row.get::<String>("kind")?.parse().map_err(|()| unreadable("kind"))?,
            integration: row.get("integration_id")?,
            threshold: row.get("threshold")?,
            window_s: row.get("window_s")?,
            group_by,
            cooldown_s: row.get("cooldown_s")?,
            repeat_s: row.get("repeat_s")?,
            email: row.get::<Json<Vec<String>>>("email")?.0,
            enabled: row.get("enabled")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Whether mail can be sent from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailIs {
    SetUp,
    Missing,
}

impl RuleRow {
    /// One of which nothing is stated yet.
    pub fn blank(id: Id<AlertRule>, organisation: Id<Organisation>, now: Timestamp) -> Self {
        Self {
            id,
            organisation,
            name: String::new(),
            kind: Kind::ErrorRate,
            integration: None,
            threshold: 1,
            window_s: an_hour(),
            group_by: Grouping::Integration,
            cooldown_s: an_hour(),
            repeat_s: None,
            email: Vec::new(),
            enabled: true,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

impl RuleIn {
    /// As its owner would state it again.
    pub fn of(row: &RuleRow) -> Self {
        Self {
            name: row.name.clone(),
            kind: row.kind,
            integration_id: row.integration.map(id::write),
            threshold: row.kind.thresholds().map(|_| row.threshold),
            window_s: row.window_s,
            group_by: row.group_by,
            cooldown_s: row.cooldown_s,
            repeat_s: row.repeat_s,
            email: row.email.clone(),
            enabled: row.enabled,
        }
    }

    /// Everything that can be said without the database: the integration that it names, and from when on it is told.
    pub fn check(&self, mail: MailIs) -> Result<(Option<Id<Integration>>, i64), WatchFault> {
        let mut issues = Vec::new();
        let mut wrong = |path: &'static str, message: String| issues.push(Issue::at(path, message));
        let name = self.name.trim();
        if !(1..=NAME_CHARACTERS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            wrong("name", "must be 1 to 100 characters".to_owned());
        }
        let integration = self.integration_id.as_deref().map(id::read::<Integration>);
        match (integration, self.kind) {
            (Some(None), _) => wrong("integration_id", NO_INTEGRATION.to_owned()),
            (Some(_), Kind::QueueDepth) => {
                wrong("integration_id", "queues are of the organisation".to_owned())
            }
            _ => {}
        }
        match (self.kind.thresholds(), self.threshold) {
            (Some((least, most)), Some(asked)) if (least..=most).contains(&asked) => {}
            (Some((least, most)), _) => wrong("threshold", format!("must be {least} to {most}")),
            (None, Some(_)) => wrong("threshold", "the window says it all".to_owned()),
            (None, None) => {}
        }
        for (path, value, (least, most)) in [
            ("window_s", Some(self.window_s), WINDOW_S),
            ("cooldown_s", Some(self.cooldown_s), COOLDOWN_S),
            ("repeat_s", self.repeat_s, REPEAT_S),
        ] {
            if value.is_some_and(|value| !(least..=most).contains(&value)) {
                wrong(path, format!("must be {least} to {most}"));
            }
        }
        if self.email.len() > EMAILS_MAX {
            wrong("email", "must be 10 addresses at the most".to_owned());
        } else if self.email.iter().any(|address| !is_address(address)) {
            wrong("email", "must be addresses such as data@trial.example".to_owned());
        } else if !self.email.is_empty() && mail == MailIs::Missing {
            wrong("email", "mail is not set up in this deployment".to_owned());
        }
        match issues.is_empty() {
            true => Ok((integration.flatten(), self.threshold.unwrap_or(1))),
            false => Err(WatchFault::Refused(issues)),
        }
    }
}

/// What is said of an integration that is not there, or another organisation's.
pub(crate) const NO_INTEGRATION: &str = "must be an integration of the organisation";

fn is_address(text: &str) -> bool {
    text.len() <= EMAIL_BYTES_MAX && text.is_ascii() && text.parse::<lettre::Address>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(kind: Kind) -> RuleIn {
        RuleIn {
            name: "Ours".to_owned(),
            kind,
            integration_id: None,
            threshold: kind.thresholds().map(|(least, _)| least),
            window_s: 3_600,
            group_by: Grouping::Integration,
            cooldown_s: 0,
            repeat_s: Some(300),
            email: vec!["data@trial.example".to_owned()],
            enabled: true,
        }
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_named() {
        for kind in Kind::ALL {
            assert!(stated(kind).check(MailIs::SetUp).is_ok(), "{kind:?}");
        }
        let good = || stated(Kind::ErrorRate);
        let int = format!("int_{}", "0a".repeat(16));
        for (rule, field) in [
            (RuleIn { name: " ".to_owned(), ..good() }, "name"),
            (RuleIn { threshold: None, ..good() }, "threshold"),
            (RuleIn { threshold: Some(101), ..good() }, "threshold"),
            (RuleIn { threshold: Some(1), ..stated(Kind::NoData) }, "threshold"),
            (RuleIn { window_s: 299, ..good() }, "window_s"),
            (RuleIn { cooldown_s: -1, ..good() }, "cooldown_s"),
            (RuleIn { repeat_s: Some(299), ..good() }, "repeat_s"),
            (RuleIn { repeat_s: Some(604_801), ..good() }, "repeat_s"),
            (RuleIn { integration_id: Some("x".to_owned()), ..good() }, "integration_id"),
            (RuleIn { integration_id: Some(int), ..stated(Kind::QueueDepth) }, "integration_id"),
            (RuleIn { email: vec!["nobody".to_owned()], ..good() }, "email"),
            (RuleIn { email: vec!["a@b.example\r\nBcc: c@d.example".to_owned()], ..good() }, "email"),
            (RuleIn { email: vec!["a@b.example".to_owned(); 11], ..good() }, "email"),
        ] {
            let Err(WatchFault::Refused(issues)) = rule.check(MailIs::SetUp) else { panic!("{rule:?}") };
            assert_eq!(issues.first().unwrap().path, field, "{rule:?}");
        }
        assert!(good().check(MailIs::Missing).is_err());
    }
}
