//! What a request says it is for, and asking past what patients withhold in an emergency.
//! `docs/decisions/0015-consent-in-the-access-decision.md`
//!
//! Who breaks the glass has a right of its own, which administrators give; says so and why in the request; and is on record before
//! anything is read. What is answered says that it was done. Scopes, compartments, the plan and the site stay what they are.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use audit::{Outcome, Subject};
use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use kernel::Kind;
use serde_json::json;
use utoipa::openapi::{
    OpenApi, RefOr, Required,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::{ObjectBuilder, Type},
};
use web::Problem;

use super::posted::invalid;
use crate::{
    By, Fhir,
    consent::{Who, purpose},
    site::Site,
};

/// What the request is for: one purpose, by its code.
pub(crate) const PURPOSE: &str = "Purpose-Of-Use";
/// Why what patients withhold has to be seen.
pub(crate) const REASON: &str = "Break-Glass-Reason";
/// The answer was made past what patients withhold, and that is on record.
pub(crate) const BROKEN: HeaderName = HeaderName::from_static("break-glass");
/// The longest reason, in bytes. The trail takes no free text.
pub const REASON_BYTES_MAX: usize = 100;

/// Say of every call of a site that it may say what it is for, and why the glass is to be broken.
pub(crate) fn describe(api: &mut OpenApi) {
    for item in api.paths.paths.values_mut() {
        let methods =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter();
        for operation in methods.flatten() {
            let own = operation.parameters.get_or_insert_default();
            if own.iter().any(names_site) {
                own.extend([
                    header(PURPOSE, "What the request is for: a code of v3-ActReason, or `system|code`"),
                    header(REASON, "Why what patients withhold has to be seen, with `Purpose-Of-Use: BTG`"),
                ]);
            }
        }
    }
}

fn names_site(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(own) if own.name.eq_ignore_ascii_case(super::SITE.as_str()))
}

fn header(name: &str, description: &str) -> RefOr<Parameter> {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(text))
        .build()
        .into()
}

/// Where it is noted for the answer that it was done.
#[derive(Clone, Default)]
struct Done(Arc<AtomicBool>);

/// Say in the answer that the glass was broken for it.
pub(crate) async fn tell(mut request: Request, next: Next) -> Response {
    let done = Done::default();
    request.extensions_mut().insert(done.clone());
    let mut response = next.run(request).await;
    if done.0.load(Ordering::Acquire) {
        response.headers_mut().insert(BROKEN, HeaderValue::from_static("on-record"));
    }
    response
}

fn only<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Problem> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            value.to_str().map(Some).map_err(|_| invalid("the header must be ASCII", name))
        }
        (Some(_), Some(_)) => Err(invalid("the header is there more than once", name)),
    }
}

/// The purpose that the request states: within those of its token, where that states some.
///
/// # Errors
/// 400: it is none; 403: the token was issued for other ones.
pub(crate) fn state(headers: &HeaderMap, who: &mut Who) -> Result<(), Problem> {
    let Some(text) = only(headers, PURPOSE)? else { return Ok(()) };
    let words = "Purpose-Of-Use must be one code, or system|code";
    let stated = purpose::read(text.trim()).ok_or_else(|| invalid(words, PURPOSE))?;
    if !who.purposes.is_empty() && !who.purposes.iter().any(|own| purpose::is_within(&stated, own)) {
        let words = "the access token was issued for another purpose of use";
        return Err(Problem::new(Kind::Forbidden, words).with_path(PURPOSE));
    }
    who.purposes = vec![stated];
    Ok(())
}

/// Why the glass is to be broken; nothing where it is not.
///
/// # Errors
/// 400: what is said is not enough.
pub(crate) fn reason<'h>(headers: &'h HeaderMap, who: &Who) -> Result<Option<&'h str>, Problem> {
    let wrong = |words: &'static str| invalid(words, REASON);
    let Some(reason) = only(headers, REASON)? else { return Ok(None) };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
    if !(1..=REASON_BYTES_MAX).contains(&reason.len()) || !reason.bytes().all(is_word) {
        return Err(wrong(
            "Break-Glass-Reason must be 1 to 100 of A-Z, a-z, 0-9, . _ : -: a code, or the number of an incident",
        ));
    }
    if who.purposes != [purpose::BREAK_THE_GLASS] {
        return Err(wrong("Break-Glass-Reason goes with Purpose-Of-Use: BTG"));
    }
    let mut waits = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    if waits.any(|value| value.to_ascii_lowercase().contains("respond-async")) {
        return Err(wrong("the glass is broken for what is answered at once"));
    }
    Ok(Some(reason))
}

/// Break the glass, if the caller may: it is on record when this returns, whichever it was.
///
/// # Errors
/// 403: the caller has no right to; 503: it cannot be put on record.
pub(crate) async fn broken(
    fhir: &Fhir,
    (site, by, who): (&Site, &By, &Who),
    (parts, reason): (&Parts, &str),
) -> Result<(), Problem> {
    let may = site.break_glass.has(who);
    let subject = subject(parts.uri.path()).unwrap_or_else(|| Subject::of(site.tenant.site()));
    let details = json!({
        "site": site.tenant.site().to_string(),
        "reason": reason,
        "method": parts.method.as_str(),
    });
    let mut entry = by.did("consent.overridden", subject, details);
    if !may {
        entry.outcome = Outcome::Refused("no_right");
    }
    audit::record_now(&fhir.db, &fhir.world, &entry).await?;
    if !may {
        let words = "the caller has no right to break the glass at this site: administrators give it";
        return Err(Problem::new(Kind::Forbidden, words).with_path(REASON));
    }
    if let Some(done) = parts.extensions.get::<Done>() {
        done.0.store(true, Ordering::Release);
    }
    Ok(())
}

/// The record that a path names, or the type.
fn subject(path: &str) -> Option<Subject> {
    let mut words = path.trim_start_matches("/fhir").split('/').filter(|word| !word.is_empty());
    let of = words.next().and_then(crate::parameter::ResourceType::named)?;
    let named = match words.next().filter(|word| !word.starts_with(['_', '$', '*'])) {
        Some(id) => format!("{of}:{id}"),
        None => of.to_string(),
    };
    Subject::known_as("record", &named)
}
