//! The person answers.  RFC 6749 §4.1.2, OpenID Connect Core §3.1.2.4

use kernel::{Id, SCOPES_BYTES_MAX, Scopes};
use store::Reader;

use super::{
    AuthorizeFault, Bound, NewCode, Onward,
    answer::{Destination, answer},
    pending::{Request, RequestRow},
    queries,
    strength::UNMET,
};
use crate::{
    Auth, SignedIn,
    client::{self, Client},
    client_connection::prove,
    grant::Details,
    session::Acr,
    smart::context,
};

/// What the person said.
#[derive(Debug, Clone)]
pub enum Decision {
    /// The client may have these of the scopes that it asked for; the person may leave some out.
    Allow(Scopes),
    /// The client gets nothing.
    Deny,
}

/// Take the person's answer, once. Gives where the browser goes on.
///
/// # Errors
/// [`AuthorizeFault::NotPending`] when the request is not theirs, was answered before, or is over;
/// [`AuthorizeFault::UnknownRedirectUri`] when the client's registration has changed meanwhile;
/// [`AuthorizeFault::NotChosen`] when the scopes need a patient and none is chosen, and the question stays.
pub async fn decide(
    auth: &Auth,
    signed_in: &SignedIn,
    id: Id<Request>,
    decision: &Decision,
) -> Result<Onward, AuthorizeFault> {
    let (auth_in, signed_in, decision) = (auth.clone(), signed_in.clone(), decision.clone());
    auth.db()
        .write(async move |tx| -> Result<Onward, AuthorizeFault> {
            let (world, now) = (auth_in.world(), auth_in.world().now());
            let row =
                queries::take_request(tx, signed_in.person, id).await?.ok_or(AuthorizeFault::NotPending)?;
            if now >= row.expires_at {
                return Err(AuthorizeFault::NotPending);
            }
            let (client, redirect) = still_trusted(tx, &row).await?;
            let acting = signed_in.acting();
            let state = row.state.clone();
            let Some(scopes) = granted(&decision, &row.scopes) else {
                let entry = acting.entry("consent.decided", client.id, serde_json::Value::Null);
                audit::record(
                    tx,
                    world,
                    &audit::Entry { outcome: audit::Outcome::Refused("access_denied"), ..entry },
                )
                .await?;
                return Ok(answer(&auth_in, &redirect, &[("error", "access_denied")], state.as_deref()));
            };
            // Who has signed in more weakly while the page was open is not who was asked for.
            let said = row.details.acr.as_deref().and_then(Acr::parse);
            if said.is_some_and(|said| signed_in.acr < said) {
                return Ok(answer(&auth_in, &redirect, &[("error", UNMET)], state.as_deref()));
            }
            if context::missing(&scopes, &row.details.context).is_some() {
                return Err(AuthorizeFault::NotChosen);
            }
            let (scopes, context) = context::settle(scopes, row.details.context);
            let before = queries::allowed(tx, signed_in.person, client.id).await?;
            let remembered = remembered(&before, &scopes);
            queries::remember(tx, signed_in.person, client.id, &remembered, now).await?;
            let details = serde_json::json!({ "scopes": scopes });
            audit::record(tx, world, &acting.entry("consent.decided", client.id, details)).await?;
            let bound = Bound {
                redirect_uri: row.redirect_uri,
                scopes,
                nonce: row.nonce,
                code_challenge: row.code_challenge,
                details: Details { context, ..row.details },
            };
            let (code, text) = NewCode::draw(&auth_in, client.id, &signed_in, bound);
            queries::insert_code(tx, &code).await?;
            Ok(answer(&auth_in, &redirect, &[("code", text.expose())], state.as_deref()))
        })
        .await
}

/// The registration may have changed while the page was open.
async fn still_trusted(tx: &mut Reader, row: &RequestRow) -> Result<(Client, Destination), AuthorizeFault> {
    let client = client::queries::of_any_organisation(tx, row.client).await?;
    let client = client.filter(|client| client.disabled_at.is_none()).ok_or(AuthorizeFault::UnknownClient)?;
    let redirect = prove::trusted_redirect(tx, &client, &row.redirect_uri).await?;
    let redirect = redirect.ok_or(AuthorizeFault::UnknownRedirectUri)?;
    Ok((client, Destination { redirect, mode: row.mode }))
}

/// What is granted: of what was asked, what the person allows. Nothing at all is a denial.
fn granted(decision: &Decision, asked: &Scopes) -> Option<Scopes> {
    match decision {
        Decision::Allow(allowed) => Some(asked.as_far_as(allowed)).filter(|granted| !granted.is_empty()),
        Decision::Deny => None,
    }
}

/// What the person has allowed, now and before; only what they allow now where the list would be too long to be read again.
fn remembered(before: &Scopes, now: &Scopes) -> Scopes {
    let all: Scopes = before.iter().chain(now.iter()).cloned().collect();
    if all.to_string().len() <= SCOPES_BYTES_MAX { all } else { now.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_can_be_read_again() {
        let scopes = |text: &str| text.parse::<Scopes>().unwrap();
        assert_eq!(remembered(&scopes("openid"), &scopes("email openid")), scopes("email openid"));
        let long = scopes(&"x".repeat(SCOPES_BYTES_MAX));
        assert_eq!(remembered(&long, &scopes("email")), scopes("email"));
    }

    #[test]
    fn a_person_can_give_less_and_never_more() {
        let asked: Scopes = "openid email".parse().unwrap();
        let allow = |text: &str| Decision::Allow(text.parse().unwrap());
        for (decision, scopes) in [
            (allow("openid email"), Some("email openid")),
            (allow("openid"), Some("openid")),
            (allow("openid profile integrations:revoke"), Some("openid")),
            (allow("profile"), None),
            (allow("openid patient/*.*"), Some("openid")),
            (allow(""), None),
            (Decision::Deny, None),
        ] {
            assert_eq!(
                granted(&decision, &asked).map(|scopes| scopes.to_string()).as_deref(),
                scopes,
                "{decision:?}"
            );
        }
    }
}
