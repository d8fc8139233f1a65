//! How lines of JSON are written: the access line, of which there is one for each request, by hand.

use std::fmt::{self, Write};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// The target of the access line.
pub(crate) const ACCESS: &str = "access";

/// Lines as tracing-subscriber writes them; the access line the same, without its way through a serializer.
pub(super) struct Lines(Format<Json>);

impl Lines {
    pub(super) fn new(others: Format<Json>) -> Self {
        Self(others)
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != ACCESS {
            return self.0.format_event(context, to, event);
        }
        to.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut to)?;
        write!(to, "\",\"level\":\"{}\"", event.metadata().level())?;
        let mut members = Members { to, ended: Ok(()) };
        event.record(&mut members);
        members.text("target", ACCESS);
        members.ended?;
        members.to.write_str("}\n")
    }
}

/// Writes fields as members of an object.
struct Members<'w> {
    to: Writer<'w>,
    ended: fmt::Result,
}

impl Members<'_> {
    fn member(&mut self, key: &str, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let to = &mut self.to;
        if self.ended.is_ok() {
            self.ended = write!(to, ",\"{key}\":").and_then(|()| value(to));
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        self.member(key, |to| {
            to.write_char('"')?;
            Escaped(to).write_str(text)?;
            to.write_char('"')
        });
    }
}

impl Visit for Members<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field.name(), |to| write!(to, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field.name(), |to| write!(to, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field.name(), |to| write!(to, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field.name(), |to| {
            to.write_char('"')?;
            write!(Escaped(to), "{value:?}")?;
            to.write_char('"')
        });
    }
}

/// Text inside of a JSON string.  RFC 8259 §7
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = text;
        while let Some(at) = plain.find(|c: char| c < ' ' || matches!(c, '"' | '\\')) {
            let (before, rest) = plain.split_at(at);
            self.0.write_str(before)?;
            let mut rest = rest.chars();
            match rest.next() {
                Some(c @ ('"' | '\\')) => write!(self.0, "\\{c}")?,
                Some(control) => write!(self.0, "\\u{:04x}", u32::from(control))?,
                None => {}
            }
            plain = rest.as_str();
        }
        self.0.write_str(plain)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_access_line_is_the_same_json_as_every_other_line() {
        let kept = Kept::default();
        let to = kept.clone();
        let subscriber = crate::logging::json_lines("info", move || to.clone()).unwrap();
        let odd = "a\"b\\c\nd\u{1}é";
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "access", n = 7_u64, m = -7_i64, is = true, odd, shown = %odd, "request");
            tracing::info!(target: "other", n = 7_u64, m = -7_i64, is = true, odd, shown = %odd, "request");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let mut lines =
            text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let (mut access, mut other) = (lines.next().unwrap(), lines.next().unwrap());
        for (line, target) in [(&mut access, "access"), (&mut other, "other")] {
            let members = line.as_object_mut().unwrap();
            assert_eq!(members.remove("target").unwrap(), target);
            let at = members.remove("timestamp").unwrap();
            assert!(at.as_str().unwrap().ends_with('Z'), "{at}");
        }
        assert_eq!(access, other);
        assert_eq!(access["odd"], odd);
        assert_eq!(access["shown"], odd);
        assert_eq!(access["level"], "INFO");
    }
}
