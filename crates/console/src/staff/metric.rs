//! The numbers of an integration, with charts that are drawn here.

use axum::{extract::State as Held, response::Response};
use serde::Deserialize;
use web::{Answer, Path, Query};

use super::{Tabbed, api::Staff, base_of, found, frame, head, said};
use crate::{
    page::{
        chart::Chart,
        staff::{Metrics, PointRow, Tab},
    },
    respond::page,
    state::Console,
    t,
};

/// Windows to choose from: the word of the API, and the length of a step of it, in seconds.
const WINDOWS: [(&str, i64); 3] = [("24h", 3_600), ("7d", 3_600), ("30d", 86_400)];

/// How far back.
#[derive(Deserialize)]
pub(crate) struct Asked {
    window: Option<String>,
}

/// `GET /staff/integrations/{id}/metrics`
pub(crate) async fn show(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let one = found(&staff, &id).await?;
    let known = |window: &&(&str, i64)| asked.window.as_deref() == Some(window.0);
    let (window, step_s) = *WINDOWS.iter().find(known).unwrap_or(&WINDOWS[0]);
    let read: said::Metrics = staff.get(&format!("/{}/metrics?window={window}", one.id)).await?;
    let base = base_of(&one.id);
    let words = |word: &str| match word {
        "24h" => t("staff-window-day"),
        "7d" => t("staff-window-week"),
        _ => t("staff-window-month"),
    };
    let tab = |(word, _): (&str, i64)| Tab {
        href: format!("{base}/metrics?window={word}"),
        words: words(word).into(),
        is_here: word == window,
    };
    page(&Metrics {
        frame: frame(&staff, &one.name).await?,
        head: head(&console, &staff, &one, Tabbed::Metrics),
        windows: WINDOWS.map(tab).into(),
        tiles: tiles(&read.totals),
        charts: charts(&read, step_s),
        points: read.points.iter().rev().map(|point| row(point, &read.step)).collect(),
    })
}

fn tiles(totals: &said::Numbers) -> Vec<(String, String)> {
    let percent = totals.error_percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent}%"));
    let ms = |ms: Option<u64>| ms.map_or_else(|| "–".to_owned(), |ms| t("hook-ms").of("ms", ms).into());
    vec![
        (totals.calls.to_string(), t("staff-calls").into()),
        (percent, t("staff-error-percent").into()),
        (ms(totals.latency_ms.p50), t("staff-p50").into()),
        (ms(totals.latency_ms.p95), t("staff-p95").into()),
        (totals.records.received.to_string(), t("staff-received").into()),
        (totals.records.quarantined.to_string(), t("staff-quarantined").into()),
        (totals.syncs.completed.to_string(), t("staff-syncs-completed").into()),
        (totals.syncs.failed.to_string(), t("staff-syncs-failed").into()),
        (totals.messages.to_string(), t("staff-messages").into()),
    ]
}

fn charts(read: &said::Metrics, step_s: i64) -> Vec<Chart> {
    if read.points.is_empty() {
        return Vec::new();
    }
    let from = read.from.as_seconds();
    let place = |point: &said::Point| (point.at.as_seconds() - from).div_euclid(step_s);
    let places = u32::try_from((read.to.as_seconds() - from).div_euclid(step_s)).unwrap_or(1);
    let bars = |parts: fn(&said::Numbers) -> (i64, i64)| {
        let bar = |point: &said::Point| {
            let (low, high) = parts(&point.numbers);
            Some((u32::try_from(place(point)).ok()?, low, high))
        };
        read.points.iter().filter_map(bar).collect()
    };
    vec![
        Chart {
            title: t("staff-chart-records").into(),
            legend: (t("staff-taken").into(), t("staff-quarantined").into()),
            bars: bars(|numbers| {
                let aside = numbers.records.quarantined;
                (numbers.records.received.saturating_sub(aside), aside)
            }),
            places,
        },
        Chart {
            title: t("staff-chart-calls").into(),
            legend: (t("staff-answered").into(), t("staff-errors").into()),
            bars: bars(|numbers| (numbers.calls.saturating_sub(numbers.errors), numbers.errors)),
            places,
        },
    ]
}

fn row(point: &said::Point, step: &str) -> PointRow {
    // `2026-11-22T10:00`, or the day where a step is one.
    let iso = point.at.to_string();
    let letters = if step == "day" { 10 } else { 16 };
    PointRow {
        at: iso.get(..letters).unwrap_or_default().replace('T', " "),
        calls: point.numbers.calls,
        errors: point.numbers.errors,
        p95: point
            .numbers
            .latency_ms
            .p95
            .map_or_else(|| "–".to_owned(), |ms| t("hook-ms").of("ms", ms).into()),
        received: point.numbers.records.received,
        quarantined: point.numbers.records.quarantined,
    }
}
