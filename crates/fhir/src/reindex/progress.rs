//! What administrators are told of a site's parameters and of how far they are.

use serde::Serialize;
use store::{DbError, Reader};
use utoipa::ToSchema;

use super::queries;
use crate::{
    package::{Offered, Verdict},
    parameter::Standing,
};

/// A parameter of one of the packages that a site has switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FhirSearchParameter)]
pub(crate) struct ParameterOut {
    /// What stands in a search.
    code: String,
    /// Its canonical URL.
    url: String,
    /// The types whose records it is about.
    types: Vec<String>,
    /// Whose it is.
    package: String,
    /// `ready`; `building`: searches by it are refused until all records are indexed; `leaving`; `known`: there is one that selects the
    /// same; `refused`: it cannot be used.
    state: &'static str,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// How far the records of a site are indexed by its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FhirReindex)]
pub(crate) struct Progress {
    /// `running` or `done`; nothing where there never was anything to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// Records that were indexed anew.
    records: i64,
    /// How much of the work is done, of a hundred.
    percent: i64,
    /// When it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    begun_at: Option<String>,
    /// When it went on.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<String>,
    /// The parameters, in the order of their packages.
    parameters: Vec<ParameterOut>,
}

/// What a site is searched by beside R4's parameters, and what of its packages it is not.
pub(crate) async fn progress(
    reader: &mut Reader,
    tenant: i64,
    offered: &[Offered],
) -> Result<Progress, DbError> {
    let kept = queries::kept(reader, tenant).await?;
    let way = queries::way(reader, tenant).await?;
    let added = queries::added(reader, tenant).await?;
    let own = kept.iter().map(|one| ParameterOut {
        code: one.definition.code.clone(),
        url: one.definition.url.clone(),
        types: one.definition.types.clone(),
        package: one.package.clone(),
        state: match one.standing {
            Standing::Ready => "ready",
            Standing::Building => "building",
            Standing::Leaving => "leaving",
        },
        why: None,
    });
    let others = offered.iter().filter_map(|one| {
        let (state, why) = match &one.verdict {
            Verdict::Added(_) => return None,
            Verdict::Known => ("known", None),
            Verdict::Refused(why) => ("refused", Some(why.clone())),
        };
        Some(ParameterOut {
            code: one.code.clone(),
            url: one.url.clone(),
            types: one.types.iter().map(ToString::to_string).collect(),
            package: one.package.to_string(),
            state,
            why,
        })
    });
    let types: Vec<i64> = added.moving_types().into_iter().map(|of| of.number().into()).collect();
    let percent = way.as_ref().filter(|way| way.is_running).map_or(100, |way| {
        let done = types.iter().filter(|of| **of < way.of).count();
        let done = i64::try_from(done).unwrap_or_default() * 100;
        let within = way.place.max(0).saturating_mul(100).checked_div(way.horizon).unwrap_or_default();
        let all = i64::try_from(types.len()).unwrap_or(i64::MAX).max(1);
        (done + within.min(100)).checked_div(all).unwrap_or_default().min(99)
    });
    Ok(Progress {
        state: way.as_ref().map(|way| if way.is_running { "running" } else { "done" }),
        records: way.as_ref().map_or(0, |way| way.looked),
        percent,
        begun_at: way.as_ref().map(|way| way.begun_at.to_string()),
        changed_at: way.as_ref().map(|way| way.changed_at.to_string()),
        parameters: own.chain(others).collect(),
    })
}
