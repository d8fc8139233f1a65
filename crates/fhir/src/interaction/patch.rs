//! Change a part of a record.  <https://hl7.org/fhir/R4/http.html#patch>

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use fhirpath::{
    document::{Document, Format},
    patch::Patch as PathPatch,
};
use http::StatusCode;
use kernel::Interaction;
use web::Path;

use super::{
    answer,
    asked::{Asked, type_of},
    expected,
    json_patch::{JsonPatch, Side},
    manner::media::Sent,
    posted::{Posted, Refusal, Said, document, id_in, invalid, is_of, limits},
    read::newest,
    written::{checked, refused},
};
use crate::{
    Fhir,
    outcome::{Refused, Severity, Told},
    parameter::{Elements, ResourceType},
    resource::{Condition, Expected, LogicalId, Meant, Patch},
    topic,
};

pub(super) const TAKEN: &[Sent] =
    &[Sent::JsonPatch, Sent::Resource(Format::Json), Sent::Resource(Format::Xml)];

/// Change a record by JSON Patch, or by FHIRPath Patch (`Parameters`).
#[utoipa::path(patch, path = "/fhir/{type}/{id}", tag = "records", operation_id = "patch_record",
    params(("type" = String, Path, description = "`Patient`"), ("id" = String, Path, description = "The record's id"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("X-Provenance" = Option<String>, Header, description = "A Provenance without target, kept with what is written"),
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
    let expected = expected::of(request.headers())?;
    let change = Change::read(&Posted::read(request, TAKEN).await?)?;
    // That it is deleted may be known to whom it could have been changed by.
    let stored = newest(&fhir, &asked, (of, &id), &rule).await?.ok_or_else(answer::missing)?;
    if stored.is_deletion() {
        return Err(answer::gone(&stored).into());
    }
    if let (true, Some(body)) = (topic::is_subscription(of), &stored.body) {
        let changed = change.apply(&fhir, body.as_str())?;
        stays(&document(&changed)?, of, Some(id.to_string()))?;
        let seen = match expected {
            Expected::Anything => Expected::Version(stored.version),
            said => said,
        };
        return topic::replace(&fhir, &asked, (id, seen), &changed).await;
    }
    let condition = Condition {
        expected,
        judge: rule.judge(of, &fhir.reader(&asked.site.tenant)),
        keep: asked.keeps(&fhir),
    };
    let patch = change.patch(&fhir, &asked, of);
    let version = fhir
        .records
        .patch(&asked.site.tenant, &asked.author(), (of, Meant::Id(id)), (patch, condition))
        .await
        .map_err(refused)?;
    Ok(answer::wrote(&fhir, &version, asked.prefer.answer, &crate::package::Checked::default()))
}

/// A patch does not make another record of it.
fn stays(document: &Document<'_>, of: ResourceType, id: Option<String>) -> Said<()> {
    is_of(document, of)?;
    match id_in(document) {
        said if said == id => Ok(()),
        _ => Err(invalid("a patch cannot change the id", "id").with_code("MSG_RESOURCE_ID_MISMATCH").into()),
    }
}

/// What is to be done to a record.
pub(super) enum Change {
    Json(JsonPatch),
    /// `Parameters`, in JSON.
    Paths(String),
}

impl Change {
    pub fn read(posted: &Posted) -> Said<Self> {
        match posted.sent {
            Sent::JsonPatch => Self::json(posted.bytes()),
            _ => Self::paths(posted.json()?),
        }
    }

    fn json(bytes: &[u8]) -> Said<Self> {
        let read = JsonPatch::read(bytes);
        Ok(Self::Json(read.map_err(|fault| cannot(fault.why, fault.operation, fault.of))?))
    }

    fn paths(parameters: String) -> Said<Self> {
        PathPatch::read(document(&parameters)?.root())
            .map_err(|fault| cannot(&fault.to_string(), None, Side::Patch))?;
        Ok(Self::Paths(parameters))
    }

    /// What the entry of a Bundle brings: `Parameters`, or a Binary that holds a JSON Patch.
    pub fn of_entry(resource: &str) -> Said<Self> {
        match binary(resource)? {
            None => Self::paths(resource.to_owned()),
            Some(Binary { media, data }) if is_json_patch(&media) => Self::json(&data),
            Some(_) => Err(invalid(
                "a Binary that is a patch has the contentType application/json-patch+json",
                "resource.contentType",
            )
            .into()),
        }
    }

    /// The change as the unit makes it that writes what comes of it: it stays the same record, and good.
    pub fn patch(self, fhir: &Fhir, asked: &Asked, of: ResourceType) -> Patch {
        let (fhir, asked) = (fhir.clone(), asked.clone());
        let made = move |body: &str| -> Said<String> {
            let changed = self.apply(&fhir, body)?;
            {
                let document = document(&changed)?;
                stays(&document, of, id_in(&self::document(body)?))?;
                checked(&fhir, &asked, &document)?;
            }
            Ok(changed)
        };
        Arc::new(move |body: &str| made(body).map_err(Refused::from))
    }

    fn apply(&self, fhir: &Fhir, body: &str) -> Said<String> {
        match self {
            Self::Json(patch) => {
                patch.apply(body).map_err(|fault| cannot(fault.why, fault.operation, fault.of))
            }
            Self::Paths(parameters) => {
                let (parameters, record) = (document(parameters)?, document(body)?);
                let patch = PathPatch::read(parameters.root());
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
    Refused { status, issues: vec![told.with_message("MSG_PARAM_INVALID")] }.into()
}

/// A Binary: its media type and what it holds.
pub(super) struct Binary {
    pub media: String,
    pub data: Vec<u8>,
}

pub(super) fn is_json_patch(media: &str) -> bool {
    media.split(';').next().is_some_and(|essence| essence.trim() == "application/json-patch+json")
}

/// The Binary that a resource is, if it is one.
pub(super) fn binary(resource: &str) -> Said<Option<Binary>> {
    let document = document(resource)?;
    let root = document.root();
    if root.resource_type().as_deref() != Some("Binary") {
        return Ok(None);
    }
    let text = |name| root.child(name).and_then(|it| it.text().map(|text| text.into_owned()));
    let data = text("data").unwrap_or_default();
    let data: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let data =
        STANDARD.decode(data).map_err(|_| invalid("data of a Binary must be base64", "resource.data"))?;
    Ok(Some(Binary { media: text("contentType").unwrap_or_default(), data }))
}
