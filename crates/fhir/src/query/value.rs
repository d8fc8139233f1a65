//! Values as their kind of parameter reads them. <https://hl7.org/fhir/R4/search.html#ptypes>

use fhirpath::{ucum, value::Decimal};

use super::{
    Comparison, Match, NumberMatch, QuantityMatch, ReferenceMatch, Stands, SystemMatch, TerminologyMatch,
    TextMatch, TokenMatch, UnitMatch, UriMatch,
    escape::{split, unescape},
    limits,
    read::Reading,
};
use crate::{
    index::{
        DateRange, Position, Range, Reference, canonical_quantity, canonical_url, date_range, fold, is_id,
        read_reference,
    },
    parameter::{Parameter, ParameterKind, ResourceType},
};

/// A modifier that changes how a value is read; `:not`, `:not-in` and `:missing` change what is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modifier {
    None,
    Exact,
    Contains,
    Text,
    In,
    Above,
    Below,
    OfType,
    Identifier,
    Target(ResourceType),
}

/// What a value has to be, where it is not.
type Expected = &'static str;

/// What one of the values that commas part is compared with; several where it may be of several kinds.
pub(super) fn read(
    parameter: &Parameter,
    modifier: Modifier,
    raw: &str,
    reading: &Reading<'_>,
) -> Result<Vec<Match>, Expected> {
    let one = match parameter.kind {
        ParameterKind::Token => token(modifier, raw)?,
        ParameterKind::String => Match::Text(text(modifier, raw)?),
        ParameterKind::Reference if modifier == Modifier::Text => Match::TokenText(folded(raw)?),
        ParameterKind::Reference if modifier == Modifier::Identifier => Match::Identifier(token_match(raw)?),
        ParameterKind::Reference => return reference(parameter, modifier, raw, reading),
        ParameterKind::Date => date(raw, reading)?,
        ParameterKind::Number => Match::Number(number(raw).ok_or("a number, perhaps behind a prefix")?),
        ParameterKind::Quantity => Match::Quantity(quantity(raw)?),
        ParameterKind::Uri => Match::Uri(uri(modifier, raw)?),
        ParameterKind::Composite => return composite(parameter, raw, reading),
        ParameterKind::Special => near(raw)?,
    };
    Ok(vec![one])
}

fn filled(raw: &str, expected: Expected) -> Result<Box<str>, Expected> {
    let text = unescape(raw);
    if text.is_empty() { Err(expected) } else { Ok(text.into()) }
}

fn token(modifier: Modifier, raw: &str) -> Result<Match, Expected> {
    Ok(match modifier {
        Modifier::Text => Match::TokenText(folded(raw)?),
        Modifier::In => Match::Terminology(TerminologyMatch::In(filled(raw, "the URL of a value set")?)),
        Modifier::Above | Modifier::Below => {
            let TokenMatch { system: SystemMatch::Is(system), code: Some(code) } = token_match(raw)? else {
                return Err("`system|code`");
            };
            Match::Terminology(match modifier {
                Modifier::Above => TerminologyMatch::Above { system, code },
                _ => TerminologyMatch::Below { system, code },
            })
        }
        Modifier::OfType => {
            let parts: Vec<_> = split(raw, '|').map(unescape).collect();
            let [system, code, value] = parts.as_slice() else { return Err("`system|code|value`") };
            if code.is_empty() || value.is_empty() {
                return Err("`system|code|value`");
            }
            Match::TypedToken {
                type_system: system.as_ref().into(),
                type_code: code.as_ref().into(),
                value: value.as_ref().into(),
            }
        }
        _ => Match::Token(token_match(raw)?),
    })
}

fn token_match(raw: &str) -> Result<TokenMatch, Expected> {
    let expected = "`code`, `system|code`, `|code` or `system|`";
    let parts: Vec<_> = split(raw, '|').map(unescape).collect();
    let (system, code) = match parts.as_slice() {
        [code] => (SystemMatch::Any, code),
        [system, code] if system.is_empty() => (SystemMatch::None, code),
        [system, code] => (SystemMatch::Is(system.as_ref().into()), code),
        _ => return Err(expected),
    };
    let code = (!code.is_empty()).then(|| code.as_ref().into());
    if code.is_none() && !matches!(system, SystemMatch::Is(_)) {
        return Err(expected);
    }
    Ok(TokenMatch { system, code })
}

fn folded(raw: &str) -> Result<Box<str>, Expected> {
    let text = unescape(raw);
    let folded = fold(&text);
    if folded.is_empty() { Err("a text") } else { Ok(folded.into()) }
}

