//! Which requests of a client were refused, and why: so that its developers need not ask. Written lazily, bounded for each client,
//! and in our own words only, never with anything that was sent.
//!
//! A request is [`watch`]ed; whoever finds out which client it comes from says so ([`of_client`]), and where a fault becomes an answer
//! its reason is kept ([`because`]). Endpoints need do nothing.

mod budget;
mod explain;
mod list;
mod watch;

use std::cell::RefCell;

use kernel::{Client, Id};

pub(crate) use budget::Budget;
pub use explain::{Explanation, explain};
pub use list::{FAILURES_SHOWN_MAX, Failure, failures_of};
pub(crate) use watch::watch;

/// How many failures of one client are kept.
pub const FAILURES_KEPT: i64 = 200;

tokio::task_local! {
    static SEEN: RefCell<Seen>;
}

/// What is known of the request at hand.
#[derive(Default)]
struct Seen {
    client: Option<Id<Client>>,
    refused: Option<(&'static str, &'static str)>,
}

/// The request comes from this client, or says so.
pub(crate) fn of_client(client: Id<Client>) {
    note(|seen| seen.client = Some(client));
}

/// The request is refused with this error, for this reason. The first reason is kept: others follow from it.
pub(crate) fn because(error: &'static str, why: &'static str) {
    note(|seen| seen.refused = seen.refused.or(Some((error, why))));
}

fn note(write: impl FnOnce(&mut Seen)) {
    // Outside of a watched request there is nobody to tell.
    let _unwatched = SEEN.try_with(|seen| write(&mut seen.borrow_mut()));
}
