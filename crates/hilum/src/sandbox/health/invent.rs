//! Making up a person's days: the same day of the same person always comes out the same.

use jiff::{ToSpan, civil::Date, civil::DateTime, civil::Time};

use crate::sandbox::Person;

/// Minutes of a day.
pub(super) const DAY_MINUTES: u32 = 1_440;

/// Numbers that look like chance and are the same every time (SplitMix64).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn of(person: Person, day: Date, topic: &str) -> Self {
        let seed = crypto::sha256(format!("{}|{day}|{topic}", person.traits().login).as_bytes());
        Self(seed.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both included.
    pub(super) fn between(&mut self, least: i32, most: i32) -> i32 {
        let faces = u64::from(most.abs_diff(least)).saturating_add(1);
        least.saturating_add(i32::try_from(self.roll() % faces).unwrap_or(0))
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }
}

/// The stages of sleep that a wearable tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Deep,
    Light,
    Rem,
    Wake,
}

/// A night: the one that ends on this day.
pub(super) struct Night {
    pub(super) begins: DateTime,
    pub(super) ends: DateTime,
    /// Stages and their minutes, in order.
    pub(super) stages: Vec<(Stage, u32)>,
}

/// The night that ends on this day.
pub(super) fn night(person: Person, day: Date) -> Night {
    let traits = person.traits();
    let mut dice = Dice::of(person, day, "night");
    let bedtime = i64::from(traits.bedtime) + i64::from(dice.between(-35, 35));
    let noon_before = day.yesterday().unwrap_or(day).to_datetime(Time::constant(12, 0, 0, 0));
    let begins = noon_before.saturating_add(bedtime.minutes());
    let length = traits.night.saturating_add_signed(dice.between(-45, 40));
    let stages = stages(&mut dice, length);
    let ends = begins.saturating_add(i64::from(length).minutes());
    Night { begins, ends, stages }
}

/// Cycles of about ninety minutes: deep sleep early in the night, dreams late.
fn stages(dice: &mut Dice, length: u32) -> Vec<(Stage, u32)> {
    let mut stages = Vec::new();
    let mut left = length;
    let mut cycle = 0;
    while left > 0 {
        let deep = 38 - 9 * cycle.min(4);
        let rem = 8 + 7 * cycle.min(4);
        let plan = [
            (Stage::Light, dice.between(18, 32)),
            (Stage::Deep, dice.between(deep, deep + 10)),
            (Stage::Light, dice.between(12, 24)),
            (Stage::Rem, dice.between(rem, rem + 10)),
            (Stage::Wake, dice.between(1, 7)),
        ];
        for (stage, minutes) in plan {
            let minutes = minutes.unsigned_abs().min(left);
            left -= minutes;
            if minutes > 0 {
                stages.push((stage, minutes));
            }
        }
        cycle += 1;
    }
    stages
}

/// Heartbeats a minute at rest, on this day: a slow wave of four weeks and a little chance.
pub(super) fn resting(person: Person, day: Date) -> i32 {
    const WAVE: [i32; 8] = [0, 1, 2, 1, 0, -1, -2, -1];
    let phase = i32::from(day.day_of_year()).rem_euclid(28) * 8 / 28;
    let wave = usize::try_from(phase).ok().and_then(|nth| WAVE.get(nth)).copied().unwrap_or(0);
    person.traits().resting + wave + Dice::of(person, day, "resting").between(-1, 1)
}

/// Minutes of the day spent exercising, if there is exercise.
pub(super) fn exercise(person: Person, day: Date) -> Option<std::ops::Range<u32>> {
    let mut dice = Dice::of(person, day, "exercise");
    let does = dice.percent(person.traits().exercise_percent);
    let begins = dice.between(17 * 60, 18 * 60 + 30).unsigned_abs();
    let minutes = dice.between(25, 55).unsigned_abs();
    does.then(|| begins..begins.saturating_add(minutes))
}