fn text(modifier: Modifier, raw: &str) -> Result<TextMatch, Expected> {
    Ok(match modifier {
        Modifier::Exact => TextMatch::Exact(filled(raw, "a text")?),
        Modifier::Contains => TextMatch::Contains(folded(raw)?),
        _ => TextMatch::Begins(folded(raw)?),
    })
}

fn uri(modifier: Modifier, raw: &str) -> Result<UriMatch, Expected> {
    let uri = filled(raw, "a URI")?;
    Ok(match modifier {
        Modifier::Above => UriMatch::Above(uri),
        Modifier::Below => UriMatch::Below(uri),
        _ => UriMatch::Is(uri),
    })
}

fn reference(
    parameter: &Parameter,
    modifier: Modifier,
    raw: &str,
    reading: &Reading<'_>,
) -> Result<Vec<Match>, Expected> {
    let expected = "`Type/id`, an id or a URL";
    let text = unescape(raw);
    let of = |matches: Vec<ReferenceMatch>| Ok(matches.into_iter().map(Match::Reference).collect());
    if let Modifier::Above | Modifier::Below = modifier {
        return canonical(modifier, &text).map(|one| vec![Match::Reference(one)]);
    }
    if let Modifier::Target(wanted) = modifier
        && is_id(&text)
    {
        return of(vec![ReferenceMatch::Local {
            resource_type: Some(wanted),
            id: text.into(),
            version: None,
        }]);
    }
    if is_id(&text) {
        let only = match parameter.targets.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        return of(vec![ReferenceMatch::Local { resource_type: only, id: text.into(), version: None }]);
    }
    match read_reference(text.clone(), reading.registry.base()) {
        Some(Reference::Local { resource_type, id, version }) => {
            if matches!(modifier, Modifier::Target(wanted) if wanted != resource_type) {
                return Err("a reference to the type that `:` names");
            }
            let version = version.map(Into::into);
            of(vec![ReferenceMatch::Local { resource_type: Some(resource_type), id: id.into(), version }])
        }
        // A URL may be that of a record elsewhere or of a definition.
        Some(Reference::Absolute { url }) => match canonical_url(&text) {
            Some(Reference::Canonical { url: plain, version: Some(version) }) => {
                let (url, version) = (plain.into(), Some(version.into()));
                of(vec![ReferenceMatch::Canonical { url, version }])
            }
            _ => of(vec![
                ReferenceMatch::Absolute(url.as_ref().into()),
                ReferenceMatch::Canonical { url: url.into(), version: None },
            ]),
        },
        _ => Err(expected),
    }
}

/// `url|version` for the versions above or below one, `url` for the definitions whose URL begins so.
fn canonical(modifier: Modifier, text: &str) -> Result<ReferenceMatch, Expected> {
    match (canonical_url(text), modifier) {
        (Some(Reference::Canonical { url, version: Some(version) }), _) => {
            let stands = if modifier == Modifier::Above { Stands::Above } else { Stands::Below };
            Ok(ReferenceMatch::CanonicalVersion { url: url.into(), version: version.into(), stands })
        }
        (Some(Reference::Canonical { url, version: None }), Modifier::Below) => {
            Ok(ReferenceMatch::CanonicalBelow(url.into()))
        }
        (_, Modifier::Below) => Err("a URL, perhaps with a version"),
        _ => Err("a URL with a version"),
    }
}

/// The prefix, and what stands behind it.
fn comparison(text: &str) -> (Comparison, &str) {
    const PREFIXES: [(&str, Comparison); 9] = [
        ("eq", Comparison::Equal),
        ("ne", Comparison::NotEqual),
        ("gt", Comparison::Greater),
        ("lt", Comparison::Less),
        ("ge", Comparison::GreaterOrEqual),
        ("le", Comparison::LessOrEqual),
        ("sa", Comparison::StartsAfter),
        ("eb", Comparison::EndsBefore),
        ("ap", Comparison::Approximately),
    ];
    let known = PREFIXES.iter().find_map(|(prefix, own)| Some((*own, text.strip_prefix(prefix)?)));
    known.unwrap_or((Comparison::Equal, text))
}

fn date(raw: &str, reading: &Reading<'_>) -> Result<Match, Expected> {
    let expected = "a date, perhaps behind a prefix";
    let (comparison, text) = comparison(raw);
    // The documented site form: from one date to another, both included (contract 3).
    if let Some((from, to)) = text.split_once('_') {
        let (from, to) = (date_range(from).ok_or(expected)?, date_range(to).ok_or(expected)?);
        let range = DateRange { lo: from.lo, hi: to.hi };
        if range.lo > range.hi || !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return Err("two dates, the earlier first, without a prefix");
        }
        return Ok(Match::Date(comparison, range));
    }
    let range = date_range(text).ok_or(expected)?;
    let widened = match comparison {
        Comparison::Approximately => {
            let now = reading.now.as_micros();
            let gap = now.saturating_sub(range.lo).checked_abs().unwrap_or(i64::MAX) / 10;
            DateRange { lo: range.lo.saturating_sub(gap), hi: range.hi.saturating_add(gap) }
        }
        _ => range,
    };
    Ok(Match::Date(comparison, widened))
}

