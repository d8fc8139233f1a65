//! Who asks, under which site, in which version: what every call has to show before anything else is looked at.  Contract 3

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, header, request::Parts};
use kernel::{Caller, Interaction, Kind, RequestId};
use web::{Bearer, ClientAddr, Problem};

use super::{emergency, manner::prefer::Prefer, provenance};
use crate::{
    By, Context, Fhir, Standing,
    access::{Access, Rule},
    audit_event::{self, Agent, Trace},
    parameter::ResourceType,
    resource::Stamp,
    site::{Site, SiteCode},
};

/// The header that names the site.
pub(crate) const SITE: HeaderName = HeaderName::from_static("su-siteid");

/// A call whose caller is known and may call this site.
#[derive(Clone)]
pub(crate) struct Asked {
    pub site: Arc<Site>,
    pub access: Access,
    pub prefer: Prefer,
    pub by: By,
    pub caller: Caller,
    /// What the token and the person said beside the scopes.
    pub context: Context,
    /// Who that is, for audit events.
    pub agent: Arc<Agent>,
    /// What becomes known of this call.
    pub trace: Trace,
    pub standing: Arc<Standing>,
    /// The Provenance that came with it.
    pub stamp: Option<Arc<Stamp>>,
}

impl FromRequestParts<Fhir> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, fhir: &Fhir) -> Result<Self, Problem> {
        // An entry of a Bundle: its caller has shown everything with the Bundle.
        if let Some(asked) = parts.extensions.get::<Self>() {
            let trace = trace_of(parts);
            trace.by(&asked.site.tenant, &asked.agent, asked.by.request.as_ref());
            return Ok(Self { trace, ..asked.clone() });
        }
        let Bearer(caller) = Bearer::from_request_parts(parts, fhir).await?;
        let code = said(&parts.headers)?;
        let found = fhir.shelf.get(&fhir.db, &code, fhir.world.now()).await?;
        // What is not there and what is another's are one answer.
        let site = found.filter(|site| site.organisation() == caller.organisation).ok_or_else(not_granted)?;
        let token = token(&parts.headers);
        let mut context = fhir.people.context(&caller, token).await?;
        emergency::state(&parts.headers, &mut context.who)?;
        let request = parts.extensions.get::<RequestId>().cloned();
        let address = parts.extensions.get::<ClientAddr>().map(|address| address.0);
        let (agent, trace) = (Arc::new(Agent::of(&caller, &context.who, address)), trace_of(parts));
        trace.by(&site.tenant, &agent, request.as_ref());
        let access =
            Access::new(site.plan.clone(), &caller.scopes, context.patient.as_deref(), context.sight.clone());
        let access = access.bound_by(site.policy.consent, &context.who);
        let by = By { actor: caller.actor(), organisation: caller.organisation, request };
        let access = match emergency::reason(&parts.headers, &context.who)? {
            Some(reason) => {
                emergency::broken(fhir, (&site, &by, &context.who), (parts, reason)).await?;
                access.breaking_glass()
            }
            None => access,
        };
        let standing = Standing {
            organisation: caller.organisation,
            client: caller.client,
            person: caller.person,
            scopes: caller.scopes.clone(),
            patient: context.patient.clone(),
        };
        let access = access.owning(&standing);
        let prefer = Prefer::of(&parts.headers);
        let standing = Arc::new(standing);
        let asked = Self { site, access, prefer, by, caller, context, agent, trace, standing, stamp: None };
        let stamp = provenance::of(fhir, &asked, &parts.headers)?;
        Ok(Self { stamp, ..asked })
    }
}

fn trace_of(parts: &Parts) -> Trace {
    parts.extensions.get::<Trace>().cloned().unwrap_or_default()
}

/// The token, which the bearer was proven by.
pub(crate) fn token(headers: &HeaderMap) -> &str {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split_once(' ').map_or("", |(_, token)| token.trim_matches(' '))
}

fn said(headers: &HeaderMap) -> Result<SiteCode, Problem> {
    let mut values = headers.get_all(SITE).iter();
    let refused = |words: &'static str| Problem::new(Kind::Invalid, words).with_path("SU-SiteId");
    match (values.next(), values.next()) {
        (None, _) => Err(refused("SU-SiteId is missing: it names the site under which records are kept")),
        (Some(_), Some(_)) => Err(refused("SU-SiteId is there more than once")),
        (Some(value), None) => value
            .to_str()
            .ok()
            .and_then(SiteCode::parse)
            .ok_or_else(|| refused("SU-SiteId must be HC and five letters or digits")),
    }
}

fn not_granted() -> Problem {
    Problem::new(Kind::Forbidden, "the site is unknown, or not granted to the caller").with_path("SU-SiteId")
}

impl Asked {
    /// The rule for a type: what no scope lets at all is refused, and so is what the plan does not have.
    ///
    /// # Errors
    /// 403 that names the subscription or the scope that is missing.
    pub fn rule(&self, resource_type: ResourceType, interaction: Interaction) -> Result<Rule, Problem> {
        if !matches!(interaction, Interaction::Read | Interaction::Search) {
            audit_event::only_read(resource_type)?;
        }
        self.subscribed(resource_type)?;
        match self.access.rule(resource_type.as_str(), interaction) {
            rule if rule.is_nothing() => Err(Problem::new(
                Kind::Forbidden,
                format!(
                    "the access token does not let records of type {resource_type} be {}",
                    did(interaction)
                ),
            )
            .with_code("insufficient_scope")),
            rule => Ok(rule),
        }
    }

    /// Whether the organisation has subscribed to what records of this type belong to.
    ///
    /// # Errors
    /// 403 that names the subscription that is missing.
    pub fn subscribed(&self, resource_type: ResourceType) -> Result<(), Problem> {
        self.access.subscribed(resource_type.as_str()).map_err(|missing| {
            Problem::new(Kind::Forbidden, missing.missing(resource_type))
                .with_code("MSG_RESOURCE_NOT_ALLOWED")
        })
    }
}

const fn did(interaction: Interaction) -> &'static str {
    match interaction {
        Interaction::Create => "created",
        Interaction::Read => "read",
        Interaction::Update => "updated",
        Interaction::Delete => "deleted",
        Interaction::Search => "searched",
    }
}

/// The type that a path names.
///
/// # Errors
/// 404: there is no such type.
pub(crate) fn type_of(name: &str) -> Result<ResourceType, Problem> {
    ResourceType::named(name).ok_or_else(|| {
        Problem::new(Kind::NotFound, "FHIR R4 has no resource of this type").with_code("MSG_UNKNOWN_TYPE")
    })
}
