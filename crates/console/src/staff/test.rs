//! A connection is tested, and how that went is shown step by step.

use axum::{extract::State as Held, response::Response};
use kernel::Permission;
use web::{Answer, Path};

use super::{
    api::{Staff, encoded},
    found, integration,
    said::{self, Followed},
    tested_of,
};
use crate::{
    label::State,
    page::staff::{Counts, StepRow, Test},
    respond::page,
    state::Console,
    t,
};

/// `POST /staff/integrations/{id}/test`
pub(crate) async fn test(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<String>,
) -> Answer<Response> {
    let test: said::Test = staff.post(&format!("/{}/test", encoded(&id)), None).await?;
    let one = found(&staff, &id).await?;
    let mut view = integration::view(&console, &staff, &one).await?;
    view.test = Some(shown(&console, &one, test));
    page(&view)
}

/// The last test of an integration, where there is one, and whoever asks may see it.
pub(super) async fn last(console: &Console, staff: &Staff, one: &said::Integration) -> Answer<Option<Test>> {
    if !staff.may(Permission::Logs, (one.org_id, &one.study_ids)) {
        return Ok(None);
    }
    let tests: Followed<said::Test> = staff.get(&format!("/{}/tests?limit=1", one.id)).await?;
    Ok(tests.items.into_iter().next().map(|test| shown(console, one, test)))
}

fn shown(console: &Console, one: &said::Integration, test: said::Test) -> Test {
    Test {
        made: console.moment(test.tested_at),
        // Whatever changes what was tested forgets when that was.
        counts: if one.tested_at == Some(test.tested_at) { Counts::Still } else { Counts::Past },
        state: tested_of(&test.status),
        message: test.message,
        took_ms: test.details.response_time_ms,
        version: test.details.api_version,
        host_key: test.details.host_key,
        steps: test.details.steps.into_iter().map(step).collect(),
    }
}

fn step(step: said::Step) -> StepRow {
    StepRow {
        name: name_of(&step.name),
        state: match step.outcome.as_str() {
            "passed" => State::good(t("staff-step-passed")),
            "warning" => State::warn(t("staff-step-warning")),
            "failed" => State::bad(t("staff-step-failed")),
            _ => State::quiet(t("staff-step-skipped")),
        },
        message: step.message,
        took_ms: step.duration_ms,
    }
}

/// What a step looks at, by the word of the contract.
pub(crate) fn name_of(name: &str) -> String {
    crate::language::named("step", name).map_or_else(|| name.to_owned(), String::from)
}
