//! Times as other systems write them.

use fhirpath::value::{Precision, Temporal};
use jiff::{
    civil::{Date, DateTime},
    fmt::strtime,
    tz::TimeZone,
};

use super::{
    source::Scalar,
    value::{Primitive, is_full_date_time},
};

/// How times are written in a source, and of which place they are.
#[derive(Debug, Clone)]
pub(super) struct Form {
    written: Written,
    zone: Option<TimeZone>,
}

#[derive(Debug, Clone)]
enum Written {
    /// As FHIR writes them, perhaps without an offset.
    Iso,
    /// By the words of `strptime`.
    Words(String),
    /// Seconds since 1970.
    Seconds,
    /// Thousandths of a second since 1970.
    Milliseconds,
}

/// A time, as precise as it was said.
#[derive(Debug, Clone)]
pub(super) enum Moment {
    /// `2024`, `2024-02`, `2024-02-29`
    Part(String),
    /// With an offset, as FHIR writes it.
    Full(String),
    /// A time of day of a place that nobody told.
    Local(DateTime),
    /// A time of day.
    Time(String),
}

const NO_TIME: &str = "is no time that is written so";
const NO_ZONE: &str = "is a time of no place: say by `zone` where it was";

impl Form {
    /// By the words for it; why they are none.
    pub fn of(written: Option<&str>, zone: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        let written = match written {
            None => Written::Iso,
            Some("unix_s") => Written::Seconds,
            Some("unix_ms") => Written::Milliseconds,
            Some(words) => {
                let any = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
                let is_form = words.contains('%') && strtime::format(words, &any).is_ok();
                if !is_form {
                    return Err(("date", "is no form of dates: `unix_s`, `unix_ms`, or words like %d/%m/%Y"));
                }
                Written::Words(words.to_owned())
            }
        };
        let zone = zone.map(TimeZone::get).transpose();
        let zone = zone.map_err(|_| ("zone", "is no time zone: `UTC` or a name like Europe/Stockholm"))?;
        Ok(Self { written, zone })
    }

    pub fn read(&self, value: &Scalar) -> Result<Moment, &'static str> {
        let text = value.text();
        let moment = match &self.written {
            Written::Iso => Moment::plain(text)?,
            Written::Seconds => self.instant(text, 1_000_000_000)?,
            Written::Milliseconds => self.instant(text, 1_000_000)?,
            Written::Words(words) => self.by_words(words, text)?,
        };
        Ok(match (moment, &self.zone) {
            (Moment::Local(local), Some(zone)) => {
                let zoned = local.to_zoned(zone.clone()).map_err(|_| NO_TIME)?;
                Moment::Full(full(&zoned))
            }
            (moment, _) => moment,
        })
    }

    fn instant(&self, text: &str, nanos: i128) -> Result<Moment, &'static str> {
        let whole: i128 = match text.parse() {
            Ok(whole) => whole,
            Err(_) => text
                .parse::<f64>()
                .ok()
                .filter(|number| number.fract() == 0.0 && number.abs() < 1e15)
                .map_or(Err(NO_TIME), |number| Ok(number as i128))?,
        };
        let at = whole.checked_mul(nanos).and_then(|nanos| jiff::Timestamp::from_nanosecond(nanos).ok());
        let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
        Ok(Moment::Full(full(&at.ok_or(NO_TIME)?.to_zoned(zone))))
    }

    fn by_words(&self, words: &str, text: &str) -> Result<Moment, &'static str> {
        let read = strtime::parse(words, text).map_err(|_| NO_TIME)?;
        if let Ok(zoned) = read.to_zoned() {
            return Ok(Moment::Full(full(&zoned)));
        }
        match (read.to_datetime(), read.to_date(), read.to_time()) {
            (Ok(local), _, _) if read.hour().is_some() => Ok(Moment::Local(local)),
            (_, Ok(date), _) => Ok(Moment::Part(written(date))),
            (_, _, Ok(time)) if read.hour().is_some() => {
                Ok(Moment::Time(time.strftime("%H:%M:%S").to_string()))
            }
            _ if read.day().is_some() => Err(NO_TIME),
            _ => match (read.year(), read.month()) {
                (Some(year @ 1..=9999), Some(month)) => Ok(Moment::Part(format!("{year:04}-{month:02}"))),
                (Some(year @ 1..=9999), None) => Ok(Moment::Part(format!("{year:04}"))),
                _ => Err(NO_TIME),
            },
        }
    }
}

fn written(date: Date) -> String {
    date.strftime("%Y-%m-%d").to_string()
}

fn full(at: &jiff::Zoned) -> String {
    match at.offset().seconds() == 0 {
        true => at.strftime("%Y-%m-%dT%H:%M:%S%.fZ").to_string(),
        false => at.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string(),
    }
}

