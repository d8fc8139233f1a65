//! Change a part of a record.  <https://hl7.org/fhir/R4/http.html#patch>

use axum::{
    extract::{Request, State},
    response::Response,
};
use fhirpath::{document::Format, patch::Patch};
use http::StatusCode;
use kernel::Interaction;
use web::Path;

use super::{
    answer,
    asked::{Asked, type_of},
    json_patch::{JsonPatch, Side},
    manner::media::Sent,
    posted::{Posted, Refusal, Said, document, id_in, invalid, is_of, limits},
    read::newest,
    written::{checked, permitted, refused},
};
use crate::{
    Fhir,
    outcome::{self, Severity, Told},
    parameter::{Elements, ResourceType},
    resource::{Absent, Condition, Draft, LogicalId, Method, WriteFault},
};

const TAKEN: &[Sent] = &[Sent::JsonPatch, Sent::Resource(Format::Json), Sent::Resource(Format::Xml)];
/// How often a patch is done again because the record was changed at the same time.
const TRIES_MAX: usize = 5;

/// Change a record by JSON Patch, or by FHIRPath Patch (`Parameters`).
#[utoipa::path(patch, path = "/fhir/{type}/{id}", tag = "records", operation_id = "patch_record",
    params(("type" = String, Path, description = "`Patient`"), ("id" = String, Path, description = "The record's id"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("If-Match" = Option<String>, Header, description = "The version that is changed")),
    request_body(description = "The patch", content_type = "application/json-patch+json"),
    responses((status = 200, description = "The record as it is kept", content_type = "application/fhir+json"),
        (status = 412, description = "It has changed since", content_type = "application/fhir+json"),
        (status = 422, description = "It cannot be done, or what comes of it is not valid", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.u"])))]
pub(crate) async fn patch_record(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path((of, id)): Path<(String, String)>,
    request: Request,
) -> Said<Response> {
    let of = type_of(&of)?;
    let rule = asked.rule(of, Interaction::Update)?;
    let id: LogicalId = id.parse().map_err(|_| answer::missing())?;
    let named = answer::if_match(request.headers())?;
    let change = Change::read(&Posted::read(request, TAKEN).await?)?;
    for tries in 1.. {
        let stored = newest(&fhir, &asked, (of, &id), &rule).await?.ok_or_else(answer::missing)?;
        let Some(body) = &stored.body else { return Err(answer::gone(&stored).into()) };
        let changed = change.apply(&fhir, body.as_str())?;
        let document = document(&changed)?;
        stays(&document, of, &id)?;
        permitted(&fhir, &asked, of, &document, Interaction::Update)?;
        let checked = checked(&fhir, &asked, &document)?;
        let draft = Draft::new(&document, id.clone()).map_err(|fault| refused(WriteFault::from(fault)))?;
        let condition =
            Condition { version: named.or(Some(stored.version)), judge: rule.judge(of, &fhir.reader()) };
        let author = asked.author();
        let how = (Absent::Refuse, condition);
        match fhir.records.update(&asked.site.tenant, &author, (draft, Method::Patch), how).await {
            Err(WriteFault::Changed { .. }) if named.is_none() && tries < TRIES_MAX => {}
            written => {
                let version = written.map_err(refused)?;
                return Ok(answer::wrote(&fhir, &version, asked.prefer.answer, &checked));
            }
        }
    }
    Err(answer::missing().into())
}

/// A patch does not make another record of it.
fn stays(document: &fhirpath::document::Document<'_>, of: ResourceType, id: &LogicalId) -> Said<()> {
    is_of(document, of)?;
    match id_in(document).as_deref() {
        Some(said) if said == id.as_str() => Ok(()),
        _ => Err(invalid("a patch cannot change the id", "id").with_code("MSG_RESOURCE_ID_MISMATCH").into()),
    }
}

enum Change {
    Json(JsonPatch),
    /// `Parameters`, in JSON.
    Paths(String),
}

impl Change {
    fn read(posted: &Posted) -> Said<Self> {
        if posted.sent != Sent::JsonPatch {
            let parameters = posted.json()?;
            Patch::read(document(&parameters)?.root())
                .map_err(|fault| cannot(&fault.to_string(), None, Side::Patch))?;
            return Ok(Self::Paths(parameters));
        }
        let read = JsonPatch::read(posted.bytes());
        Ok(Self::Json(read.map_err(|fault| cannot(fault.why, fault.operation, fault.of))?))
    }

    fn apply(&self, fhir: &Fhir, body: &str) -> Said<String> {
        match self {
            Self::Json(patch) => {
                patch.apply(body).map_err(|fault| cannot(fault.why, fault.operation, fault.of))
            }
            Self::Paths(parameters) => {
                let (parameters, record) = (document(parameters)?, document(body)?);
                let patch = Patch::read(parameters.root());
                let patch = patch.map_err(|fault| cannot(&fault.to_string(), None, Side::Patch))?;
                let applied = patch.apply(&record, Elements::r4(), &limits(), fhir.world.now());
                applied.map_err(|fault| {
                    cannot(&fault.problem.to_string(), Some(fault.operation.saturating_sub(1)), Side::Record)
                })
            }
        }
    }
}

/// 400 for what is no patch; 422 for one that this record cannot be changed by.
fn cannot(why: &str, operation: Option<usize>, of: Side) -> Refusal {
    let (status, code) = match of {
        Side::Patch => (StatusCode::BAD_REQUEST, "invalid"),
        Side::Record => (StatusCode::UNPROCESSABLE_ENTITY, "processing"),
    };
    let told = Told::new(Severity::Error, code, why);
    let told = match operation {
        Some(nth) => told.at(format!("operation[{nth}]")),
        None => told,
    };
    outcome::answer(status, &[told.with_message("MSG_PARAM_INVALID")]).into()
}
