//! `$validate-code`: whether a code is in a value set, or in its code system.
//! <https://hl7.org/fhir/R4/valueset-operation-validate-code.html>, <https://hl7.org/fhir/R4/codesystem-operation-validate-code.html>

use axum::response::Response;
use serde_json::Value;
use validator::{
    Codes, Library,
    terminology::{Answer, Set, Standing, System, Why},
};

use super::{
    answer::{missing, one, parameters, undecided, unsupported},
    coded::{self, Coded, is_in, pinned},
    known::{self, Known, canonical_of, whole},
};
use crate::{
    interaction::posted::{Said, invalid},
    operation::given::{Call, Given, Names},
    outcome::Refused,
};

const OF_SET: Names = Names {
    known: &[
        "url",
        "valueSet",
        "valueSetVersion",
        "code",
        "system",
        "systemVersion",
        "display",
        "coding",
        "codeableConcept",
        "abstract",
        "displayLanguage",
    ],
    many: &[],
    unfollowed: &["context", "date"],
};
const OF_SYSTEM: Names = Names {
    known: &[
        "url",
        "codeSystem",
        "code",
        "version",
        "display",
        "coding",
        "codeableConcept",
        "abstract",
        "displayLanguage",
    ],
    many: &[],
    unfollowed: &["date"],
};

/// Whether a code is in the value set that `url` names.
#[utoipa::path(get, path = "/fhir/ValueSet/$validate-code", tag = "terminology", operation_id = "validate_code_in_value_set",
    params(("SU-SiteId" = String, Header, description = "The site"), ("url" = String, Query, description = "The value set"),
        ("system" = String, Query, description = "The code system"), ("code" = String, Query, description = "The code"),
        ("display" = Option<String>, Query, description = "What it is called")),
    responses((status = 200, description = "Parameters: result, message, display", content_type = "application/fhir+json"),
        (status = 422, description = "It cannot be said here, and why", content_type = "application/fhir+json")),
    security(("bearer" = ["system/ValueSet.r"])))]
pub(crate) async fn in_set(call: Call) -> Said<Response> {
    of_set(call).await
}

/// The same, with `Parameters`.
#[utoipa::path(post, path = "/fhir/ValueSet/$validate-code", tag = "terminology", operation_id = "validate_code_in_value_set_by_parameters",
    params(("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "Parameters: result, message, display", content_type = "application/fhir+json")),
    security(("bearer" = ["system/ValueSet.r"])))]
pub(crate) async fn in_set_by_parameters(call: Call) -> Said<Response> {
    of_set(call).await
}

/// Whether a code is in a value set of the site.
#[utoipa::path(get, path = "/fhir/ValueSet/{id}/$validate-code", tag = "terminology", operation_id = "validate_code_in_stored_value_set",
    params(("id" = String, Path, description = "The record's id"), ("SU-SiteId" = String, Header, description = "The site"),
        ("system" = String, Query, description = "The code system"), ("code" = String, Query, description = "The code")),
    responses((status = 200, description = "Parameters: result, message, display", content_type = "application/fhir+json")),
    security(("bearer" = ["system/ValueSet.r"])))]
pub(crate) async fn in_stored_set(call: Call) -> Said<Response> {
    of_set(call).await
}

/// The same, with `Parameters`.
#[utoipa::path(post, path = "/fhir/ValueSet/{id}/$validate-code", tag = "terminology", operation_id = "validate_code_in_stored_value_set_by_parameters",
    params(("id" = String, Path, description = "The record's id"), ("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "Parameters: result, message, display", content_type = "application/fhir+json")),
    security(("bearer" = ["system/ValueSet.r"])))]
pub(crate) async fn in_stored_set_by_parameters(call: Call) -> Said<Response> {
    of_set(call).await
}

/// Whether a code is one of the code system that `url` names.
#[utoipa::path(get, path = "/fhir/CodeSystem/$validate-code", tag = "terminology", operation_id = "validate_code_in_code_system",
    params(("SU-SiteId" = String, Header, description = "The site"), ("url" = String, Query, description = "The code system"),
        ("code" = String, Query, description = "The code"), ("display" = Option<String>, Query, description = "What it is called")),
    responses((status = 200, description = "Parameters: result, message, display", content_type = "application/fhir+json"),
        (status = 422, description = "It cannot be said here, and why", content_type = "application/fhir+json")),
    security(("bearer" = ["system/CodeSystem.r"])))]
pub(crate) async fn in_system(call: Call) -> Said<Response> {
    of_system(call).await
}

/// The same, with `Parameters`.
#[utoipa::path(post, path = "/fhir/CodeSystem/$validate-code", tag = "terminology", operation_id = "validate_code_in_code_system_by_parameters",
    params(("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "Parameters: result, message, display", content_type = "application/fhir+json")),
    security(("bearer" = ["system/CodeSystem.r"])))]
