//! `ValueSet/$expand`: the codes of a value set.  <https://hl7.org/fhir/R4/valueset-operation-expand.html>

use std::collections::BTreeSet;

use axum::response::Response;
use serde_json::{Map, Value, json};
use validator::terminology::{Contained, Designation, Set};
use web::Problem;

use super::{
    answer::{costly, missing, resource, unlisted},
    coded::{is_in, pinned},
    known::{self, Known, whole},
};
use crate::{
    interaction::posted::{Said, invalid},
    operation::given::{Call, Given, Names},
    outcome::Refused,
};

/// `PAGE_CODES_MAX`: codes of one page of an expansion; a longer one is asked for by `offset` and `count`.
const PAGE_CODES_MAX: usize = 5_000;

const NAMES: Names = Names {
    known: &[
        "url",
        "valueSet",
        "valueSetVersion",
        "filter",
        "offset",
        "count",
        "includeDesignations",
        "designation",
        "includeDefinition",
        "activeOnly",
        "excludeNested",
        "excludeNotForUI",
        "excludePostCoordinated",
        "displayLanguage",
        "exclude-system",
    ],
    many: &["designation", "exclude-system"],
    unfollowed: &[
        "context",
        "contextDirection",
        "date",
        "system-version",
        "check-system-version",
        "force-system-version",
    ],
};

/// The codes of the value set that `url` names.
#[utoipa::path(get, path = "/fhir/ValueSet/$expand", tag = "terminology", operation_id = "expand_value_set",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("url" = String, Query, description = "The canonical of the value set"),
        ("filter" = Option<String>, Query, description = "Words that codes or displays have"),
        ("count" = Option<usize>, Query, description = "So many codes"),
        ("offset" = Option<usize>, Query, description = "From this one on"),
        ("activeOnly" = Option<bool>, Query, description = "None that may not be used any more"),
        ("includeDesignations" = Option<bool>, Query, description = "What codes are called besides"),
        ("displayLanguage" = Option<String>, Query, description = "The language of displays")),
    responses((status = 200, description = "The ValueSet with its expansion", content_type = "application/fhir+json"),
        (status = 422, description = "It cannot be expanded here, and why", content_type = "application/fhir+json")),
    security(("bearer" = ["system/ValueSet.r"])))]
pub(crate) async fn expand(call: Call) -> Said<Response> {
    run(call).await
}

/// The codes of a value set that is named or sent in `Parameters`.
#[utoipa::path(post, path = "/fhir/ValueSet/$expand", tag = "terminology", operation_id = "expand_value_set_by_parameters",
    params(("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters, or the ValueSet", content_type = "application/fhir+json"),
    responses((status = 200, description = "The ValueSet with its expansion", content_type = "application/fhir+json")),
    security(("bearer" = ["system/ValueSet.r"])))]
pub(crate) async fn expand_by_parameters(call: Call) -> Said<Response> {
    run(call).await
}

/// The codes of a value set of the site.
#[utoipa::path(get, path = "/fhir/ValueSet/{id}/$expand", tag = "terminology", operation_id = "expand_stored_value_set",
    params(("id" = String, Path, description = "The record's id"), ("SU-SiteId" = String, Header, description = "The site")),
    responses((status = 200, description = "The ValueSet with its expansion", content_type = "application/fhir+json")),
    security(("bearer" = ["system/ValueSet.r"])))]
pub(crate) async fn expand_record(call: Call) -> Said<Response> {
    run(call).await
}

/// The same, with `Parameters`.
#[utoipa::path(post, path = "/fhir/ValueSet/{id}/$expand", tag = "terminology", operation_id = "expand_stored_value_set_by_parameters",
    params(("id" = String, Path, description = "The record's id"), ("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "The ValueSet with its expansion", content_type = "application/fhir+json")),
    security(("bearer" = ["system/ValueSet.r"])))]
pub(crate) async fn expand_record_by_parameters(call: Call) -> Said<Response> {
    run(call).await
}

