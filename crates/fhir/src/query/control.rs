//! Parameters that say how to answer and not which records.  <https://hl7.org/fhir/R4/search.html#return>

use super::{
    Direction, Include, Order, Problem, Query, Reach, Sort, Summary, Total,
    escape::split,
    limits,
    read::{Reading, lookup, shown, typed},
};
use crate::{
    index::date_range,
    parameter::{ParameterKind, ResourceType},
};

/// Read where the answer is written, not here.
const OF_THE_ANSWER: [&str; 2] = ["_format", "_pretty"];

const DAY_MICROS: i64 = 86_400_000_000;

pub(super) fn is_control(name: &str) -> bool {
    let base = name.split_once(':').map_or(name, |(base, _)| base);
    OF_THE_ANSWER.contains(&name)
        || matches!(base, "_include" | "_revinclude")
        || matches!(
            name,
            "_sort"
                | "_count"
                | "_total"
                | "_summary"
                | "_elements"
                | "_since"
                | "_type"
                | "_contained"
                | "page"
                | "count"
        )
}

pub(super) fn may_repeat(name: &str) -> bool {
    name.starts_with("_include") || name.starts_with("_revinclude")
}

pub(super) fn read(query: &mut Query, name: &str, value: &str, reading: &Reading<'_>) -> Result<(), Problem> {
    if value.is_empty() {
        return Err(Problem::Empty);
    }
    let wrong = |expected| Problem::Value { nth: 1, expected };
    let (base, modifier) = match name.split_once(':') {
        Some((base, modifier)) => (base, Some(modifier)),
        None => (name, None),
    };
    match base {
        "_include" => include(query, Direction::Forward, modifier, value, reading)?,
        "_revinclude" => include(query, Direction::Reverse, modifier, value, reading)?,
        "_sort" => query.sort = sort(&query.resource_types, value, reading)?,
        "_count" | "count" => {
            if query.count.is_some() {
                return Err(Problem::Twice);
            }
            query.count = Some(value.parse().map_err(|_| wrong("a number of entries"))?);
        }
        "page" => {
            let page = value.parse().ok().filter(|page| *page > 0);
            query.page = Some(page.ok_or_else(|| wrong("the number of a page, from 1"))?);
        }
        "_total" => query.total = Some(total(value).ok_or_else(|| wrong("none, estimate or accurate"))?),
        "_summary" => {
            query.summary = Some(summary(value).ok_or_else(|| wrong("true, text, data, count or false"))?);
        }
        "_elements" => query.elements = elements(value)?,
        "_since" => query.since = Some(since(value, reading)?),
        "_contained" if value != "false" => return Err(wrong("`false`: contained records are not searched")),
        _ => {}
    }
    Ok(())
}

/// `_type=Patient,Observation`
pub(super) fn types(value: &str) -> Result<Vec<ResourceType>, Problem> {
    let mut types = split(value, ',').map(typed).collect::<Result<Vec<_>, _>>()?;
    types.sort_unstable();
    types.dedup();
    Ok(types)
}

fn sort(of: &[ResourceType], value: &str, reading: &Reading<'_>) -> Result<Vec<Sort>, Problem> {
    let mut all = Vec::new();
    for word in split(value, ',') {
        let (code, order) = match word.strip_prefix('-') {
            Some(code) => (code, Order::Descending),
            None => (word, Order::Ascending),
        };
        let parameter = lookup(reading.registry, of, code)?;
        if matches!(parameter.kind, ParameterKind::Composite | ParameterKind::Special) {
            return Err(Problem::NotSortable(shown(code)));
        }
        if all.len() >= limits::SORTS_MAX {
            return Err(Problem::TooMany { what: "parameters to sort by", max: limits::SORTS_MAX });
        }
        all.push(Sort { parameter: parameter.id, order });
    }
    Ok(all)
}

fn include(
    query: &mut Query,
    direction: Direction,
    modifier: Option<&str>,
    value: &str,
    reading: &Reading<'_>,
) -> Result<(), Problem> {
    let reach = match modifier {
        None => Reach::Matches,
        // `recurse` is what STU3 called it.
        Some("iterate" | "recurse") => Reach::Iterate,
        Some(modifier) => {
            return Err(Problem::Modifier { modifier: shown(modifier), kind: ParameterKind::Reference });
        }
    };
    if query.includes.len() >= limits::INCLUDES_MAX {
        return Err(Problem::TooMany { what: "includes", max: limits::INCLUDES_MAX });
    }
    let mut include = Include { direction, source: None, parameter: None, target: None, reach };
    if value != "*" {
        let mut parts = value.split(':');
        let source = typed(parts.next().unwrap_or_default())?;
        include.source = Some(source);
        match parts.next() {
            Some("*") => {}
            code => {
                let code = code.unwrap_or_default();
                let parameter = lookup(reading.registry, &[source], code)?;
                if parameter.kind != ParameterKind::Reference {
                    return Err(Problem::NotAReference(shown(code)));
                }
                include.parameter = Some(parameter.id);
            }
        }
        include.target = parts.next().map(typed).transpose()?;
        if parts.next().is_some() {
            return Err(Problem::Value { nth: 1, expected: "`Type:parameter` or `Type:parameter:Type`" });
        }
    }
    query.includes.push(include);
    Ok(())
}

fn total(word: &str) -> Option<Total> {
    Some(match word {
        "none" => Total::None,
        "estimate" => Total::Estimate,
        "accurate" => Total::Accurate,
        _ => return None,
    })
}

fn summary(word: &str) -> Option<Summary> {
    Some(match word {
        "true" => Summary::True,
        "text" => Summary::Text,
        "data" => Summary::Data,
        "count" => Summary::Count,
        "false" => Summary::False,
        _ => return None,
    })
}

fn elements(value: &str) -> Result<Vec<Box<str>>, Problem> {
    let mut names = Vec::new();
    for (at, name) in split(value, ',').enumerate() {
        if at >= limits::ELEMENTS_MAX {
            return Err(Problem::TooMany { what: "elements", max: limits::ELEMENTS_MAX });
        }
        let good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !good {
            return Err(Problem::Value {
                nth: at + 1,
                expected: "the name of an element at the top of a record",
            });
        }
        names.push(name.into());
    }
    Ok(names)
}

/// "Created or updated since, 90 days back at most" (contract 3).
fn since(value: &str, reading: &Reading<'_>) -> Result<i64, Problem> {
    let wrong = |expected| Problem::Value { nth: 1, expected };
    let since = date_range(value).ok_or_else(|| wrong("a date or an instant"))?.lo;
    let earliest = reading.now.as_micros().saturating_sub(limits::SINCE_DAYS_MAX * DAY_MICROS);
    if since < earliest {
        return Err(wrong("within the last 90 days"));
    }
    Ok(since)
}
