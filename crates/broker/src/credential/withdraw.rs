//! What is sent to end a grant, in the provider's way.  RFC 7009 §2.1

mod sign;

use http::{HeaderValue, Method, header};
use kernel::{Secret, World};
use url::Url;

use super::{
    CredentialFault, Tokens,
    ask::{ClientProof, Grant, TokenRequest, sensitive},
};
use crate::{
    integration::{Integration, IntegrationFault},
    provider::{ClientAuthentication, OAuth2Code, Revoke, RevokeClientAuth, RevokeHow, RevokeToken},
};
use outbound::Call;

pub(super) use sign::Signed;

/// What ends a grant.
pub(super) enum Withdrawal<'a> {
    /// Calls, in order.
    Calls(Vec<Call>),
    /// A nonce, and a call that is signed over it.
    Signed(Signed<'a>),
}

/// What ends the grant in the provider's way.
pub(super) fn written<'a>(
    world: &World,
    integration: &Integration,
    code: &'a OAuth2Code,
    revoke: &'a Revoke,
    proof: &'a ClientProof,
    tokens: &'a Tokens,
) -> Result<Withdrawal<'a>, CredentialFault> {
    let account = tokens.account_id.as_ref().map(|id| id.expose().clone()).unwrap_or_default();
    let settings = integration.settings.clone().with("account_id", account);
    let url = revoke.url.fill(&settings).map_err(IntegrationFault::from)?;
    let method = Method::from_bytes(revoke.method.as_bytes())
        .map_err(|_| IntegrationFault::Catalogue("revoke.method"))?;
    match &revoke.how {
        RevokeHow::Rfc7009 { token, client_auth } => {
            let authentication = authentication(*client_auth, code);
            let mut calls = Vec::new();
            for (secret, hint) in named(*token, tokens) {
                let grant = Grant::Revoke { token: secret, hint };
                let authentication = authentication.clone();
                let request = TokenRequest { code, settings: &settings, proof, authentication, grant };
                let mut call = request.write(world, url.clone())?;
                call.method = method.clone();
                calls.push(call);
            }
            Ok(Withdrawal::Calls(calls))
        }
        RevokeHow::Bearer => {
            let mut call = bare(method, url);
            call.headers
                .insert(header::AUTHORIZATION, sensitive(&format!("Bearer {}", tokens.access.expose()))?);
            Ok(Withdrawal::Calls(vec![call]))
        }
        RevokeHow::QueryToken { parameter } => {
            let mut url = url;
            url.query_pairs_mut().append_pair(parameter, tokens.access.expose());
            Ok(Withdrawal::Calls(vec![bare(method, url)]))
        }
        RevokeHow::WithingsSignature { nonce_url } => {
            let nonce_url = nonce_url.fill(&settings).map_err(IntegrationFault::from)?;
            Ok(Withdrawal::Signed(Signed::new(nonce_url, url, code, proof, tokens)?))
        }
    }
}

fn bare(method: Method, url: Url) -> Call {
    let mut call = Call::get(url);
    call.method = method;
    call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    call
}

fn authentication(kind: RevokeClientAuth, code: &OAuth2Code) -> Option<ClientAuthentication> {
    match kind {
        RevokeClientAuth::AsToken => Some(code.client_authentication()),
        RevokeClientAuth::Basic => Some(ClientAuthentication::Basic),
        RevokeClientAuth::Body => Some(ClientAuthentication::Body),
        RevokeClientAuth::None => None,
    }
}

fn named(which: RevokeToken, tokens: &Tokens) -> Vec<(&Secret<String>, &'static str)> {
    let access = (&tokens.access, "access_token");
    let refresh = tokens.refresh.as_ref().map(|token| (token, "refresh_token"));
    match which {
        RevokeToken::AccessToken => vec![access],
        RevokeToken::RefreshToken => vec![refresh.unwrap_or(access)],
        RevokeToken::Both => refresh.into_iter().chain([access]).collect(),
    }
}