/// What of the codes is wanted.
struct Wanted {
    words: Vec<String>,
    language: Option<String>,
    is_active_only: bool,
    is_for_people: bool,
    is_designated: bool,
    is_defined: bool,
    not_of: Vec<String>,
    offset: usize,
    count: usize,
    /// What was asked, as the answer repeats it.
    told: Vec<Value>,
}

impl Wanted {
    fn read(given: &Given) -> Result<Self, Problem> {
        let words = given.text("filter").unwrap_or_default();
        let truth = |name| Ok::<_, Problem>(given.truth(name)?.unwrap_or_default());
        // There is no nesting and nothing that is put together here, so what leaves these out is fulfilled.
        truth("excludeNested")?;
        truth("excludePostCoordinated")?;
        if given.text("designation").is_some() {
            return Err(invalid("designations are not chosen here: leave it out", "designation"));
        }
        Ok(Self {
            words: words.split_whitespace().map(str::to_lowercase).collect(),
            language: given.text("displayLanguage").map(str::to_owned),
            is_active_only: truth("activeOnly")?,
            is_for_people: truth("excludeNotForUI")?,
            is_designated: truth("includeDesignations")?,
            is_defined: truth("includeDefinition")?,
            not_of: given.texts("exclude-system"),
            offset: given.number("offset")?.unwrap_or_default(),
            count: given.number("count")?.unwrap_or(usize::MAX),
            told: given.pairs().filter_map(|(name, value)| told(name, value)).collect(),
        })
    }

    fn takes(&self, one: &Contained) -> bool {
        let is_out = |canonical: &String| match canonical.split_once('|') {
            None => **canonical == *one.system,
            Some((system, version)) => *system == *one.system && Some(version) == one.version.as_deref(),
        };
        if (self.is_active_only && one.is_inactive)
            || (self.is_for_people && one.is_abstract)
            || self.not_of.iter().any(is_out)
        {
            return false;
        }
        let text = format!("{} {}", one.code, one.display.as_deref().unwrap_or_default()).to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }

    /// The code by what it is called in the language that is asked for.
    fn called(&self, mut one: Contained) -> Contained {
        let Some(language) = &self.language else { return one };
        if let Some(own) = one.designations.iter().find(|designation| is_in(designation, language)) {
            one.display = Some(own.value.clone());
        }
        one
    }
}

async fn run(Call { fhir, asked, id, given }: Call) -> Said<Response> {
    known::permitted(&asked, "ValueSet")?;
    given.within(&NAMES)?;
    let wanted = Wanted::read(&given)?;
    let sent = match &id {
        Some(id) => Some(known::record(&fhir, &asked, "ValueSet", id).await?),
        None => given.structure("valueSet")?.cloned(),
    };
    let canonical = given.text("url").map(|url| pinned(url, given.text("valueSetVersion")));
    let named = match (&sent, canonical) {
        (None, None) => return Err(invalid("say which value set is meant", "url").into()),
        (Some(_), _) => String::new(),
        (None, Some(canonical)) => canonical,
    };
    let first = sent.is_none().then(|| ("ValueSet", named.clone())).into_iter().collect();
    let known = Known::gather(&fhir, &asked, first, sent.as_ref()).await?;
    let now = fhir.world.now().to_string();
    let expanded: Result<Value, Refused> = known
        .ask(move |codes, library| {
            let set = sent.or_else(|| whole(library, "ValueSet", &named));
            let set = set.ok_or_else(|| missing("there is no such value set here"))?;
            let all = codes.expand(&Set::new(&set)).map_err(|why| unlisted(&why))?;
            expansion(&set, all, &wanted, &now)
        })
        .await?;
    Ok(resource(&expanded?))
}

