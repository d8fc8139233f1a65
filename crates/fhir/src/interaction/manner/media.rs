//! Media types in and out.  <https://hl7.org/fhir/R4/http.html#mime-type>, contract 3 "media type"

use fhirpath::document::Format;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::Kind;
use web::Problem;

/// What may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A resource.
    Resource(Format),
    /// JSON Patch (RFC 6902).
    JsonPatch,
    /// A form: `POST _search`.
    Form,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub format: Format,
    pub layout: Layout,
}

/// Whether it is laid out for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Compact,
    Pretty,
}

const XML: &str = "application/fhir+xml";
const JSON: &str = "application/fhir+json";

fn format_of(media: &str) -> Option<Format> {
    match media {
        "application/fhir+json" | "application/json" | "text/json" | "json" => Some(Format::Json),
        "application/fhir+xml" | "application/xml" | "text/xml" | "xml" => Some(Format::Xml),
        _ => None,
    }
}

/// The media type without its parameters; a character set other than UTF-8, and a version of FHIR other than R4, are none
/// that we read.
fn essence(value: &str) -> Option<String> {
    let mut parts = value.split(';');
    let essence = parts.next()?.trim().to_ascii_lowercase();
    let is_ours = |parameter: &str| match parameter.trim().split_once('=') {
        Some((name, value)) => {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "charset" => value.eq_ignore_ascii_case("utf-8"),
                "fhirversion" => matches!(value, "4.0" | "4.0.1"),
                _ => true,
            }
        }
        None => true,
    };
    parts.all(is_ours).then_some(essence)
}

/// What the body is.
///
/// # Errors
/// 415, with what would be read.
pub(crate) fn sent(headers: &HeaderMap, taken: &'static [Sent]) -> Result<Sent, Problem> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let media = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().and_then(essence),
        _ => None,
    };
    let found = media.and_then(|media| match media.as_str() {
        "application/json-patch+json" => Some(Sent::JsonPatch),
        "application/x-www-form-urlencoded" => Some(Sent::Form),
        other => format_of(other).map(Sent::Resource),
    });
    found.filter(|sent| taken.contains(sent)).ok_or_else(|| unsupported(taken))
}

fn unsupported(taken: &'static [Sent]) -> Problem {
    let words: Vec<&str> = taken
        .iter()
        .map(|sent| match sent {
            Sent::Resource(Format::Json) => JSON,
            Sent::Resource(Format::Xml) => XML,
            Sent::JsonPatch => "application/json-patch+json",
            Sent::Form => "application/x-www-form-urlencoded",
        })
        .collect();
    let problem = Problem::new(Kind::Unsupported, format!("send {} in UTF-8", words.join(" or ")))
        .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .with_path("Content-Type");
    match HeaderValue::from_str(&words.join(", ")) {
        Ok(accept) => problem.with_header(header::ACCEPT, accept),
        Err(_) => problem,
    }
}

/// How the answer is to be written: `_format` before `Accept`.
///
/// # Errors
/// 406 where nothing that is accepted is offered.
pub(crate) fn wanted(headers: &HeaderMap, query: &str) -> Result<Wanted, Problem> {
    let parameter = |wanted: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let layout = match parameter("_pretty").as_deref() {
        None | Some("false") => Layout::Compact,
        Some("true") => Layout::Pretty,
        Some(_) => {
            return Err(Problem::new(Kind::Invalid, "_pretty must be true or false").with_path("_pretty"));
        }
    };
    let format = match parameter("_format") {
        // A plus that was not escaped arrives as a space.
        Some(asked) => essence(&asked.replace(' ', "+")).and_then(|media| format_of(&media)),
        None => accepted(headers),
    };
    format.map(|format| Wanted { format, layout }).ok_or_else(|| {
        Problem::new(Kind::Unsupported, "offered are application/fhir+json and application/fhir+xml")
            .with_status(StatusCode::NOT_ACCEPTABLE)
            .with_path("Accept")
    })
}

