//! Every page with made-up contents: for tests, photographs and the look of things.

mod admin;
mod deployment;
mod developer;
mod endpoint;
mod keys;
mod person;
mod security;
mod site;
mod staff;
mod token;
mod upstream;

use std::time::Duration;

use askama::Template;
use kernel::Timestamp;

use crate::{language::rendered_in, moment::Moment};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// So many seconds before a fixed present.
fn ago(seconds: u64) -> Moment {
    let now = Timestamp::from_seconds(1_795_176_000);
    Moment::new(now - Duration::from_secs(seconds), now)
}

/// So many seconds after it.
fn ahead(seconds: u64) -> Moment {
    let now = Timestamp::from_seconds(1_795_176_000);
    Moment::new(now + Duration::from_secs(seconds), now)
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn shown(name: &'static str, page: &impl Template) -> (&'static str, String) {
    (name, page.render().unwrap_or_else(|error| error.to_string()))
}

/// Every page with made-up contents: a name for the file, and the HTML. Each is there in each language.
pub fn samples() -> Vec<(String, String)> {
    let named = |(name, html): (&str, String)| (name.to_owned(), html);
    let in_ukrainian = rendered_in("uk", all).into_iter().map(|(name, html)| (format!("uk-{name}"), html));
    rendered_in("en", all).into_iter().map(named).chain(in_ukrainian).collect()
}

/// What every person sees, each in their language.
pub(super) fn of_people() -> Vec<(&'static str, String)> {
    [person::samples(), security::samples()].into_iter().flatten().collect()
}

fn all() -> Vec<(&'static str, String)> {
    let work = [
        developer::samples(),
        keys::samples(),
        admin::samples(),
        token::samples(),
        upstream::samples(),
        site::samples(),
        endpoint::samples(),
        staff::samples(),
    ];
    [of_people(), work.concat(), deployment::samples()].into_iter().flatten().collect()
}
