//! The people who live here. They are made up.

use serde::{Deserialize, Serialize};

/// A made-up person with an account at the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Person {
    /// Runs in the evening and sleeps early.
    River,
    /// Sits at a desk and goes to bed late.
    Sky,
}

/// What a made-up person is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traits {
    /// The name to sign in with.
    pub(super) login: &'static str,
    /// The name on the profile.
    pub(super) name: &'static str,
    /// The account's id in tokens and the profile.
    pub(super) user_id: &'static str,
    pub(super) age: u16,
    /// Heartbeats a minute at rest.
    pub(super) resting: i32,
    /// Steps on an ordinary day.
    pub(super) steps: u32,
    /// Minutes after noon at which the night usually begins.
    pub(super) bedtime: u32,
    /// Minutes of an ordinary night.
    pub(super) night: u32,
    /// In how many of a hundred days there is exercise.
    pub(super) exercise_percent: u64,
}

impl Person {
    /// Everybody.
    pub const ALL: [Self; 2] = [Self::River, Self::Sky];

    /// The person with this login.
    pub fn named(login: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|person| person.traits().login == login)
    }

    pub(super) const fn traits(self) -> Traits {
        match self {
            Self::River => Traits {
                login: "river",
                name: "River Sample",
                user_id: "R7V3RS",
                age: 34,
                resting: 56,
                steps: 10_400,
                bedtime: 10 * 60 + 20,
                night: 455,
                exercise_percent: 60,
            },
            Self::Sky => Traits {
                login: "sky",
                name: "Sky Sample",
                user_id: "SK9Y2X",
                age: 52,
                resting: 67,
                steps: 6_100,
                bedtime: 11 * 60 + 40,
                night: 405,
                exercise_percent: 15,
            },
        }
    }
}
