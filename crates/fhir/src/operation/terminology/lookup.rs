//! `CodeSystem/$lookup`: what a code means.  <https://hl7.org/fhir/R4/codesystem-operation-lookup.html>

use axum::response::Response;
use serde_json::{Value, json};
use validator::{
    Codes, Library,
    terminology::{Concept, HIERARCHY_DEPTH_MAX, Standing, System, Why},
};

use super::{
    answer::{missing, one, parameters, undecided, unsupported},
    coded::{self, Coded, is_in},
    known::{self, Known, whole},
};
use crate::{
    interaction::posted::{Said, invalid},
    operation::given::{Call, Names},
    outcome::Refused,
};

const NAMES: Names = Names {
    known: &["code", "system", "version", "coding", "displayLanguage", "property"],
    many: &["property"],
    unfollowed: &["date"],
};

/// What a code means: `system` and `code`.
#[utoipa::path(get, path = "/fhir/CodeSystem/$lookup", tag = "terminology", operation_id = "lookup_code",
    params(("SU-SiteId" = String, Header, description = "The site"), ("system" = String, Query, description = "The code system"),
        ("code" = String, Query, description = "The code"), ("version" = Option<String>, Query, description = "The system's version"),
        ("displayLanguage" = Option<String>, Query, description = "The language of the display"),
        ("property" = Option<String>, Query, description = "A property that is wanted")),
    responses((status = 200, description = "Parameters", content_type = "application/fhir+json"),
        (status = 404, description = "Nobody here knows the system or the code", content_type = "application/fhir+json")),
    security(("bearer" = ["system/CodeSystem.r"])))]
pub(crate) async fn lookup(call: Call) -> Said<Response> {
    run(call).await
}

/// The same, with `Parameters`.
#[utoipa::path(post, path = "/fhir/CodeSystem/$lookup", tag = "terminology", operation_id = "lookup_code_by_parameters",
    params(("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "Parameters", content_type = "application/fhir+json")),
    security(("bearer" = ["system/CodeSystem.r"])))]
pub(crate) async fn lookup_by_parameters(call: Call) -> Said<Response> {
    run(call).await
}

/// What is wanted of a code.
struct Wanted {
    properties: Vec<String>,
    language: Option<String>,
}

impl Wanted {
    fn has(&self, name: &str) -> bool {
        self.properties.is_empty() || self.properties.iter().any(|own| own == name)
    }
}

async fn run(Call { fhir, asked, given, .. }: Call) -> Said<Response> {
    known::permitted(&asked, "CodeSystem")?;
    given.within(&NAMES)?;
    let mut codes = coded::codes(&given, "system", "version")?;
    let coded = codes.pop().unwrap_or_default();
    let canonical = coded.canonical().ok_or_else(|| invalid("say which code system is meant", "system"))?;
    let known = Known::gather(&fhir, &asked, vec![("CodeSystem", canonical.clone())], None).await?;
    let language = given.text("displayLanguage").map(str::to_owned);
    let wanted = Wanted { properties: given.texts("property"), language };
    let found = known.ask(move |codes, library| look(codes, library, (&canonical, &coded), &wanted)).await?;
    Ok(parameters(found?))
}

fn look(
    codes: &Codes<'_>,
    library: &Library,
    (canonical, coded): (&str, &Coded),
    wanted: &Wanted,
) -> Result<Vec<Value>, Refused> {
    let system = coded.system.as_deref().unwrap_or_default();
    match codes.standing(system, coded.version.as_deref(), &coded.code) {
        Standing::Code(Some(known)) => {
            let own =
                known.concept(&coded.code).ok_or_else(|| missing("the code system has no such code"))?;
            let resource = whole(library, "CodeSystem", canonical).unwrap_or_default();
            Ok(told(&resource, (&known, own), wanted))
        }
        // The codes of a grammar are their own displays.
        Standing::Code(None) => {
            Ok(vec![one("name", "valueString", system), one("display", "valueString", &*coded.code)])
        }
        Standing::NoCode(_) => Err(missing("the code system has no such code")),
        Standing::Beyond(_) => Err(undecided(&Why::Rule(format!("only a part of {system} is here").into()))),
        Standing::Unknown if library.canonical_of_type(canonical, "CodeSystem").is_some() => {
            Err(unsupported(format!("it cannot be decided: of {system} only the name is here")))
        }
        Standing::Unknown => Err(missing(format!("the code system {canonical} is not here"))),
    }
}

/// The concept of a code, however deep it stands.
fn concept<'v>(of: &'v Value, code: &str, depth: usize) -> Option<&'v Value> {
    if depth > HIERARCHY_DEPTH_MAX {
        return None;
    }
    let own = of.get("concept").and_then(Value::as_array)?;
    let is_it = |concept: &&Value| concept.get("code").and_then(Value::as_str) == Some(code);
    own.iter().find(is_it).or_else(|| own.iter().find_map(|one| concept(one, code, depth + 1)))
}

fn told(resource: &Value, (system, known): (&System, &Concept), wanted: &Wanted) -> Vec<Value> {
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let whole = concept(resource, &known.code, 0);
    let name = ["name", "title", "id"].into_iter().find_map(|name| text(resource, name));
    let mut told = vec![one("name", "valueString", name.unwrap_or_else(|| system.url.to_string()))];
    told.extend(system.version.as_deref().map(|version| one("version", "valueString", version)));
    told.push(one("display", "valueString", display(known, wanted.language.as_deref())));
    for designation in known.designations.iter().filter(|_| wanted.has("designation")) {
        let language = designation.language.as_deref().map(|language| one("language", "valueCode", language));
        let purpose =
            designation.purpose.as_deref().map(|purpose| one("use", "valueCoding", purpose.clone()));
        let value = one("value", "valueString", &*designation.value);
        let parts: Vec<Value> = language.into_iter().chain(purpose).chain([value]).collect();
        told.push(json!({"name": "designation", "part": parts}));
    }
    let definition = whole.and_then(|whole| text(whole, "definition")).filter(|_| wanted.has("definition"));
    told.extend(definition.map(|words| property("definition", ("valueString", &words.into()))));
    for near in ["parent", "child"].into_iter().filter(|near| wanted.has(near)) {
        let codes = system.property(known, near).into_iter();
        told.extend(codes.map(|code| property(near, ("valueCode", &code.into()))));
    }
    let properties = whole.and_then(|whole| whole.get("property")).and_then(Value::as_array);
    for own in properties.into_iter().flatten() {
        let value = own.as_object().and_then(|own| own.iter().find(|(name, _)| name.starts_with("value")));
        if let (Some(code), Some((kind, value))) = (text(own, "code"), value)
            && wanted.has(&code)
            && !matches!(&*code, "parent" | "child")
        {
            told.push(property(&code, (kind, value)));
        }
    }
    told
}

fn display(known: &Concept, language: Option<&str>) -> String {
    let named = language.and_then(|language| known.designations.iter().find(|one| is_in(one, language)));
    let words = named.map(|one| &*one.value).or(known.display.as_deref());
    words.unwrap_or(&known.code).to_owned()
}

fn property(code: &str, (kind, value): (&str, &Value)) -> Value {
    json!({"name": "property", "part": [one("code", "valueCode", code), one("value", kind, value.clone())]})
}
