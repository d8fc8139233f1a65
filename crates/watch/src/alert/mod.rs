//! Alerts: rules of an organisation, looked at each minute on one node of all, and told when they begin and cease to hold.

pub(crate) mod acknowledge;
pub(crate) mod change;
mod decide;
mod evaluate;
pub(crate) mod list;
mod mail;
mod queries;
mod rule;
mod tell;

pub use acknowledge::NOTE_CHARACTERS_MAX;
pub use evaluate::{EVALUATE_EVERY, Evaluate, RULES_AT_ONCE};
pub use mail::{Mail, MailFault, MailSettings, MailTls, Mailer};
pub use rule::{AlertRule, EMAILS_MAX, NAME_CHARACTERS_MAX, RULES_MAX};
