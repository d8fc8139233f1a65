//! Signing in through external OpenID providers: NHS login, CIS2, Microsoft, Google, any other.
//! OpenID Connect Core 1.0 §3.1, RFC 9700 §4, RFC 8485
//!
//! A provider vouches for a subject, never for an account here: a subject is linked to one person, by that person, or
//! comes with a new account where the operator has opened that. An e-mail address that a provider tells links nothing.
//!
//! A provider is declared by the operator, or is an identity provider of a trust community with which this server has registered
//! itself because a client named it ([`crate::udap::identity_provider`]).

mod arrive;
mod assert;
mod begin;
mod claims;
mod declare;
mod discover;
mod fault;
mod link;
mod list;
mod preset;
pub(crate) mod queries;
mod redeem;
mod registered;
mod settings;

use std::time::Duration;

use kernel::{Id, Organisation, Timestamp};
use vault::{Place, Sealed};

pub use arrive::{Answer, Arrived, arrive};
pub use begin::{Departure, depart, depart_to_link};
pub(crate) use begin::{Wishes, depart_for};
pub use declare::{NewUpstream, declare, disable};
pub(crate) use discover::{DOCUMENT_BYTES_MAX, Discoveries, Endpoint};
pub use fault::UpstreamFault;
pub use link::{Linked, links, offered, unlink};
pub use list::{Listed, add, enable, get, list_of};
pub use preset::{Preset, presets};
pub(crate) use registered::{
    NewRegistered, count_of_community, declared_by_issuer, keep_registered, of_any_state,
};
pub use settings::{ClientAuth, NewPeople, Settings};

use crate::Auth;

/// How long a person may take at the provider.
pub const ATTEMPT_LIFE: Duration = Duration::from_mins(15);

/// How far apart the provider's clock may be, in seconds.
pub const LEEWAY_S: u32 = 60;

/// How many providers a deployment may have.
pub const UPSTREAMS_MAX: i64 = 100;

/// A provider as its row holds it.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub id: Id<kernel::Upstream>,
    pub organisation: Id<Organisation>,
    pub slug: String,
    pub name: String,
    pub settings: Settings,
    pub secret: Option<Sealed>,
    /// The trust community whose identity provider it is; none of one that the operator has declared.
    pub community: Option<String>,
    /// When it was declared or registered last.
    pub updated_at: Timestamp,
}

/// The longest name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 60;

impl Upstream {
    /// Where the provider sends the browser back to: an address of its own for each, so that no provider's answer is taken
    /// for another's.  RFC 9700 §4.4.2.2
    fn callback(&self, auth: &Auth) -> String {
        callback(auth, &self.slug)
    }
}

/// The same for the word in our addresses.
pub(crate) fn callback(auth: &Auth, slug: &str) -> String {
    format!("{}/sign-in/upstream/{slug}/callback", auth.config().base())
}

fn place(upstream: Id<kernel::Upstream>) -> Place {
    Place { table: "upstream", row: *upstream.as_bytes(), column: "secret", purpose: "upstream" }
}
