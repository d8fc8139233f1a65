//! The call of a kick-off: who asks, for what, and that the answer may come later.

use axum::{
    RequestPartsExt,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use fhirpath::document::Element;
use http::{HeaderMap, Method, Uri};
use web::Problem;

use crate::{
    Fhir,
    interaction::{
        Asked,
        create::RESOURCE,
        posted::{Posted, Refusal, Said, document, invalid},
    },
};

/// Parameters of one kick-off.
pub const KICKOFF_PARAMETERS_MAX: usize = 12_000;
/// Characters of the address of a kick-off that its manifest repeats.
pub const REQUEST_BYTES_MAX: usize = 8_192;

/// A kick-off.
pub(crate) struct Call {
    pub asked: Asked,
    /// Where it was sent to, without the base.
    pub address: String,
    pub pairs: Vec<(String, String)>,
}

impl FromRequest<Fhir> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, fhir: &Fhir) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let asked: Asked = parts.extract_with_state(fhir).await.map_err(IntoResponse::into_response)?;
        let call = async {
            is_patient(&parts.headers)?;
            let mut pairs = queried(&parts.uri);
            let address = address(&parts.uri);
            if parts.method == Method::POST {
                let json = Posted::read(Request::from_parts(parts, body), RESOURCE).await?.json()?;
                pairs.extend(parameters(&json)?);
            }
            match pairs.len() <= KICKOFF_PARAMETERS_MAX {
                true => Ok(Self { asked, address, pairs }),
                false => Err(Refusal::from(invalid("there are too many parameters", "Parameters.parameter"))),
            }
        };
        call.await.map_err(IntoResponse::into_response)
    }
}

/// `Prefer: respond-async`: there is no other answer to an export.  RFC 7240 §4.1
pub(in crate::bulk) fn is_patient(headers: &HeaderMap) -> Result<(), Problem> {
    let said = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut tokens = said.flat_map(|value| value.split([',', ';']));
    match tokens.any(|token| token.trim().eq_ignore_ascii_case("respond-async")) {
        true => Ok(()),
        false => Err(invalid("this is answered later: send Prefer: respond-async", "Prefer")),
    }
}

fn queried(uri: &Uri) -> Vec<(String, String)> {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn address(uri: &Uri) -> String {
    let path = uri.path().strip_prefix("/fhir").unwrap_or_default();
    let whole = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    if whole.len() <= REQUEST_BYTES_MAX { whole } else { path.to_owned() }
}

/// Names and values of a `Parameters` resource; of a reference, what it refers to.
fn parameters(json: &str) -> Said<Vec<(String, String)>> {
    let document = document(json)?;
    let root = document.root();
    if root.resource_type().as_deref() != Some("Parameters") {
        return Err(invalid("send a Parameters resource", "resourceType").into());
    }
    let text = |element: Option<Element<'_>>| element.and_then(|it| it.text().map(|text| text.into_owned()));
    let mut pairs = Vec::new();
    for parameter in root.members().filter(|member| member.name() == "parameter") {
        let name = text(parameter.child("name"))
            .ok_or_else(|| invalid("a parameter has no name", "Parameters.parameter.name"))?;
        let value = parameter.members().find(|member| member.name().starts_with("value"));
        let value = text(value).or_else(|| text(value.and_then(|value| value.child("reference"))));
        let value = value.ok_or_else(|| invalid("a parameter has no value", "Parameters.parameter.value"))?;
        pairs.push((name, value));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_names_and_values() {
        let json = r#"{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Patient"},
            {"name":"patient","valueReference":{"reference":"Patient/1"}},{"name":"_since","valueInstant":"2026-01-01T00:00:00Z"}]}"#;
        let read = parameters(json).unwrap_or_default();
        let expected = [("_type", "Patient"), ("patient", "Patient/1"), ("_since", "2026-01-01T00:00:00Z")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for bad in
            [r#"{"resourceType":"Patient"}"#, r#"{"resourceType":"Parameters","parameter":[{"name":"a"}]}"#]
        {
            assert!(parameters(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_asks_has_to_be_ready_to_wait() {
        for (value, good) in [
            ("respond-async", true),
            ("handling=lenient, Respond-Async", true),
            ("handling=lenient;respond-async", true),
            ("return=minimal", false),
            ("respond-asynchronously", false),
        ] {
            let headers: HeaderMap =
                [(http::HeaderName::from_static("prefer"), value.parse().unwrap())].into_iter().collect();
            assert_eq!(is_patient(&headers).is_ok(), good, "{value}");
        }
        assert!(is_patient(&HeaderMap::new()).is_err());
    }
}
