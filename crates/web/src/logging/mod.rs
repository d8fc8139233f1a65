//! The log: one line per event on standard output. What may stand in it: `docs/logging.md`.

mod lines;
mod queue;

use tracing_subscriber::{
    EnvFilter,
    fmt::{MakeWriter, format::Format as Events},
    util::SubscriberInitExt,
};

pub(crate) use lines::ACCESS;
pub use queue::{LOG_QUEUE_BYTES_MAX, Log};

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line, for machines.
    Json,
    /// For a person at a terminal.
    Text,
}

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// The filter does not parse.
    #[error("the log filter is not understood; write for example `info` or `info,broker=debug`")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The thread that writes cannot be started.
    #[error("the log cannot be written")]
    Thread(#[source] std::io::Error),
    /// It was set up before.
    #[error("logging is set up already")]
    Again(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Log from now on, by a filter such as `info,broker=debug`, as long as the [`Log`] is kept. Panics are logged by their
/// place alone: their words may hold anything.
///
/// # Errors
/// The filter does not parse, or logging is set up already.
pub fn init(format: Format, filter: &str) -> Result<Log, LogFault> {
    let (log, lines) = Log::start(std::io::stdout()).map_err(LogFault::Thread)?;
    match format {
        Format::Json => json_lines(filter, lines)?.try_init(),
        Format::Text => {
            let filter = EnvFilter::try_new(filter)?;
            let text = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines);
            text.compact().finish().try_init()
        }
    }
    .map_err(|error| LogFault::Again(error.into()))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
    Ok(log)
}

/// The same JSON lines into another writer: for tests, and for tools that keep a log of their own.
///
/// # Errors
/// The filter does not parse.
pub fn json_lines<W>(filter: &str, writer: W) -> Result<impl tracing::Subscriber + Send + Sync, LogFault>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter)?;
    let events = Events::default().json().flatten_event(true).with_current_span(true).with_span_list(false);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).json();
    Ok(lines.event_format(lines::Lines::new(events)).finish())
}