fn expansion(set: &Value, all: Vec<Contained>, wanted: &Wanted, now: &str) -> Result<Value, Refused> {
    let versions: BTreeSet<String> = all
        .iter()
        .filter_map(|one| one.version.as_deref().map(|version| format!("{}|{version}", one.system)))
        .collect();
    let all: Vec<Contained> =
        all.into_iter().map(|one| wanted.called(one)).filter(|one| wanted.takes(one)).collect();
    let page = all.iter().skip(wanted.offset).take(wanted.count);
    let contains: Vec<Value> = page.take(PAGE_CODES_MAX + 1).map(|one| shown(one, wanted)).collect();
    if contains.len() > PAGE_CODES_MAX {
        let words = format!("{} codes: ask for at most {PAGE_CODES_MAX} with count and offset", all.len());
        return Err(costly(words));
    }
    let mut parameters = wanted.told.clone();
    parameters.extend(versions.iter().map(|version| json!({"name": "version", "valueUri": version})));
    let mut expansion = Map::new();
    expansion.insert("identifier".to_owned(), identifier(set, &all).into());
    expansion.insert("timestamp".to_owned(), now.into());
    expansion.insert("total".to_owned(), all.len().into());
    expansion.insert("offset".to_owned(), wanted.offset.into());
    for (name, list) in [("parameter", parameters), ("contains", contains)] {
        if !list.is_empty() {
            expansion.insert(name.to_owned(), list.into());
        }
    }
    let mut head = head(set, wanted.is_defined);
    head.insert("expansion".to_owned(), expansion.into());
    Ok(Value::Object(head))
}

/// The same for the same codes, so that pages are known to be of one list.
fn identifier(set: &Value, all: &[Contained]) -> String {
    let url = set.get("url").and_then(Value::as_str).unwrap_or_default();
    let codes = all.iter().map(|one| {
        let parts = [&*one.system, one.version.as_deref().unwrap_or_default(), &*one.code];
        parts.map(|part| format!("{part}\u{1f}")).concat()
    });
    let digest = crypto::sha256([url.to_owned()].into_iter().chain(codes).collect::<String>().as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    // A name-based UUID of a digest of our choice: version 8.  RFC 9562 §5.8
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// What was asked, as the answer repeats it.
fn told(name: &str, value: &Value) -> Option<Value> {
    let text = |kind: &str| Some(json!({"name": name, kind: value.as_str()?}));
    match name {
        "url" | "exclude-system" => text("valueUri"),
        "filter" | "valueSetVersion" => text("valueString"),
        "displayLanguage" => text("valueCode"),
        "offset" | "count" => {
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
            Some(json!({"name": name, "valueInteger": number}))
        }
        _ => {
            let truth = value.as_bool().or_else(|| value.as_str()?.parse().ok())?;
            Some(json!({"name": name, "valueBoolean": truth}))
        }
    }
}

/// What the answer keeps of the value set.
fn head(whole: &Value, is_defined: bool) -> Map<String, Value> {
    let kept = |name: &str| match name {
        "compose" => is_defined,
        "expansion" | "text" | "meta" => false,
        _ => true,
    };
    let fields = whole.as_object().into_iter().flatten().filter(|(name, _)| kept(name));
    let mut head: Map<String, Value> = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
    head.entry("resourceType").or_insert("ValueSet".into());
    head.entry("status").or_insert("unknown".into());
    head
}

fn shown(one: &Contained, wanted: &Wanted) -> Value {
    let mut shown = Map::new();
    shown.insert("system".to_owned(), (&*one.system).into());
    for (name, is_so) in [("abstract", one.is_abstract), ("inactive", one.is_inactive)] {
        if is_so {
            shown.insert(name.to_owned(), true.into());
        }
    }
    let texts = [
        ("version", one.version.as_deref()),
        ("code", Some(&*one.code)),
        ("display", one.display.as_deref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            shown.insert(name.to_owned(), text.into());
        }
    }
    if wanted.is_designated && !one.designations.is_empty() {
        shown.insert("designation".to_owned(), one.designations.iter().map(designation).collect());
    }
    Value::Object(shown)
}

fn designation(one: &Designation) -> Value {
    let mut shown = Map::new();
    if let Some(language) = &one.language {
        shown.insert("language".to_owned(), (&**language).into());
    }
    if let Some(purpose) = &one.purpose {
        shown.insert("use".to_owned(), (**purpose).clone());
    }
    shown.insert("value".to_owned(), (&*one.value).into());
    Value::Object(shown)
}
