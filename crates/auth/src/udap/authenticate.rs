//! A client of a community shows who it is: the authentication token, signed under a certificate that names the URI by which it
//! registered.  IG §5.3, UDAP JWT-Based Client Authentication §4 and §6

use crypto::jose::{AudienceForm, Chained, ChainedFault, Claims, ExpectAssertion, LEEWAY_S};
use store::DbError;

use super::{ALGORITHMS, Community, STATEMENT_LIFE_S_MAX, queries};
use crate::{Auth, client::Client};

/// The community through which a client registered; none where it did not, or the deployment does not belong to it any more.
///
/// # Errors
/// The database.
pub(crate) async fn community_of(
    auth: &Auth,
    client: kernel::Id<kernel::Client>,
) -> Result<Option<&Community>, DbError> {
    let origin = queries::origin(&mut auth.db().read().await?, client).await?;
    Ok(origin.and_then(|(community, _)| auth.config().udap.find(Some(&community))))
}

/// What the token says, if it proves this client; else why not, in a word for the audit trail. Nothing for a client that did not
/// register by UDAP. That the token is used once is the caller's to see to.
///
/// # Errors
/// The database.
pub(crate) async fn authenticate(
    auth: &Auth,
    client: &Client,
    token: &str,
) -> Result<Option<Result<Claims, &'static str>>, DbError> {
    let Some((community, issuer)) = queries::origin(&mut auth.db().read().await?, client.id).await? else {
        return Ok(None);
    };
    let Some(community) = auth.config().udap.find(Some(&community)) else {
        return Ok(Some(Err("community_unknown")));
    };
    let token_endpoint = format!("{}/token", auth.issuer());
    let expect = ExpectAssertion {
        client: client.client_id.as_str(),
        audiences: &[&token_endpoint],
        audience_form: AudienceForm::TextOrList,
        jku: None,
        life_max_s: STATEMENT_LIFE_S_MAX,
        now: auth.world().now(),
        leeway_s: LEEWAY_S,
    };
    let judged = Chained::read(token, &ALGORITHMS).map_err(ChainedFault::Token);
    let judged = judged.and_then(|chained| {
        let (claims, signer) = chained.verify(&community.anchors, &expect)?;
        Ok((claims, signer.uris().contains(&issuer)))
    });
    Ok(Some(match judged {
        Ok((claims, true)) if claims.issued_at.is_some() => Ok(claims),
        Ok((_, true)) => Err("assertion_claim"),
        Ok((_, false)) => Err("certificate_of_another"),
        Err(why) => {
            tracing::info!(%why, client = %client.client_id.as_str(), "an authentication token is not good");
            Err("assertion_not_good")
        }
    }))
}
