//! Clock times of providers as FHIR dateTimes.  FHIR R4 §datatypes.html#dateTime
//!
//! A dateTime with a time must have an offset; a day alone needs none. Local clock times get the offset that the
//! person's zone had at that very time, so the nights in which clocks change come out right.

use jiff::{
    Timestamp, ToSpan, Zoned,
    civil::{Date, DateTime},
    tz::{Offset, TimeZone},
};

use super::{Context, NormaliseFault};

/// A clock time as the provider writes it, `2024-03-09T23:12:30.000`.
pub(super) fn clock_time(text: &str) -> Result<DateTime, NormaliseFault> {
    text.parse().map_err(|_| NormaliseFault::Shape("a time is no clock time"))
}

/// A day, `2024-03-09`.
pub(super) fn day(text: &str) -> Result<Date, NormaliseFault> {
    let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
    date.ok_or(NormaliseFault::Shape("a day is no date"))
}

/// The instant of a clock time in the person's zone. In the hour that comes twice, `again` chooses the second.
pub(super) fn in_zone(clock: DateTime, zone: &TimeZone, again: bool) -> Result<Zoned, NormaliseFault> {
    let ambiguous = zone.to_ambiguous_zoned(clock);
    let zoned = if again { ambiguous.later() } else { ambiguous.compatible() };
    zoned.map_err(|_| NormaliseFault::Shape("a time is out of range"))
}

/// An instant with the offset that the provider tells in seconds (`3600s`); without one, in UTC.
pub(super) fn at_offset(instant: &str, offset: Option<&str>) -> Result<Zoned, NormaliseFault> {
    let instant: Timestamp = instant.parse().map_err(|_| NormaliseFault::Shape("a time is no instant"))?;
    let seconds = match offset {
        Some(text) => text
            .strip_suffix('s')
            .and_then(|number| number.parse::<i32>().ok())
            .ok_or(NormaliseFault::Shape("an offset is no number of seconds"))?,
        None => 0,
    };
    let offset =
        Offset::from_seconds(seconds).map_err(|_| NormaliseFault::Shape("an offset is out of range"))?;
    Ok(instant.to_zoned(TimeZone::fixed(offset)))
}

/// As FHIR writes it, to the second, with the offset.
pub(super) fn date_time(zoned: &Zoned) -> String {
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Whether a day was over when the answer was fetched: in the person's zone, or, where that is not known, everywhere.
pub(super) fn was_over(day: Date, context: &Context<'_>) -> bool {
    /// The last place on earth where a day ends is twelve hours behind UTC.
    const LAST_ZONE: Offset = Offset::constant(-12);
    let zone = context.time_zone.clone().unwrap_or_else(|| TimeZone::fixed(LAST_ZONE));
    let fetched_at = Timestamp::from_microsecond(context.fetched_at.as_micros());
    let end = day.checked_add(1.day()).and_then(|next| next.to_zoned(zone));
    matches!((end, fetched_at), (Ok(end), Ok(fetched_at)) if end.timestamp() <= fetched_at)
}