impl Moment {
    /// Reads what is written as FHIR writes it, or as others write the same standard: without seconds, without an offset, with a space.
    pub fn plain(text: &str) -> Result<Self, &'static str> {
        if Temporal::date(text).is_some_and(|date| date.year > 0) {
            return Ok(Self::Part(text.to_owned()));
        }
        if is_full_date_time(text) {
            return Ok(Self::Full(text.to_owned()));
        }
        if let Some(time) = Temporal::time(text).filter(|time| time.precision >= Precision::Minute) {
            let seconds = if time.precision == Precision::Minute { ":00" } else { "" };
            return Ok(Self::Time(format!("{text}{seconds}")));
        }
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::Full(full(&at.to_zoned(TimeZone::UTC))));
        }
        text.parse::<DateTime>().map(Self::Local).map_err(|_| NO_TIME)
    }

    /// As an element of this type has it.
    pub fn write(self, of: Primitive) -> Result<String, &'static str> {
        match (of, self) {
            (Primitive::Date | Primitive::DateTime, Self::Part(text)) => Ok(text),
            (Primitive::Date, Self::Full(text)) => Ok(text.chars().take(10).collect()),
            (Primitive::Date, Self::Local(local)) => Ok(written(local.date())),
            (Primitive::DateTime | Primitive::Instant, Self::Full(text)) => Ok(text),
            (Primitive::DateTime | Primitive::Instant, Self::Local(_)) => Err(NO_ZONE),
            (Primitive::Time, Self::Time(text)) => Ok(text),
            (Primitive::Time, Self::Local(local)) => Ok(local.strftime("%H:%M:%S").to_string()),
            (Primitive::Time, Self::Full(text)) => Ok(text.chars().skip(11).take(8).collect()),
            (Primitive::Instant, Self::Part(_)) => Err("is a day, and the element wants an instant"),
            (Primitive::Time, Self::Part(_)) => Err("is a day, and the element wants a time of day"),
            (Primitive::Date | Primitive::DateTime | Primitive::Instant, Self::Time(_)) => {
                Err("is a time of no day")
            }
            _ => Err(NO_TIME),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(
        written: Option<&str>,
        zone: Option<&str>,
        text: &str,
        of: Primitive,
    ) -> Result<String, &'static str> {
        let form = Form::of(written, zone).unwrap();
        form.read(&Scalar::Text(text.to_owned()))?.write(of)
    }

    #[test]
    fn times_are_read_as_they_are_written_there() {
        use Primitive::{Date, DateTime, Instant, Time};
        let stockholm = Some("Europe/Stockholm");
        for (written, zone, text, of, wanted) in [
            (Some("%d/%m/%Y"), None, "29/02/2024", Date, Some("2024-02-29")),
            (Some("%d/%m/%Y"), None, "30/02/2024", Date, None),
            (Some("%d/%m/%Y"), None, "29/02/2024", Instant, None),
            (Some("%m/%Y"), None, "02/2024", DateTime, Some("2024-02")),
            (
                Some("%d.%m.%Y %H:%M"),
                stockholm,
                "01.07.2024 10:00",
                DateTime,
                Some("2024-07-01T10:00:00+02:00"),
            ),
            (Some("%d.%m.%Y %H:%M"), stockholm, "01.01.2024 10:00", Date, Some("2024-01-01")),
            (Some("%d.%m.%Y %H:%M"), None, "01.01.2024 10:00", DateTime, None),
            (Some("%d.%m.%Y %H:%M"), None, "01.01.2024 10:00", Time, Some("10:00:00")),
            (
                Some("%Y%m%d%H%M%S%z"),
                None,
                "20240101100000+0100",
                DateTime,
                Some("2024-01-01T10:00:00+01:00"),
            ),
            (Some("unix_s"), None, "1704103200", DateTime, Some("2024-01-01T10:00:00Z")),
            (Some("unix_ms"), stockholm, "1704103200120", Instant, Some("2024-01-01T11:00:00.12+01:00")),
            (Some("unix_s"), None, "soon", DateTime, None),
            (Some("unix_s"), None, "1e300", DateTime, None),
            (None, stockholm, "2024-07-01 10:00:00", DateTime, Some("2024-07-01T10:00:00+02:00")),
            (None, None, "2024-07-01T10:00Z", DateTime, Some("2024-07-01T10:00:00Z")),
            (None, None, "2024-07-01T10:00:00Z", Time, Some("10:00:00")),
        ] {
            assert_eq!(made(written, zone, text, of).as_deref().ok(), wanted, "{written:?} {text} {of:?}");
        }
        assert_eq!(Form::of(Some("%J"), None).unwrap_err().0, "date");
        assert_eq!(Form::of(Some("dd/mm"), None).unwrap_err().0, "date");
        assert_eq!(Form::of(None, Some("Mars/Base")).unwrap_err().0, "zone");
    }
}