pub(crate) async fn in_system_by_parameters(call: Call) -> Said<Response> {
    of_system(call).await
}

/// Whether a code is one of a code system of the site.
#[utoipa::path(get, path = "/fhir/CodeSystem/{id}/$validate-code", tag = "terminology", operation_id = "validate_code_in_stored_code_system",
    params(("id" = String, Path, description = "The record's id"), ("SU-SiteId" = String, Header, description = "The site"),
        ("code" = String, Query, description = "The code")),
    responses((status = 200, description = "Parameters: result, message, display", content_type = "application/fhir+json")),
    security(("bearer" = ["system/CodeSystem.r"])))]
pub(crate) async fn in_stored_system(call: Call) -> Said<Response> {
    of_system(call).await
}

/// The same, with `Parameters`.
#[utoipa::path(post, path = "/fhir/CodeSystem/{id}/$validate-code", tag = "terminology", operation_id = "validate_code_in_stored_code_system_by_parameters",
    params(("id" = String, Path, description = "The record's id"), ("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "Parameters: result, message, display", content_type = "application/fhir+json")),
    security(("bearer" = ["system/CodeSystem.r"])))]
pub(crate) async fn in_stored_system_by_parameters(call: Call) -> Said<Response> {
    of_system(call).await
}

/// What is asked of each code beside where it is.
struct Manner {
    language: Option<String>,
    /// A code that groups others is no good.
    is_concrete: bool,
}

impl Manner {
    fn read(given: &Given) -> Said<Self> {
        let is_concrete = given.truth("abstract")? == Some(false);
        Ok(Self { language: given.text("displayLanguage").map(str::to_owned), is_concrete })
    }
}

async fn of_set(Call { fhir, asked, id, given }: Call) -> Said<Response> {
    known::permitted(&asked, "ValueSet")?;
    given.within(&OF_SET)?;
    let (all, manner) = (coded::codes(&given, "system", "systemVersion")?, Manner::read(&given)?);
    // "If a code is provided, a system or a context must be provided."
    if given.text("code").is_some() && given.text("system").is_none() {
        return Err(invalid("a code without its system means nothing", "system").into());
    }
    let sent = match &id {
        Some(id) => Some(known::record(&fhir, &asked, "ValueSet", id).await?),
        None => given.structure("valueSet")?.cloned(),
    };
    let named = given.text("url").map(|url| pinned(url, given.text("valueSetVersion")));
    let named = match (&sent, named) {
        (None, None) => return Err(invalid("say which value set is meant", "url").into()),
        (Some(_), _) => String::new(),
        (None, Some(named)) => named,
    };
    let of_codes = all.iter().filter_map(Coded::canonical).map(|of| ("CodeSystem", of));
    let first = sent.is_none().then(|| ("ValueSet", named.clone())).into_iter().chain(of_codes).collect();
    let known = Known::gather(&fhir, &asked, first, sent.as_ref()).await?;
    let told: Result<Vec<Value>, Refused> = known
        .ask(move |codes, library| {
            let whole = sent.or_else(|| whole(library, "ValueSet", &named));
            let set = Set::new(&whole.ok_or_else(|| missing("there is no such value set here"))?);
            best(&all, |coded| in_this_set(codes, &set, coded, &manner))
        })
        .await?;
    Ok(parameters(told?))
}

fn in_this_set(codes: &Codes<'_>, set: &Set, coded: &Coded, manner: &Manner) -> Result<Told, Refused> {
    let Some(system) = coded.system.as_deref() else {
        return Ok(Told::No("a coding without a system is in no value set".to_owned()));
    };
    match codes.holds(set, (system, coded.version.as_deref()), &coded.code) {
        Answer::In => Ok(called(codes, Some(set), coded, manner)),
        Answer::Out => Ok(Told::No("the code is not in the value set".to_owned())),
        Answer::Undecided(why) => Err(undecided(&why)),
    }
}

async fn of_system(Call { fhir, asked, id, given }: Call) -> Said<Response> {
    known::permitted(&asked, "CodeSystem")?;
    given.within(&OF_SYSTEM)?;
    let (mut all, manner) = (coded::codes(&given, "url", "version")?, Manner::read(&given)?);
    let sent = match &id {
        Some(id) => Some(known::record(&fhir, &asked, "CodeSystem", id).await?),
        None => given.structure("codeSystem")?.cloned(),
    };
    let own =
        sent.as_ref().map(|sent| canonical_of(sent).ok_or_else(|| unsupported("the code system has no url")));
    let named = own.transpose()?.or_else(|| given.text("url").map(str::to_owned));
    let (url, version) = named.as_deref().map_or((None, None), |named| match named.split_once('|') {
        Some((url, version)) => (Some(url), Some(version)),
        None => (Some(named), None),
    });
    for coded in &mut all {
        if let (Some(own), Some(url)) = (coded.system.as_deref(), url)
            && own.split('|').next() != Some(url)
        {
            return Err(
                invalid("the coding is of another code system than the one that is named", "url").into()
            );
        }
        coded.system = url.map(str::to_owned).or_else(|| coded.system.take());
        coded.version = coded.version.take().or_else(|| version.map(str::to_owned));
        if coded.system.is_none() {
            return Err(invalid("say which code system is meant", "url").into());
        }
    }
    let first = all.iter().filter_map(Coded::canonical).map(|of| ("CodeSystem", of)).collect();
    let known = Known::gather(&fhir, &asked, first, sent.as_ref()).await?;
    let told = known
        .ask(move |codes, library| best(&all, |coded| in_own_system(codes, library, coded, &manner)))
        .await?;
    Ok(parameters(told?))
}

