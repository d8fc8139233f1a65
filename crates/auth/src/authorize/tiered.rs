//! A client names the identity provider at which the person signs in.  UDAP Tiered OAuth §2 to §4, IG §6

use kernel::{Id, Person, Timestamp};
use web::LocalPath;

use super::{
    Asked, AuthorizeFault,
    mark::{Mark, Outcome},
    push::SIGN_IN_TIME,
    request::{Refusal, refusal},
};
use crate::{
    Auth,
    client::Client,
    udap::identity_provider,
    upstream::{self, Departure, UpstreamFault, Wishes},
};

/// What follows from the provider that a client has named.
pub(super) enum Next {
    /// The person signs in here, or has signed in there: the request goes on.
    Here,
    /// The browser is sent to the provider.
    Away,
    /// The client is told.
    Refuse(Refusal),
}

/// The decision: `known` is who is signed in, and since when.
pub(super) fn next(
    auth: &Auth,
    asked: &Asked,
    known: Option<(Id<Person>, Timestamp)>,
    mark: Option<Mark>,
) -> Next {
    let Some(idp) = &asked.idp else { return Next::Here };
    if idp == auth.issuer() {
        return Next::Here;
    }
    let now = auth.world().now();
    match mark {
        Some(Mark { outcome: Outcome::Failed(failure), .. }) => {
            let (error, description) = failure.says();
            Next::Refuse(refusal(error, description))
        }
        Some(Mark { at, outcome: Outcome::Arrived(person) })
            if known.is_some_and(|(who, since)| who == person && since >= at)
                && now.since(at) < SIGN_IN_TIME =>
        {
            Next::Here
        }
        _ if asked.prompt.none => {
            Next::Refuse(refusal("login_required", "the person has to be sent to the identity provider"))
        }
        _ => Next::Away,
    }
}

/// Find the provider, and send the browser there; or say why not.
pub(super) async fn depart(
    auth: &Auth,
    client: &Client,
    asked: &Asked,
    back: LocalPath,
) -> Result<Result<Departure, Refusal>, AuthorizeFault> {
    let idp = asked.idp.as_deref().unwrap_or_default();
    let departed = async {
        let upstream = identity_provider::find(auth, client.organisation, idp).await?;
        upstream::depart_for(auth, &upstream, client.id, &back, wishes(asked)).await
    };
    match departed.await {
        Ok(departure) => Ok(Ok(departure)),
        Err(UpstreamFault::Store(fault)) => Err(fault.into()),
        Err(UpstreamFault::Vault(fault)) => Err(fault.into()),
        Err(fault) => {
            tracing::info!(%fault, client = %client.client_id.as_str(), "an identity provider that a client names is not used");
            Ok(Err(refusal("invalid_idp", "the identity provider is not trusted here or cannot be used")))
        }
    }
}

/// What of the request the provider is told too.
fn wishes(asked: &Asked) -> Wishes {
    let login = asked.prompt.login || asked.strength.least().is_some();
    let prompt = if asked.prompt.select_account { Some("select_account") } else { login.then_some("login") };
    let told = [
        ("prompt", prompt.map(str::to_owned)),
        ("max_age", asked.age_max_s.map(|age| age.to_string())),
        ("login_hint", asked.for_sign_in.login_hint.clone()),
        ("ui_locales", asked.for_sign_in.ui_locales.clone()),
    ];
    Wishes {
        least: asked.strength.least(),
        told: told.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
    }
}
