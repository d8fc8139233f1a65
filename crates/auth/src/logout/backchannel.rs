//! Applications are told that a session has ended.  OpenID Connect Back-Channel Logout 1.0 §2
//!
//! The job is written in the transaction that ends the session, so none is forgotten; the token is made anew for each attempt.

use std::time::Duration;

use jobs::{Job, JobFault, Retry};
use kernel::{Client, Id, Person, Session, Timestamp, Token};
use outbound::Call;
use serde::{Deserialize, Serialize};
use store::{DbError, Json, Reader, Writer, binds};
use url::Url;

use crate::{
    Auth,
    client::{self, ClientMetadata},
    session::Ending,
};

/// The type of a logout token's header (§2.4).
const TYP: &str = "logout+jwt";

/// The member that makes a token one of logout (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long a logout token is good; two minutes at the most (§4).
const TOKEN_LIFE: Duration = Duration::from_mins(2);

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// How many applications are told of the end of one session.
const TOLD_MAX: i64 = 1_000;

/// Tell one application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TellOfSignOut {
    client: Id<Client>,
    person: Id<Person>,
    session: Id<Session>,
}

/// Leave it to jobs to tell every application that has a live grant of these sessions, and an address for it. To be called in the
/// transaction that ends the sessions, before it does: by [`end_in`](crate::session::end_in) alone.
pub(crate) async fn schedule(tx: &mut Writer, auth: &Auth, ending: Ending) -> Result<(), DbError> {
    let now = auth.world().now();
    for (client, person, session, Json(metadata)) in told(tx, ending, now).await? {
        if metadata.backchannel_logout_uri.is_some() {
            let job = TellOfSignOut { client, person, session };
            jobs::enqueue(tx, auth.world(), &job, now, None).await?;
        }
    }
    Ok(())
}

type Told = (Id<Client>, Id<Person>, Id<Session>, Json<ClientMetadata>);

async fn told(tx: &mut Reader, ending: Ending, now: Timestamp) -> Result<Vec<Told>, DbError> {
    match ending {
        Ending::One(_, session) => {
            tx.all(
                "SELECT DISTINCT client.id, session.person_id, session.id, client.metadata FROM authorization_grant \
                 JOIN session ON session.id = authorization_grant.session_id \
                 JOIN client ON client.id = authorization_grant.client_id \
                 WHERE authorization_grant.session_id = $1 AND authorization_grant.revoked_at IS NULL \
                 AND session.ended_at IS NULL AND session.ends_at > $2 AND client.disabled_at IS NULL LIMIT $3",
                binds![session, now, TOLD_MAX],
            )
            .await
        }
        Ending::AllOf(person) => told_of_person(tx, person, Id::from_bytes([0; 16]), now).await,
        Ending::AllBut(person, session) => told_of_person(tx, person, session, now).await,
    }
}

async fn told_of_person(
    tx: &mut Reader,
    person: Id<Person>,
    but: Id<Session>,
    now: Timestamp,
) -> Result<Vec<Told>, DbError> {
    tx.all(
        "SELECT DISTINCT client.id, session.person_id, session.id, client.metadata FROM authorization_grant \
                 JOIN session ON session.id = authorization_grant.session_id \
                 JOIN client ON client.id = authorization_grant.client_id \
                 WHERE authorization_grant.person_id = $1 AND authorization_grant.revoked_at IS NULL \
                 AND session.ended_at IS NULL AND session.ends_at > $2 AND client.disabled_at IS NULL \
                 AND session.id <> $3 LIMIT $4",
        binds![person, now, but, TOLD_MAX],
    )
    .await
}

/// What a logout token says (§2.4). It never has a nonce.
#[derive(Serialize)]
struct LogoutClaims<'a> {
    iss: &'a str,
    sub: Id<Person>,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: Id<Token>,
    sid: Id<Session>,
    events: serde_json::Value,
}

impl Job for TellOfSignOut {
    const NAME: &'static str = "auth.tell_of_sign_out";
    /// About ten minutes.
    const RETRY: Retry = Retry { attempts_max: 7, first_s: 5, max_s: 300, jitter_percent: 20 };
    type Context = Auth;

    async fn run(self, auth: &Auth, attempt: u32) -> Result<(), JobFault> {
        let found = client::queries::of_any_organisation(&mut auth.db().read().await?, self.client).await?;
        let Some(client) = found.filter(|client| client.disabled_at.is_none()) else { return Ok(()) };
        let Some(uri) = &client.metadata.backchannel_logout_uri else { return Ok(()) };
        let told = match Url::parse(uri) {
            Ok(url) => self.tell(auth, &client, url).await,
            Err(_) => Err(JobFault::dead("the address cannot be read")),
        };
        let is_last = attempt >= Self::RETRY.attempts_max;
        match &told {
            Ok(()) => self.record(auth, &client, audit::Outcome::Done).await?,
            Err(JobFault::Final { .. }) => {
                self.record(auth, &client, audit::Outcome::Failed("refused")).await?
            }
            Err(JobFault::Again { .. }) if is_last => {
                self.record(auth, &client, audit::Outcome::Failed("no_answer")).await?;
            }
            Err(JobFault::Again { .. }) => {}
        }
        told
    }
}

impl TellOfSignOut {
    async fn tell(&self, auth: &Auth, client: &client::Client, url: Url) -> Result<(), JobFault> {
        let token = self.token(auth, client).await?;
        let answer =
            auth.outbound().read(Call::form(url, &format!("logout_token={token}")), ANSWER_BYTES_MAX).await?;
        let status = answer.status;
        // §2.8: 400 means that the application does not take it, and will not take it next time.
        match status.as_u16() {
            200..=299 => Ok(()),
            408 | 425 | 429 | 500..=599 => Err(JobFault::again(format!("the application answered {status}"))),
            _ => Err(JobFault::dead(format!("the application answered {status}"))),
        }
    }

    async fn token(&self, auth: &Auth, client: &client::Client) -> Result<String, JobFault> {
        let now = auth.world().now();
        let claims = LogoutClaims {
            iss: auth.issuer(),
            sub: self.person,
            aud: client.client_id.as_str(),
            iat: now.as_seconds(),
            exp: (now + TOKEN_LIFE).as_seconds(),
            jti: auth.world().new_id(),
            sid: self.session,
            events: serde_json::json!({ EVENT: {} }),
        };
        let signed = auth.sign_as(client.id_token_algorithm(), TYP, &claims).await;
        signed.map_err(|fault| JobFault::again(fault.to_string()))
    }

    async fn record(
        &self,
        auth: &Auth,
        client: &client::Client,
        outcome: audit::Outcome,
    ) -> Result<(), DbError> {
        let entry = audit::Entry {
            organisation: Some(client.organisation),
            actor: kernel::Actor::System,
            act: "client.told_of_sign_out",
            subject: audit::Subject::of(client.id),
            outcome,
            request: None,
            details: serde_json::json!({ "session": self.session }),
        };
        let world = auth.world().clone();
        auth.db().write(async move |tx: &mut Writer| audit::record(tx, &world, &entry).await).await
    }
}
