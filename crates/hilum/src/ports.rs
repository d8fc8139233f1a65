//! What the broker, the FHIR APIs, webhooks and syncs ask of others, answered by `auth`, `exchange`, and the broker.

mod sources;
mod watched;

use auth::{Acting, Auth, smart::Reach};
use broker::{Clients, KnownClient, People, PortFault, Visitor, managed::Kind};
use fhir::{NamedSite, access::Sight, consent::Who};
use futures_util::{FutureExt, future::BoxFuture};
use http::HeaderMap;
use jobs::Schedule;
use kernel::{
    Caller, Client, Id, Integration, Issue, Level, Organisation, Person, Scopes, Site, SmartScopes, Study,
    Timestamp,
};
use serde_json::{Map, Value};
use store::{DbError, Writer};
use web::{Cookies, LocalPath};
use webhooks::inbound::Recipe;

pub use sources::BrokerSources;
pub use watched::{BrokerIntegrations, HeardOfIntegrations};

/// Registered client applications.
pub struct AuthClients(pub Auth);

/// People with browsers.
pub struct AuthPeople(pub Auth);

fn known(client: auth::client::Client) -> KnownClient {
    KnownClient {
        id: client.id,
        client_id: client.client_id.as_str().to_owned(),
        is_verified: client.verified_at.is_some(),
        name: client.name,
        uri: client.uri.as_str().to_owned(),
    }
}

fn unanswered<E: std::error::Error + Send + Sync + 'static>(what: &'static str) -> impl Fn(E) -> PortFault {
    move |cause| PortFault { what, cause: Box::new(cause) }
}

impl Clients for AuthClients {
    fn by_client_id<'a>(
        &'a self,
        client_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<KnownClient>, PortFault>> {
        async move {
            let found =
                auth::client::live_by_client_id(&self.0, client_id).await.map_err(unanswered("client"))?;
            Ok(found.map(known))
        }
        .boxed()
    }

    fn by_id(&self, id: Id<Client>) -> BoxFuture<'_, Result<Option<KnownClient>, PortFault>> {
        async move { Ok(auth::client::live_by_id(&self.0, id).await.map_err(unanswered("client"))?.map(known)) }.boxed()
    }
}

impl People for AuthPeople {
    fn visitor<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Option<Visitor>, PortFault>> {
        async move {
            let current = auth::session::current(&self.0, &Cookies::of(headers), None)
                .await
                .map_err(unanswered("session"))?;
            Ok(current.map(|signed_in| Visitor {
                person: signed_in.person,
                organisation: signed_in.organisation,
                session: signed_in.binding(&self.0),
            }))
        }
        .boxed()
    }

    fn sign_in(&self, return_to: &LocalPath) -> LocalPath {
        LocalPath::parse(&auth::session::sign_in_location(Some(return_to)))
            .unwrap_or_else(|_| LocalPath::root())
    }

    fn has_studies<'a>(
        &'a self,
        organisation: Id<Organisation>,
        studies: &'a [Id<Study>],
    ) -> BoxFuture<'a, Result<bool, PortFault>> {
        async move {
            auth::organisation::has_studies(&self.0, organisation, studies).await.map_err(unanswered("study"))
        }
        .boxed()
    }

    fn has_site(
        &self,
        organisation: Id<Organisation>,
        site: Id<Site>,
    ) -> BoxFuture<'_, Result<bool, PortFault>> {
        async move {
            auth::organisation::has_site(&self.0, organisation, site).await.map_err(unanswered("site"))
        }
        .boxed()
    }
}

/// Syncs by the clock.
pub struct ExchangeSyncs;

impl broker::Syncs for ExchangeSyncs {
    fn issues(&self, kind: Kind, config: &Map<String, Value>) -> Vec<Issue> {
        sources::issues(kind, config)
    }

    fn keep<'a>(
        &'a self,
        tx: &'a mut Writer,
        of: (Id<Organisation>, Id<Integration>),
        schedule: &'a Schedule,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, DbError>> {
        exchange::run::schedule(tx, of, schedule, now).boxed()
    }

    fn end<'a>(
        &'a self,
        tx: &'a mut Writer,
        integration: Id<Integration>,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        exchange::run::unschedule(tx, integration).boxed()
    }
}

/// What tokens and people say of whose records may be seen.
pub struct AuthReach(pub Auth);

/// Sites of organisations.
pub struct AuthSites(pub Auth);

fn unsaid<E: std::error::Error + Send + Sync + 'static>(what: &'static str) -> impl Fn(E) -> fhir::PortFault {
    move |cause| fhir::PortFault { what, cause: Box::new(cause) }
}

impl AuthReach {
    /// It is asked for where a scope is about what a person may see, and nowhere else.
    async fn sight(&self, scopes: &Scopes, person: Option<Id<Person>>) -> Result<Sight, fhir::PortFault> {
        let is_users = SmartScopes::of(scopes).iter().any(|scope| scope.level() == Level::User);
        let none = || Sight::Patients([].into());
        let Some(person) = person.filter(|_| is_users) else { return Ok(none()) };
        Ok(match auth::smart::reach(&self.0, person).await.map_err(unsaid("person"))? {
            Reach::Everybody => Sight::Site,
            Reach::Patients(patients) => Sight::Patients(patients.into_iter().map(Box::from).collect()),
        })
    }
}