/// Steps of the whole day.
pub(super) fn steps(person: Person, day: Date) -> u32 {
    let usual = i32::try_from(person.traits().steps).unwrap_or(0);
    let mut dice = Dice::of(person, day, "steps");
    let rest = if day.weekday().to_monday_zero_offset() == 6 { usual / 3 } else { 0 };
    let walked = dice.between(usual * 3 / 5, usual * 13 / 10) - rest;
    let ran = exercise(person, day).map_or(0, |minutes| minutes.len() as u32 * 130);
    walked.unsigned_abs().saturating_add(ran)
}

/// Heartbeats in each minute of the day.
pub(super) fn heartbeats(person: Person, day: Date) -> Vec<i32> {
    let resting = resting(person, day);
    let mut dice = Dice::of(person, day, "heart");
    let asleep =
        [minutes_asleep(person, day, day), minutes_asleep(person, day.tomorrow().unwrap_or(day), day)];
    let exercise = exercise(person, day).unwrap_or(0..0);
    let mut drift = 0;
    let beat = |minute: u32| {
        drift = (drift + dice.between(-2, 2)).clamp(-7, 7);
        if asleep.iter().any(|span| span.contains(&minute)) {
            resting - 3 + drift / 3
        } else if exercise.contains(&minute) {
            let warm = i32::try_from(minute - exercise.start).unwrap_or(0).min(12);
            resting + 34 + warm * 4 + drift
        } else {
            let walking = minute % 97 < 11;
            resting + 13 + drift + if walking { 16 } else { 0 }
        }
    };
    (0..DAY_MINUTES).map(beat).collect()
}

/// The minutes of `day` that lie in the night which ends on `of`.
fn minutes_asleep(person: Person, of: Date, day: Date) -> std::ops::Range<u32> {
    let night = night(person, of);
    let minute = |instant: DateTime| {
        if instant.date() < day {
            0
        } else if instant.date() > day {
            DAY_MINUTES
        } else {
            instant.hour().unsigned_abs() as u32 * 60 + instant.minute().unsigned_abs() as u32
        }
    };
    minute(night.begins)..minute(night.ends)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn year() -> impl Iterator<Item = (Person, Date)> {
        Person::ALL
            .into_iter()
            .flat_map(|person| date(2026, 1, 1).series(1.day()).take(365).map(move |day| (person, day)))
    }

    #[test]
    fn the_same_day_comes_out_the_same() {
        let day = date(2026, 5, 1);
        assert_eq!(heartbeats(Person::River, day), heartbeats(Person::River, day));
        assert_ne!(heartbeats(Person::River, day), heartbeats(Person::Sky, day));
        assert_ne!(heartbeats(Person::River, day), heartbeats(Person::River, date(2026, 5, 2)));
        assert_eq!((resting(Person::River, day), steps(Person::River, day)), (59, 14_396));
    }

    #[test]
    fn a_year_is_plausible() {
        for (person, day) in year() {
            let rest = resting(person, day);
            assert!((48..=75).contains(&rest), "{day}: {rest}");
            assert!((1_000..25_000).contains(&steps(person, day)), "{day}");
            let beats = heartbeats(person, day);
            assert_eq!(beats.len(), 1_440);
            assert!(beats.iter().all(|beat| (40..=175).contains(beat)), "{day}");
            assert!(beats.iter().min() < Some(&rest), "{day}: sleep is below rest");
        }
        let exercised =
            year().filter(|(person, day)| *person == Person::River && exercise(*person, *day).is_some());
        assert!((180..=260).contains(&exercised.count()));
    }

    #[test]
    fn nights_are_whole_and_do_not_overlap() {
        for (person, day) in year() {
            let night = night(person, day);
            let minutes: u32 = night.stages.iter().map(|(_, minutes)| minutes).sum();
            assert!((330..=500).contains(&minutes), "{day}: {minutes}");
            assert_eq!(night.begins.saturating_add(i64::from(minutes).minutes()), night.ends);
            assert_eq!(night.ends.date(), day);
            assert!(super::night(person, day.tomorrow().unwrap()).begins > night.ends);
            for stage in [Stage::Deep, Stage::Light, Stage::Rem, Stage::Wake] {
                assert!(night.stages.iter().any(|(of, _)| *of == stage), "{day}: {stage:?}");
            }
        }
    }
}