fn number(raw: &str) -> Option<NumberMatch> {
    let (comparison, text) = comparison(raw);
    let value: Decimal = text.parse().ok()?;
    let apart = match comparison {
        Comparison::Equal | Comparison::NotEqual => half_of_last_digit(text),
        Comparison::Approximately => value.abs()?.checked_mul(Decimal::new(1, 1)?),
        _ => return Some(NumberMatch { comparison, range: Range::point(value) }),
    };
    let apart = apart?;
    let range = Range { lo: Some(value.checked_sub(apart)?), hi: Some(value.checked_add(apart)?) };
    Some(NumberMatch { comparison, range })
}

/// "To so many significant figures": `100` is anything that rounds to it, `1e2` too, to one figure.
fn half_of_last_digit(text: &str) -> Option<Decimal> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let places = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let last = exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(places).ok()?)?.checked_sub(1)?;
    let power = u8::try_from(last.unsigned_abs()).ok()?;
    if last < 0 {
        Decimal::new(5, power)
    } else {
        Decimal::new(5i128.checked_mul(10i128.checked_pow(power.into())?)?, 0)
    }
}

fn quantity(raw: &str) -> Result<QuantityMatch, Expected> {
    let expected = "`number`, `number|system|code` or `number||code`";
    let parts: Vec<_> = split(raw, '|').map(unescape).collect();
    let number = parts.first().and_then(|text| number(text)).ok_or(expected)?;
    let unit = match parts.as_slice() {
        [_] => UnitMatch::Any,
        [_, system, code] if system.is_empty() && !code.is_empty() => UnitMatch::Word(code.as_ref().into()),
        [_, system, code] if !code.is_empty() => UnitMatch::Code {
            system: system.as_ref().into(),
            code: code.as_ref().into(),
            canonical: canonical_quantity(number.range, system, code),
        },
        _ => return Err(expected),
    };
    Ok(QuantityMatch { number, unit })
}

fn composite(parameter: &Parameter, raw: &str, reading: &Reading<'_>) -> Result<Vec<Match>, Expected> {
    let parts: Vec<&str> = split(raw, '$').collect();
    if parts.len() != parameter.components.len() {
        return Err("one value for each component, parted by `$`");
    }
    let mut all = vec![Vec::new()];
    for (part, component) in parts.into_iter().zip(&parameter.components) {
        let definition = reading.registry.by_url(&component.definition);
        let definition = definition.filter(|own| own.kind != ParameterKind::Composite);
        let definition = definition.ok_or("a composite whose components are known")?;
        let matches = read(definition, Modifier::None, part, reading)?;
        let longer = all.iter().flat_map(|begun: &Vec<Match>| {
            matches.iter().map(move |own| begun.iter().chain(std::iter::once(own)).cloned().collect())
        });
        all = longer.collect();
    }
    Ok(all.into_iter().map(Match::Composite).collect())
}

/// `latitude|longitude|distance|unit`. <https://hl7.org/fhir/R4/location.html#search>
fn near(raw: &str) -> Result<Match, Expected> {
    let expected = "`latitude|longitude|distance|unit`";
    let parts: Vec<_> = split(raw, '|').map(unescape).collect();
    let degrees = |nth: usize, most: f64| {
        let degrees = parts.get(nth)?.parse::<f64>().ok()?;
        (degrees.abs() <= most).then_some(degrees)
    };
    let (latitude, longitude) = (degrees(0, 90.0).ok_or(expected)?, degrees(1, 180.0).ok_or(expected)?);
    let distance_m = match parts.get(2).filter(|distance| !distance.is_empty()) {
        None => limits::NEAR_DISTANCE_M,
        Some(distance) => {
            let unit = parts.get(3).filter(|unit| !unit.is_empty()).map_or("km", |unit| unit.as_ref());
            let distance: Decimal = distance.parse().map_err(|_| expected)?;
            ucum::convert(distance, unit, "m").map_err(|_| expected)?.to_f64()
        }
    };
    if parts.len() > 4 || distance_m < 0.0 {
        return Err(expected);
    }
    Ok(Match::Near { position: Position { latitude, longitude }, distance_m })
}