impl AuthReach {
    /// As patients' Consents name who acts: the client, its organisation, the person's record. A person who is the patient is never
    /// barred from their own records.
    async fn who(
        &self,
        (organisation, person): (Id<Organisation>, Option<Id<Person>>),
        client_id: &str,
    ) -> Result<Who, fhir::PortFault> {
        let organisation = organisation.to_string();
        let records = match person {
            Some(person) => auth::smart::own_records(&self.0, person).await.map_err(unsaid("person"))?,
            None => Vec::new(),
        };
        let named = [format!("Device/{client_id}"), format!("Organization/{organisation}")];
        let own = records.iter().filter_map(|record| record.strip_prefix("Patient/")).map(str::to_owned);
        Ok(Who {
            own: own.collect(),
            references: named.into_iter().chain(records).collect(),
            identifiers: vec![(None, client_id.to_owned()), (None, organisation)],
            purposes: Vec::new(),
        })
    }
}

/// What a system has said it asks for.  HL7 FAST UDAP Security §5.3.1
fn purposes(context: &serde_json::Map<String, serde_json::Value>) -> impl Iterator<Item = &str> {
    let stated =
        context.get("extensions").and_then(|all| all.get("hl7-b2b")?.get("purpose_of_use")?.as_array());
    stated.into_iter().flatten().filter_map(|one| one.as_str())
}

impl fhir::People for AuthReach {
    fn context<'a>(
        &'a self,
        caller: &'a Caller,
        token: &'a str,
    ) -> BoxFuture<'a, Result<fhir::Context, fhir::PortFault>> {
        async move {
            let verified = self.0.check(token).await.map_err(unsaid("token"))?;
            let patient = verified.context.get("patient").and_then(|id| id.as_str()).map(str::to_owned);
            let origin = serde_json::to_string(&verified.origin()).unwrap_or_default();
            let who = self.who((caller.organisation, caller.person), verified.client_id.as_str()).await?;
            let who = who.stating(purposes(&verified.context));
            let sight = self.sight(&caller.scopes, caller.person).await?;
            Ok(fhir::Context { patient, sight, origin, who })
        }
        .boxed()
    }

    fn standing<'a>(
        &'a self,
        caller: &'a Caller,
        origin: &'a str,
    ) -> BoxFuture<'a, Result<Option<Sight>, fhir::PortFault>> {
        async move {
            let Ok(origin) = serde_json::from_str(origin) else { return Ok(None) };
            match self.0.stands(&origin).await.map_err(unsaid("token"))? {
                true => Ok(Some(self.sight(&caller.scopes, caller.person).await?)),
                false => Ok(None),
            }
        }
        .boxed()
    }

    fn still<'a>(
        &'a self,
        standing: &'a fhir::Standing,
    ) -> BoxFuture<'a, Result<Option<fhir::Still>, fhir::PortFault>> {
        async move {
            let client =
                auth::client::live_by_id(&self.0, standing.client).await.map_err(unsaid("client"))?;
            let Some(client) = client.filter(|client| client.organisation == standing.organisation) else {
                return Ok(None);
            };
            let whose = (standing.organisation, standing.person);
            let who = self.who(whose, client.client_id.as_str()).await?;
            // What it is not registered for any more it does not have any more.
            let registered = standing.scopes.as_far_as(&client.scopes);
            let Some(person) = standing.person else {
                let still = fhir::Still { scopes: registered, sight: Sight::Patients([].into()), who };
                return Ok(Some(still).filter(|still| !still.scopes.is_empty()));
            };
            // What a person granted lasts as long as a grant of theirs to this client that has it. Who is switched off has none.
            let grants = auth::grant::list_of_person(&self.0, person).await.map_err(unsaid("grant"))?;
            let granted = grants.into_iter().filter(|grant| grant.client == client.id);
            let granted: Scopes =
                granted.flat_map(|grant| grant.scopes.iter().cloned().collect::<Vec<_>>()).collect();
            let scopes = registered.as_far_as(&granted);
            if scopes.is_empty() {
                return Ok(None);
            }
            let sight = self.sight(&scopes, Some(person)).await?;
            Ok(Some(fhir::Still { scopes, sight, who }))
        }
        .boxed()
    }
}

impl fhir::Sites for AuthSites {
    fn of(&self, organisation: Id<Organisation>) -> BoxFuture<'_, Result<Vec<NamedSite>, fhir::PortFault>> {
        async move {
            let acting = Acting::system(organisation);
            let sites = auth::organisation::sites(&self.0, &acting).await.map_err(unsaid("site"))?;
            Ok(sites.into_iter().map(|site| NamedSite { id: site.id, name: site.name }).collect())
        }
        .boxed()
    }
}

/// How the providers of the catalogue prove themselves.
pub struct CatalogueRecipes(pub broker::provider::Catalogue);

impl webhooks::inbound::Recipes for CatalogueRecipes {
    fn of(&self, provider: &str) -> Option<Recipe> {
        let webhooks = self.0.get(provider)?.webhooks.as_ref()?;
        let signature = webhooks.signature.as_ref()?;
        let written = (signature.encoding.as_deref(), signature.format.as_deref());
        let said = (signature.algorithm.as_str(), signature.message.as_str());
        let recipe = Recipe::in_words(&signature.headers, said, written, signature.tolerance_s)?;
        Some(recipe.tried_by(webhooks.challenge.as_deref()))
    }
}
