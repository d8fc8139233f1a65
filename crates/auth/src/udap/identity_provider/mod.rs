//! Identity providers of a community sign people in here, when a client names one: UDAP Tiered OAuth for User Authentication.
//! IG §6
//!
//! A provider says of itself where its endpoints are, under its certificate (`look`); this server registers with it as a client,
//! under its own (`register`), and from then on the provider is one of those that people sign in through ([`crate::upstream`]):
//! what differs is that it authenticates us, and we its ID tokens, by certificates (`authenticate`).

mod authenticate;
mod look;
mod register;

use std::time::Duration;

pub(crate) use authenticate::{community, proof, verified};
pub(crate) use look::Known;
use look::Told;
pub(crate) use register::find;

/// The longest address of a provider that is looked at, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 512;

/// How many identity providers of a community this server registers with.
pub const IDENTITY_PROVIDERS_MAX: i64 = 100;

/// How long what a provider says of itself is kept.
pub const TOLD_KEPT: Duration = Duration::from_mins(10);

/// How long a provider that cannot be used is not asked again.
pub const REFUSED_KEPT: Duration = Duration::from_mins(1);

/// How many providers a node asks at the same time what they say of themselves.
pub const LOOKED_AT_ONCE_MAX: usize = 16;

/// How long a registration is good before it is made anew: a provider may have forgotten us, or our certificate was renewed.
pub const REGISTERED_FOR: Duration = Duration::from_hours(24 * 7);

/// How many answers about providers a node remembers.
const KNOWN_MAX: usize = 1_000;

/// How long asking a provider of itself, and registering with it, may each take: a browser waits.
const ASKED_FOR: Duration = Duration::from_secs(5);
