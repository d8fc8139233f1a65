//! The log: one line per event on standard output. What may stand in it: `docs/logging.md`.

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

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
    /// It was set up before.
    #[error("logging is set up already")]
    Again(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Log from now on, by a filter such as `info,broker=debug`. Panics are logged by their place alone: their words may
/// hold anything.
///
/// # Errors
/// The filter does not parse, or logging is set up already.
pub fn init(format: Format, filter: &str) -> Result<(), LogFault> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stdout);
    match format {
        Format::Json => json(builder).try_init(),
        Format::Text => builder.compact().try_init(),
    }
    .map_err(LogFault::Again)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
    Ok(())
}

type Plain<W> = tracing_subscriber::fmt::SubscriberBuilder<
    tracing_subscriber::fmt::format::DefaultFields,
    tracing_subscriber::fmt::format::Format,
    EnvFilter,
    W,
>;
type JsonLines<W> = tracing_subscriber::fmt::SubscriberBuilder<
    tracing_subscriber::fmt::format::JsonFields,
    tracing_subscriber::fmt::format::Format<tracing_subscriber::fmt::format::Json>,
    EnvFilter,
    W,
>;

pub(crate) fn json<W: for<'w> MakeWriter<'w> + 'static>(builder: Plain<W>) -> JsonLines<W> {
    builder.json().flatten_event(true).with_current_span(true).with_span_list(false)
}
