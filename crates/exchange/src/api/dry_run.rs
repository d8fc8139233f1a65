//! A mapping is tried.

use axum::{Extension, extract::State};
use kernel::{Issue, Kind, Permission, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use utoipa::ToSchema;
use web::{Answer, Bearer, Json, Path, Problem};

use super::{door::Asking, id};
use crate::{
    Exchange,
    connector::PullFault,
    dry_run::{Beside, DRY_RUN_RECORDS_MAX, DryRunFault, Tried, dry_run, stated},
    mapping::Mapping,
};

/// Records where nothing is said.
const RECORDS: usize = 10;

/// What is tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MappingDryRun)]
pub(super) struct DryRunIn {
    /// The stream that `records` are of.
    stream: Option<String>,
    /// These records; without them, some are pulled from the source.
    #[schema(value_type = Option<Vec<Object>>)]
    records: Option<Vec<Map<String, Value>>>,
    /// How many are pulled: 1 to 50; 10 unless it is said.
    #[serde(default, deserialize_with = "web::whole")]
    #[schema(minimum = 1, maximum = 50)]
    limit: Option<usize>,
    /// By this mapping instead of the one that is configured.
    #[schema(value_type = Option<Object>)]
    mapping: Option<Value>,
}

/// Records beside what they would become.
#[derive(Serialize, ToSchema)]
#[schema(as = MappingDryRunResult)]
pub(super) struct DryRunOut {
    integration_id: String,
    items: Vec<BesideOut>,
}

/// A record, and what it would become.
#[derive(Serialize, ToSchema)]
#[schema(as = MappedRecord)]
pub(super) struct BesideOut {
    stream: String,
    /// As the source has it.
    #[schema(value_type = Object)]
    record: Box<RawValue>,
    /// Nothing where no rule is for the record.
    results: Vec<ResultOut>,
}

/// A resource that a record would become.
#[derive(Serialize, ToSchema)]
#[schema(as = MappedResource)]
pub(super) struct ResultOut {
    resource_type: String,
    resource_id: String,
    /// The resource, if the record can be mapped.
    #[schema(value_type = Option<Object>)]
    resource: Option<Box<RawValue>>,
    /// `accepted`, or `refused`: then the record would wait in quarantine.
    outcome: &'static str,
    findings: Vec<FindingOut>,
}

/// Why a resource would not be taken.
#[derive(Serialize, ToSchema)]
#[schema(as = MappingFinding)]
pub(super) struct FindingOut {
    /// A code of FHIR's issue types.
    code: &'static str,
    message: String,
}

/// Try a mapping: see what records would become. Nothing is stored.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/mapping/dry-run", tag = "integrations", operation_id = "try_mapping",
    request_body = DryRunIn,
    params(("id" = String, Path, description = "The integration's id: `int_…`")),
    responses((status = 200, description = "Each record beside what it would become", body = DryRunOut)),
    security(("bearer" = ["integration:records"])))]
pub(super) async fn try_mapping(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path(text): Path<String>,
    Json(asked): Json<DryRunIn>,
) -> Answer<Json<DryRunOut>> {
    let asking = Asking::enter(bearer, request, Permission::Records)?;
    let (integration, about) = asking.integration(&exchange, &text, Permission::Records).await?;
    let tried = asked.read().map_err(wrong)?;
    let beside = dry_run(&exchange, (about.organisation, integration), tried, asking.by()).await?;
    let items = beside.into_iter().map(BesideOut::try_from).collect::<Result<_, _>>()?;
    Ok(Json(DryRunOut { integration_id: id::write(integration), items }))
}

fn wrong(issues: Vec<Issue>) -> Problem {
    Problem::new(Kind::Unsupported, "a field is not right").with_issues(issues)
}

impl DryRunIn {
    fn read(self) -> Result<Tried, Vec<Issue>> {
        let mut issues = Vec::new();
        let mapping = match self.mapping.as_ref().map(Mapping::read).transpose() {
            Ok(mapping) => mapping,
            Err(found) => {
                let at = |issue: Issue| Issue::at(format!("mapping.{}", issue.path), issue.message);
                issues.extend(found.into_iter().map(at));
                None
            }
        };
        let limit = self.limit.unwrap_or(RECORDS);
        if limit == 0 || limit > DRY_RUN_RECORDS_MAX {
            issues.push(Issue::at("limit", "must be 1 to 50"));
        }
        let records = match (self.records, self.stream) {
            (None, None) => Err(limit),
            (Some(records), Some(stream)) => {
                if records.is_empty() || records.len() > DRY_RUN_RECORDS_MAX {
                    issues.push(Issue::at("records", "must be 1 to 50"));
                }
                Ok(records.into_iter().map(|record| stated(&stream, &Value::Object(record))).collect())
            }
            (Some(_), None) => {
                issues.push(Issue::at("stream", "is missing: it says what `records` are"));
                Err(limit)
            }
            (None, Some(_)) => {
                issues.push(Issue::at("stream", "goes with `records`"));
                Err(limit)
            }
        };
        if issues.is_empty() { Ok(Tried { records, mapping }) } else { Err(issues) }
    }
}

impl TryFrom<Beside> for BesideOut {
    type Error = Problem;
    fn try_from(Beside { raw, made }: Beside) -> Result<Self, Problem> {
        let shown = |text: &str| {
            let read = RawValue::from_string(text.to_owned());
            read.map_err(|_| Problem::new(Kind::Internal, Problem::INTERNAL))
        };
        let results = made.into_iter().map(|(found, refused)| {
            Ok(ResultOut {
                resource: found.text.as_ref().ok().map(|text| shown(text)).transpose()?,
                resource_type: found.name.of,
                resource_id: found.name.id,
                outcome: if refused.is_none() { "accepted" } else { "refused" },
                findings: refused.into_iter().map(|(code, message)| FindingOut { code, message }).collect(),
            })
        });
        let results = results.collect::<Result<_, Problem>>()?;
        Ok(Self { stream: raw.stream, record: shown(&raw.record)?, results })
    }
}

impl From<DryRunFault> for Problem {
    fn from(fault: DryRunFault) -> Self {
        match fault {
            DryRunFault::Run(fault) => fault.into(),
            DryRunFault::Setup(why) | DryRunFault::Pull(PullFault::Final { why }) => {
                Self::new(Kind::Conflict, why)
            }
            DryRunFault::Pull(PullFault::Again { why, after_s }) => {
                Self::new(Kind::Unavailable, why).with_retry_after(after_s.unwrap_or(5))
            }
            DryRunFault::Pull(PullFault::Later { after }) => {
                Self::new(Kind::Unavailable, "the integration's budget of calls is used up for now")
                    .with_retry_after(after.as_secs() + 1)
            }
        }
    }
}
