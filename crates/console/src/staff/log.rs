//! The log of an integration, searched and paged.

use axum::{extract::State as Held, response::Response};
use serde::Deserialize;
use url::form_urlencoded::Serializer;
use web::{Answer, Path, Query};

use super::{Tabbed, api::Staff, base_of, found, frame, head, said};
use crate::{
    label::State,
    page::staff::{LineRow, Logs},
    respond::{Refusal, page},
    state::Console,
    t,
};

/// Lines of one page.
const LINES: &str = "50";

/// Which lines.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    level: String,
    cursor: Option<String>,
}

impl Asked {
    /// The query of the API, or of this page: they name the level differently.
    fn query(&self, (level, cursor): (&'static str, Option<&str>)) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in [("q", self.q.trim()), (level, self.level.as_str())] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.extend_pairs(cursor.map(|cursor| ("cursor", cursor))).finish()
    }
}

/// `GET /staff/integrations/{id}/logs`
pub(crate) async fn list(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let one = found(&staff, &id).await?;
    let query = asked.query(("log_level", asked.cursor.as_deref()));
    let read = staff.get_part::<said::Logs>(&format!("/{}/logs?limit={LINES}&{query}", one.id)).await;
    let (lines, total, next, refusal) = match read {
        Ok((logs, next)) => (logs.logs, logs.total_count, next, None),
        Err(problem) => (Vec::new(), 0, None, Some(Refusal::of(problem)?)),
    };
    let older =
        next.map(|cursor| format!("{}/logs?{}", base_of(&one.id), asked.query(("level", Some(&cursor)))));
    let said = |issue: kernel::Issue| crate::language::heard(&issue.message);
    let view = Logs {
        frame: frame(&staff, &one.name).await?,
        head: head(&console, &staff, &one, Tabbed::Logs),
        wrong: refusal.iter().flat_map(Refusal::issues).map(said).collect(),
        total: usize::try_from(total).unwrap_or_default(),
        lines: lines.iter().map(|line| row(&console, line)).collect(),
        older,
        q: asked.q,
        level: asked.level,
    };
    match refusal {
        Some(refusal) => refusal.page(&view),
        None => page(&view),
    }
}

fn row(console: &Console, line: &said::Line) -> LineRow {
    LineRow {
        at: console.moment(line.timestamp),
        level: match line.level.as_str() {
            "error" => State::bad(t("staff-level-error")),
            "warning" => State::warn(t("staff-level-warning")),
            "debug" => State::quiet(t("staff-level-debug")),
            _ => State::quiet(t("staff-level-info")),
        },
        message: line.message.clone(),
        sync: line.details.job_id.clone(),
        records: line.details.records_processed,
        took_ms: line.details.duration_ms,
    }
}
