//! `hilum check`: what is in force, and what is unsafe about it.

use super::{Start, say};
use crate::config;

pub(super) fn run(start: &Start) -> anyhow::Result<()> {
    let origin = start.loaded.file.as_ref().map_or_else(
        || "# no file; defaults and environment".to_owned(),
        |file| format!("# {} over the defaults, the environment over both", file.display()),
    );
    say(origin)?;
    say(config::shown(&start.loaded.table))?;
    let warnings = start.loaded.config.warnings();
    if warnings.is_empty() {
        return say("# Nothing unsafe found.");
    }
    say(format_args!("# {} to look at before real data comes near:", warnings.len()))?;
    for warning in warnings {
        say(format_args!("#   {warning}"))?;
    }
    Ok(())
}
