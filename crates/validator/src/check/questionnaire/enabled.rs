//! Whether a question is asked. <https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen>

use std::cmp::Ordering;

use fhirpath::{
    document::Element,
    value::{Decimal, Temporal},
};
use serde_json::Value;

use super::{QUESTIONS_DEEP_MAX, text, text_of};
use crate::check::value::has_pattern;

pub(super) fn is_enabled(
    question: &Value,
    item: Option<Element<'_>>,
    at: Element<'_>,
    root: Element<'_>,
) -> bool {
    let Some(conditions) = question.get("enableWhen").and_then(Value::as_array) else { return true };
    let mut truths = conditions.iter().map(|condition| holds(condition, item.unwrap_or(at), root));
    if text(question, "enableBehavior") == Some("all") {
        truths.all(|truth| truth)
    } else {
        truths.any(|truth| truth)
    }
}

fn holds(condition: &Value, from: Element<'_>, root: Element<'_>) -> bool {
    let link = text(condition, "question").unwrap_or_default();
    let operator = text(condition, "operator").unwrap_or_default();
    let wanted =
        condition.as_object().and_then(|fields| fields.iter().find(|(name, _)| name.starts_with("answer")));
    let values: Vec<Element<'_>> = nearest(link, from, root).into_iter().flat_map(values).collect();
    let Some((_, wanted)) = wanted else { return false };
    match operator {
        "exists" => wanted.as_bool() == Some(!values.is_empty()),
        "=" => values.iter().any(|value| has_pattern(*value, wanted)),
        "!=" => values.iter().any(|value| !has_pattern(*value, wanted)),
        ">" => values.iter().any(|value| order(*value, wanted) == Some(Ordering::Greater)),
        "<" => values.iter().any(|value| order(*value, wanted) == Some(Ordering::Less)),
        ">=" => values.iter().any(|value| order(*value, wanted).is_some_and(Ordering::is_ge)),
        "<=" => values.iter().any(|value| order(*value, wanted).is_some_and(Ordering::is_le)),
        _ => true,
    }
}

/// The items of a linkId that are closest: among siblings first, then further out.
fn nearest<'d>(link: &str, from: Element<'d>, root: Element<'d>) -> Vec<Element<'d>> {
    let mut at = from;
    loop {
        let mut found = Vec::new();
        below(link, at, &mut found, 0);
        if !found.is_empty() || at == root {
            return found;
        }
        match at.parent() {
            Some(parent) => at = parent,
            None => return Vec::new(),
        }
    }
}

fn below<'d>(link: &str, at: Element<'d>, found: &mut Vec<Element<'d>>, depth: usize) {
    if depth > QUESTIONS_DEEP_MAX {
        return;
    }
    for child in at.children().filter(|child| matches!(child.name(), "item" | "answer")) {
        if child.name() == "item" && text_of(child, "linkId") == link {
            found.push(child);
        }
        below(link, child, found, depth + 1);
    }
}

fn values(item: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    let answers = item.children().filter(|child| child.name() == "answer");
    answers.filter_map(|answer| answer.children().find(|child| child.name().starts_with("value")))
}

/// How a value stands to what is written in the questionnaire.
pub(super) fn order(value: Element<'_>, wanted: &Value) -> Option<Ordering> {
    let wanted_text = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
    let own = value.text()?;
    if let (Ok(own), Ok(wanted)) = (own.parse::<Decimal>(), wanted_text.parse::<Decimal>()) {
        // A year alone is a number too, and ordered the same.
        return Some(own.cmp(&wanted));
    }
    let temporal = |text: &str| {
        Temporal::date(text).or_else(|| Temporal::date_time(text)).or_else(|| Temporal::time(text))
    };
    match (temporal(&own), temporal(&wanted_text)) {
        // Of two that are exact to different degrees, the one that says more is the later.
        (Some(a), Some(b)) => a.compare(b).or_else(|| Some((*own).cmp(wanted_text.as_str()))),
        _ => Some((*own).cmp(wanted_text.as_str())),
    }
}
