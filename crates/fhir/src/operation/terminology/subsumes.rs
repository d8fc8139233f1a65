//! `CodeSystem/$subsumes`: which of two codes is the wider one.  <https://hl7.org/fhir/R4/codesystem-operation-subsumes.html>

use axum::response::Response;
use serde_json::Value;
use validator::{
    Codes, Library,
    terminology::{Content, Standing, System},
};

use super::{
    answer::{missing, one, parameters, unsupported},
    coded::{self, Coded, pinned},
    known::{self, Known, canonical_of, whole},
};
use crate::{
    interaction::posted::{Said, invalid},
    operation::given::{Call, Given, Names},
    outcome::Refused,
};

const NAMES: Names = Names {
    known: &["codeA", "codeB", "system", "version", "codingA", "codingB"],
    many: &[],
    unfollowed: &[],
};

/// Which of `codeA` and `codeB` of a `system` is the wider one.
#[utoipa::path(get, path = "/fhir/CodeSystem/$subsumes", tag = "terminology", operation_id = "subsumes_code",
    params(("SU-SiteId" = String, Header, description = "The site"), ("system" = String, Query, description = "The code system"),
        ("codeA" = String, Query, description = "One code"), ("codeB" = String, Query, description = "The other")),
    responses((status = 200, description = "equivalent, subsumes, subsumed-by or not-subsumed", content_type = "application/fhir+json"),
        (status = 404, description = "Nobody here knows the system or one of the codes", content_type = "application/fhir+json")),
    security(("bearer" = ["system/CodeSystem.r"])))]
pub(crate) async fn subsumes(call: Call) -> Said<Response> {
    run(call).await
}

/// The same, with `Parameters`.
#[utoipa::path(post, path = "/fhir/CodeSystem/$subsumes", tag = "terminology", operation_id = "subsumes_code_by_parameters",
    params(("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "equivalent, subsumes, subsumed-by or not-subsumed", content_type = "application/fhir+json")),
    security(("bearer" = ["system/CodeSystem.r"])))]
pub(crate) async fn subsumes_by_parameters(call: Call) -> Said<Response> {
    run(call).await
}

/// Which of `codeA` and `codeB` of a code system of the site is the wider one.
#[utoipa::path(get, path = "/fhir/CodeSystem/{id}/$subsumes", tag = "terminology", operation_id = "subsumes_code_in_record",
    params(("id" = String, Path, description = "The record's id"), ("SU-SiteId" = String, Header, description = "The site"),
        ("codeA" = String, Query, description = "One code"), ("codeB" = String, Query, description = "The other")),
    responses((status = 200, description = "equivalent, subsumes, subsumed-by or not-subsumed", content_type = "application/fhir+json")),
    security(("bearer" = ["system/CodeSystem.r"])))]
pub(crate) async fn subsumes_in_record(call: Call) -> Said<Response> {
    run(call).await
}

/// The same, with `Parameters`.
#[utoipa::path(post, path = "/fhir/CodeSystem/{id}/$subsumes", tag = "terminology", operation_id = "subsumes_code_in_record_by_parameters",
    params(("id" = String, Path, description = "The record's id"), ("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "equivalent, subsumes, subsumed-by or not-subsumed", content_type = "application/fhir+json")),
    security(("bearer" = ["system/CodeSystem.r"])))]
pub(crate) async fn subsumes_in_record_by_parameters(call: Call) -> Said<Response> {
    run(call).await
}

async fn run(Call { fhir, asked, id, given }: Call) -> Said<Response> {
    known::permitted(&asked, "CodeSystem")?;
    given.within(&NAMES)?;
    let (a, b) = (code(&given, "codeA", "codingA")?, code(&given, "codeB", "codingB")?);
    let sent = match &id {
        Some(id) => Some(known::record(&fhir, &asked, "CodeSystem", id).await?),
        None => None,
    };
    let own =
        sent.as_ref().map(|sent| canonical_of(sent).ok_or_else(|| unsupported("the record has no url")));
    let said = given.text("system").map(|system| pinned(system, given.text("version")));
    let of_coding = [&a, &b].into_iter().find_map(Coded::canonical);
    let canonical = own.transpose()?.or(said).or(of_coding);
    let canonical = canonical.ok_or_else(|| invalid("say which code system is meant", "system"))?;
    let url = canonical.split('|').next().unwrap_or_default();
    let others = [a.system.as_deref(), b.system.as_deref(), given.text("system")];
    if others.into_iter().flatten().any(|of| of.split('|').next() != Some(url)) {
        return Err(
            invalid("both codes are of one code system, which is the one that is named", "system").into()
        );
    }
    let known = Known::gather(&fhir, &asked, vec![("CodeSystem", canonical.clone())], sent.as_ref()).await?;
    let outcome =
        known.ask(move |codes, library| compared(codes, library, &canonical, [&a.code, &b.code])).await?;
    Ok(parameters(vec![one("outcome", "valueCode", outcome?)]))
}

fn code(given: &Given, plain: &'static str, name: &'static str) -> Said<Coded> {
    let coding = coded::coding(given, name)?;
    let plain_code = given.text(plain).map(|code| Coded { code: code.to_owned(), ..Coded::default() });
    match (plain_code, coding) {
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (None, None) => Err(invalid("say two codes", plain).into()),
        (Some(_), Some(_)) => Err(invalid("say it as a code or as a coding", plain).into()),
    }
}

fn compared(
    codes: &Codes<'_>,
    library: &Library,
    canonical: &str,
    [a, b]: [&str; 2],
) -> Result<&'static str, Refused> {
    let url = canonical.split('|').next().unwrap_or_default();
    let Some(system) = codes.system(canonical).filter(|system| system.content != Content::Absent) else {
        return match (codes.standing(url, None, a), codes.standing(url, None, b)) {
            (Standing::Code(None), Standing::Code(None)) if a == b => Ok("equivalent"),
            (Standing::Unknown, _) if library.canonical_of_type(canonical, "CodeSystem").is_none() => {
                Err(missing(format!("the code system {canonical} is not here")))
            }
            _ => Err(unsupported("it cannot be decided: the codes of the system are not here")),
        };
    };
    let resource = whole(library, "CodeSystem", canonical).unwrap_or_default();
    let meaning = resource.get("hierarchyMeaning").and_then(Value::as_str);
    if meaning.is_some_and(|meaning| meaning != "is-a") {
        return Err(unsupported(
            "it cannot be decided: the system's hierarchy does not say which code is wider",
        ));
    }
    order(&system, a, b)
}

fn order(system: &System, a: &str, b: &str) -> Result<&'static str, Refused> {
    let is_whole = system.content == Content::Complete;
    let concept = |code: &str| match (system.concept(code), is_whole) {
        (Some(concept), _) => Ok(concept),
        (None, true) => Err(missing("the code system has no such code")),
        (None, false) => Err(unsupported("it cannot be decided: only a part of the code system is here")),
    };
    let (first, second) = (concept(a)?, concept(b)?);
    if system.is_same(&first.code, &second.code) {
        return Ok("equivalent");
    }
    match (system.is_below(second, &first.code), system.is_below(first, &second.code)) {
        // In a ring each is below the other.
        (true, true) => Ok("equivalent"),
        (true, false) => Ok("subsumes"),
        (false, true) => Ok("subsumed-by"),
        (false, false) if is_whole => Ok("not-subsumed"),
        (false, false) => Err(unsupported("it cannot be decided: only a part of the code system is here")),
    }
}