/// The best of what `Accept` names; JSON where nothing is said.  RFC 9110 §12.5.1
fn accepted(headers: &HeaderMap) -> Option<Format> {
    let all: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if all.is_empty() {
        return Some(Format::Json);
    }
    let ranges = all.iter().flat_map(|value| value.split(','));
    let mut best: Option<(u32, Format)> = None;
    for range in ranges.take(RANGES_MAX) {
        let (quality, media) = (quality(range), range.split(';').next().unwrap_or_default().trim());
        let format = match media.to_ascii_lowercase().as_str() {
            "*/*" | "application/*" => Some(Format::Json),
            _ => essence(&without_quality(range)).and_then(|media| format_of(&media)),
        };
        if let Some(format) = format
            && quality > 0
            && best.is_none_or(|(other, _)| quality > other)
        {
            best = Some((quality, format));
        }
    }
    best.map(|(_, format)| format)
}

/// How many ranges of `Accept` are looked at.
const RANGES_MAX: usize = 32;

/// In thousandths.
fn quality(range: &str) -> u32 {
    let said = range.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
    let read = said.map_or(Some(1.0), |text| text.trim().parse::<f32>().ok());
    read.filter(|q| (0.0..=1.0).contains(q)).map_or(0, |q| if q >= 1.0 { 1000 } else { (q * 1000.0) as u32 })
}

fn without_quality(range: &str) -> String {
    let kept: Vec<&str> = range.split(';').filter(|part| !part.trim().starts_with("q=")).collect();
    kept.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: Option<&str>) -> HeaderMap {
        value.map(|value| (name, HeaderValue::from_str(value).unwrap())).into_iter().collect()
    }

    #[test]
    fn what_is_sent() {
        use Format::{Json, Xml};
        const ALL: &[Sent] = &[Sent::Resource(Json), Sent::Resource(Xml), Sent::JsonPatch];
        for (value, expected) in [
            (Some("application/fhir+json"), Some(Sent::Resource(Json))),
            (Some("application/fhir+json; charset=UTF-8; fhirVersion=4.0"), Some(Sent::Resource(Json))),
            (Some("Application/JSON"), Some(Sent::Resource(Json))),
            (Some("application/fhir+xml"), Some(Sent::Resource(Xml))),
            (Some("application/json-patch+json"), Some(Sent::JsonPatch)),
            (Some("application/fhir+json; charset=latin1"), None),
            (Some("application/fhir+json; fhirVersion=3.0"), None),
            (Some("application/x-www-form-urlencoded"), None),
            (Some("text/plain"), None),
            (Some("application/fhir+turtle"), None),
            (None, None),
        ] {
            let read = sent(&with(header::CONTENT_TYPE, value), ALL);
            match (read, expected) {
                (Ok(read), expected) => assert_eq!(Some(read), expected, "{value:?}"),
                (Err(problem), None) => assert_eq!(problem.status(), 415, "{value:?}"),
                (Err(_), Some(_)) => panic!("{value:?} is refused"),
            }
        }
    }

    #[test]
    fn what_is_wanted() {
        use Format::{Json, Xml};
        for (accept, query, expected) in [
            (None, "", Some(Json)),
            (Some("*/*"), "", Some(Json)),
            (Some("application/fhir+xml"), "", Some(Xml)),
            (Some("application/fhir+xml;q=0.5, application/fhir+json;q=0.6"), "", Some(Json)),
            (Some("application/fhir+json;q=0.5, text/xml"), "", Some(Xml)),
            (Some("text/html"), "", None),
            (Some("text/html, */*;q=0.1"), "", Some(Json)),
            (Some("application/fhir+json;q=0"), "", None),
            (Some("application/fhir+json;fhirVersion=3.0"), "", None),
            (Some("text/html"), "_format=json", Some(Json)),
            (None, "_format=xml", Some(Xml)),
            (None, "_format=application/fhir+xml", Some(Xml)),
            (None, "_format=application%2Ffhir%2Bxml", Some(Xml)),
            (None, "_format=turtle", None),
        ] {
            let read = wanted(&with(header::ACCEPT, accept), query);
            match (read, expected) {
                (Ok(read), expected) => assert_eq!(Some(read.format), expected, "{accept:?} {query}"),
                (Err(problem), None) => assert_eq!(problem.status(), 406, "{accept:?} {query}"),
                (Err(_), Some(_)) => panic!("{accept:?} {query} is refused"),
            }
        }
        assert_eq!(wanted(&HeaderMap::new(), "_pretty=true").unwrap().layout, Layout::Pretty);
        assert_eq!(wanted(&HeaderMap::new(), "_pretty=maybe").unwrap_err().status(), 400);
    }
}