fn in_own_system(
    codes: &Codes<'_>,
    library: &Library,
    coded: &Coded,
    manner: &Manner,
) -> Result<Told, Refused> {
    let system = coded.system.as_deref().unwrap_or_default();
    let canonical = coded.canonical().unwrap_or_default();
    match codes.standing(system, coded.version.as_deref(), &coded.code) {
        Standing::Code(_) => Ok(called(codes, None, coded, manner)),
        Standing::NoCode(why) => {
            Ok(Told::No(why.unwrap_or_else(|| "the code system has no such code".to_owned())))
        }
        Standing::Beyond(_) => Err(undecided(&Why::Rule(format!("only a part of {system} is here").into()))),
        Standing::Unknown if library.canonical_of_type(&canonical, "CodeSystem").is_some() => {
            Err(undecided(&Why::Rule(format!("of {system} only the name is here").into())))
        }
        Standing::Unknown => Err(undecided(&Why::UnknownSystem(canonical.into()))),
    }
}

/// What is told of one code.
enum Told {
    /// It is good; what it is called, and what is to be said besides.
    Yes(Option<String>, Option<String>),
    /// It is not, and why.
    No(String),
    /// It is called otherwise.
    Otherwise(Option<String>),
}

/// A code that is where it should be: whether it is called as is said.
fn called(codes: &Codes<'_>, set: Option<&Set>, coded: &Coded, manner: &Manner) -> Told {
    let system = coded.system.as_deref().unwrap_or_default();
    let known: Option<std::sync::Arc<System>> =
        match codes.standing(system, coded.version.as_deref(), &coded.code) {
            Standing::Code(known) => known,
            _ => None,
        };
    let concept = known.as_deref().and_then(|known| known.concept(&coded.code));
    if manner.is_concrete && concept.is_some_and(|concept| concept.is_abstract) {
        return Told::No("the code groups others and is none for data".to_owned());
    }
    let own: Vec<&str> = set.map(|set| set.names(system, &coded.code)).unwrap_or_default();
    let named = manner.language.as_deref().and_then(|language| {
        concept.and_then(|concept| concept.designations.iter().find(|one| is_in(one, language)))
    });
    let display = named.map(|one| &*one.value).or(concept.and_then(|concept| concept.display.as_deref()));
    let display = display.or(own.first().copied()).map(str::to_owned);
    let Some(said) = coded.display.as_deref() else { return Told::Yes(display, None) };
    let is_so = concept.and_then(|concept| concept.is_called(said));
    match is_so {
        _ if own.iter().any(|own| validator::terminology::is_same_display(own, said)) => {
            Told::Yes(display, None)
        }
        Some(true) => Told::Yes(display, None),
        Some(false) => Told::Otherwise(display),
        None if own.is_empty() => Told::Yes(
            display,
            Some("the display could not be checked: nobody here knows what the code is called".to_owned()),
        ),
        None => Told::Otherwise(display),
    }
}

/// One good code is enough; what cannot be said counts only where none is good.
fn best(all: &[Coded], judge: impl Fn(&Coded) -> Result<Told, Refused>) -> Result<Vec<Value>, Refused> {
    let (mut refused, mut wrong) = (None, None);
    for coded in all {
        match judge(coded) {
            Ok(Told::Yes(display, message)) => {
                let message = message.map(|words| one("message", "valueString", words));
                let display = display.map(|display| one("display", "valueString", display));
                return Ok([one("result", "valueBoolean", true)]
                    .into_iter()
                    .chain(message)
                    .chain(display)
                    .collect());
            }
            Ok(Told::No(words)) => wrong = wrong.or(Some((words, None))),
            Ok(Told::Otherwise(display)) => {
                let words = format!("the code is called {}", display.as_deref().unwrap_or("otherwise"));
                wrong = wrong.or(Some((words, display)));
            }
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    match (refused, wrong) {
        (Some(why), _) => Err(why),
        (None, words) => {
            let (words, display) = words.unwrap_or_default();
            let display = display.map(|display| one("display", "valueString", display));
            let told = [one("result", "valueBoolean", false), one("message", "valueString", words)];
            Ok(told.into_iter().chain(display).collect())
        }
    }
}
