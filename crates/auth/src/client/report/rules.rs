//! The rules.

use std::time::Duration;

use crypto::jose::Algorithm;

use super::{
    Rule, Seen, Verdict,
    Verdict::{Advice, Broken, Kept, NotForIt},
};
use crate::client::{AuthMethod, Client, Confidentiality, GrantType, Profile};

/// The age at which a secret should be replaced.
const SECRET_AGE: Duration = Duration::from_hours(24 * 365);
/// How long a secret may lie unused.
const SECRET_IDLE: Duration = Duration::from_hours(24 * 90);
/// How old a registration is before scopes that nobody was asked for count as unused.
const SCOPES_SETTLE: Duration = Duration::from_hours(24 * 30);
/// So many wrong secrets are no typing mistake.
const WRONG_SECRETS: usize = 3;
/// The life of an access token that RFC 9700 would call short, in seconds.
const SHORT_LIFE_S: u32 = 3_600;

/// Every rule, in the order of a report.
pub const RULES: &[Rule] = &[
    Rule {
        id: "redirect.encrypted",
        asks: "Authorization answers go to https addresses, or to an application on the person's device.",
        spec: "RFC 9700 §2.6, FAPI 2.0 §5.3.2.2",
        why: "A code that crosses a network in the clear can be taken on the way.",
        mend: "Register the https address. Keep http on loopback for trying things out, in an application of its own.",
        judge: |client, _, _| {
            let is_plain = |uri: &str| uri.starts_with("http://");
            let strict = client.profile == Profile::Fapi2;
            match client.redirect_uris.iter().any(|uri| is_plain(uri.as_str())) {
                _ if client.redirect_uris.is_empty() => NotForIt,
                true if strict => Broken,
                true if client.confidentiality == Confidentiality::Confidential => Advice,
                _ => Kept,
            }
        },
    },
    Rule {
        id: "redirect.scheme",
        asks: "A scheme of one's own is a domain name written backwards: org.example.diary:/",
        spec: "RFC 8252 §7.1",
        why: "Any application can claim a short scheme on a device, and would be sent the codes.",
        mend: "Use an https address that the operating system gives to your application, or a scheme made of a domain of yours.",
        judge: |client, _, _| {
            let own = |uri: &str| {
                uri.split_once(':')
                    .filter(|(scheme, _)| !matches!(*scheme, "http" | "https"))
                    .map(|(scheme, _)| scheme.contains('.'))
            };
            let schemes: Vec<bool> =
                client.redirect_uris.iter().filter_map(|uri| own(uri.as_str())).collect();
            match schemes.as_slice() {
                [] => NotForIt,
                all if all.iter().all(|has_domain| *has_domain) => Kept,
                _ => Advice,
            }
        },
    },
    Rule {
        id: "client.method",
        asks: "The application proves who it is in a way that its profile allows.",
        spec: "OAuth 2.1 §2.4, SMART App Launch 2.2 §2.2, FAPI 2.0 §5.3.2.1, UDAP",
        why: "A profile is only as strong as the proof of who calls.",
        mend: "Change the way to authenticate, or the profile.",
        judge: |client, _, _| kept_if(client.profile.auth_methods().contains(&client.auth_method)),
    },
    Rule {
        id: "client.asymmetric",
        asks: "An application that can keep a secret proves itself with a key.",
        spec: "RFC 9700 §2.5, SMART App Launch 2.2 §2.2.1",
        why: "A key never leaves the application; a secret crosses the network with every call and lies in two places.",
        mend: "Register a jwks_uri and private_key_jwt.",
        judge: |client, _, _| match (client.confidentiality, client.auth_method.has_secret()) {
            (Confidentiality::Public, _) => NotForIt,
            (Confidentiality::Confidential, true) => Advice,
            (Confidentiality::Confidential, false) => Kept,
        },
    },
    Rule {
        id: "client.reachable",
        asks: "The registration names somebody to ask.",
        spec: "RFC 7591 §2, UDAP Dynamic Client Registration §3",
        why: "When a key leaks or an address changes, somebody has to hear of it.",
        mend: "Add an e-mail address of the team as a contact.",
        judge: |client, _, _| match (client.metadata.contacts.is_empty(), client.profile) {
            (false, _) => Kept,
            (true, Profile::Udap) => Broken,
            (true, _) => Advice,
        },
    },
    Rule {
        id: "client.profile",
        asks: "The application keeps to a profile of today.",
        spec: "RFC 9700, draft OAuth 2.1",
        why: "The profile legacy leaves out protections for applications that cannot have them.",
        mend: "Turn PKCE on, then change the profile to oauth21.",
        judge: |client, _, _| if client.profile == Profile::Legacy { Advice } else { Kept },
    },
    Rule {
        id: "client.token_by_get",
        asks: "Tokens are asked for by POST.",
        spec: "RFC 6749 §3.2",
        why: "What asks by GET is stored and sent again by machines on the way.",
        mend: "Change the call to POST and take the exception away.",
        judge: |client, _, _| if client.metadata.token_by_get { Broken } else { NotForIt },
    },
    Rule {
        id: "secret.there",
        asks: "An application that proves itself with a secret has one.",
        spec: "RFC 6749 §2.3.1",
        why: "Without one it cannot get a token.",
        mend: "Add a secret and put it into use.",
        judge: |client, seen, _| with_secret(client, || kept_if(!seen.secrets.is_empty())),
    },
    Rule {
        id: "secret.age",
        asks: "No secret is older than a year.",
        spec: "RFC 6819 §5.1.5.3, OWASP ASVS 5.0 §13.3.4",
        why: "The longer a secret lives, the more copies of it there are.",
        mend: "Add a secret, put it into use, and end the old one when it is not used any more. Both work meanwhile.",
        judge: |client, seen, now| {
            with_secret(client, || {
                advise_if(
                    seen.secrets.iter().any(|secret| {
                        secret.expires_at.is_none() && now.since(secret.created_at) > SECRET_AGE
                    }),
                )
            })
        },
    },
    Rule {
        id: "secret.unused",
        asks: "No secret lies about that nobody uses.",
        spec: "OWASP ASVS 5.0 §13.3.4",
        why: "A forgotten copy opens the same door.",
        mend: "End the secrets that were not used for three months.",
        judge: |client, seen, now| {
            with_secret(client, || {
                advise_if(
                    seen.secrets.iter().any(|secret| {
                        now.since(secret.last_used_at.unwrap_or(secret.created_at)) > SECRET_IDLE
                    }),
                )
            })
        },
    },
    Rule {
        id: "secret.right",
        asks: "Requests come with a secret that is good.",
        spec: "RFC 9700 §2.5",
        why: "Wrong secrets mean that a part of the application still has an old one, or that somebody tries.",
        mend: "Find what sends them in the list of failed requests, and bring it the new secret.",
        judge: |client, seen, _| {
            with_secret(client, || advise_if(times(seen, "wrong_secret") >= WRONG_SECRETS))
        },
    },
    Rule {
        id: "keys.hosted",
        asks: "Keys are registered by their address.",
        spec: "SMART App Launch 2.2 §2.2.2, OpenID Connect Core §10.1.1",
        why: "Keys behind an address can be replaced at any hour without asking anybody.",
        mend: "Host the JWK set and register jwks_uri in place of jwks.",
        judge: |client, _, _| match (
            client.auth_method.has_keys(),
            &client.metadata.jwks_uri,
            &client.metadata.jwks,
        ) {
            (false, _, _) => NotForIt,
            (true, Some(_), _) => Kept,
            (true, None, Some(_)) => Advice,
            (true, None, None) => Broken,
        },
    },
    Rule {
        id: "keys.algorithm",
        asks: "Assertions are signed with an algorithm of the profile.",
        spec: "SMART App Launch 2.2 §2.2.3, FAPI 2.0 §5.4.1, UDAP JWT-Based Client Authentication",
        why: "An assertion with another algorithm is refused.",
        mend: "Register one of the profile's algorithms, or none.",
        judge: |client, _, _| match (client.auth_method, client.metadata.token_endpoint_auth_signing_alg) {
            (AuthMethod::PrivateKeyJwt, Some(alg)) => {
                kept_if(client.profile.assertion_algorithms().contains(&alg))
            }
            _ => NotForIt,
        },
    },
    Rule {
        id: "token.life",
        asks: "Access tokens live no longer than the profile says.",
        spec: "SMART Backend Services §2.3.6, RFC 9700 §2.2.2",
        why: "A stolen token is good for as long as it lives.",
        mend: "Shorten the life of access tokens; refresh, or ask again.",
        judge: |client, _, _| match client.token_lifetime_s {
            life if life > client.profile.token_lifetime_s_max() => Broken,
            life if life > SHORT_LIFE_S => Advice,
            _ => Kept,
        },
    },
    Rule {
        id: "token.bound",
        asks: "Tokens are bound to a key of the application.",
        spec: "FAPI 2.0 §5.3.2.1, RFC 9449, RFC 8705",
        why: "A bound token is of no use to a thief.",
        mend: "Register dpop_bound_access_tokens or tls_client_certificate_bound_access_tokens.",
        judge: |client, _, _| {
            let is_bound = client.metadata.dpop_bound_access_tokens
                || client.metadata.tls_client_certificate_bound_access_tokens;
            if client.profile.requires_sender_constraint() {
                kept_if(is_bound)
            } else if is_bound {
                Kept
            } else {
                NotForIt
            }
        },
    },
    Rule {
        id: "id_token.algorithm",
        asks: "ID tokens are signed as the profile says.",
        spec: "SMART App Launch 2.2 §2.0.12, FAPI 2.0 §5.4.1",
        why: "Clients of the profile must be able to count on it.",
        mend: "Leave id_token_signed_response_alg out: the profile decides then.",
        judge: |client, _, _| match (client.profile, client.metadata.id_token_signed_response_alg) {
            (_, None) => NotForIt,
            (Profile::SmartAppLaunch | Profile::SmartBackend, Some(alg)) => kept_if(alg == Algorithm::Rs256),
            (Profile::Fapi2, Some(alg)) => kept_if(matches!(alg, Algorithm::Es256 | Algorithm::EdDsa)),
            (_, Some(_)) => Kept,
        },
    },
    Rule {
        id: "grant.profile",
        asks: "The ways to a token are those of the profile.",
        spec: "OAuth 2.1 §4, FAPI 2.0 §5.3.2.1",
        why: "What a profile leaves out has been a way in.",
        mend: "Take the grant types away that the profile does not name.",
        judge: |client, _, _| {
            kept_if(client.grant_types.iter().all(|grant| client.profile.grant_types().contains(grant)))
        },
    },
    Rule {
        id: "pkce.s256",
        asks: "Every authorization request carries a code_challenge with S256.",
        spec: "RFC 9700 §2.1.1, RFC 7636 §4.2",
        why: "PKCE ties the code to whoever asked for it.",
        mend: "Turn PKCE with S256 on in the library, for every sign-in.",
        judge: |client, seen, _| {
            let without = times(seen, "code_challenge is missing: PKCE is required")
                + times(seen, "code_challenge_method must be S256");
            if !client.may_use(GrantType::AuthorizationCode) { NotForIt } else { kept_if(without == 0) }
        },
    },
    Rule {
        id: "redirect.registered",
        asks: "Requests name a registered redirect URI.",
        spec: "RFC 9700 §2.1",
        why: "A request to another address never reaches the person; somebody may be trying to lead codes away.",
        mend: "Register the address, or find what sends it.",
        judge: |client, seen, _| {
            if client.redirect_uris.is_empty() {
                NotForIt
            } else {
                advise_if(times(seen, "redirect_uri_not_registered") > 0)
            }
        },
    },
    Rule {
        id: "scope.refresh",
        asks: "Who asks for offline_access may use refresh tokens.",
        spec: "SMART App Launch 2.2 §2.0.10, OpenID Connect Core §11",
        why: "A person would allow access that the application cannot use.",
        mend: "Add the grant type refresh_token, or take offline_access away.",
        judge: |client, _, _| {
            if client.scopes.has("offline_access") {
                kept_if(client.may_use(GrantType::RefreshToken))
            } else {
                NotForIt
            }
        },
    },
    Rule {
        id: "scope.identity",
        asks: "fhirUser, profile, email, address and phone go with openid.",
        spec: "OpenID Connect Core §5.4, SMART App Launch 2.2 §3.0.6",
        why: "They are told in the ID token and at userinfo, which there are with openid only.",
        mend: "Add openid.",
        judge: |client, _, _| {
            let asks = ["fhirUser", "profile", "email", "address", "phone"]
                .iter()
                .any(|scope| client.scopes.has(scope));
            if asks { kept_if(client.scopes.has("openid")) } else { NotForIt }
        },
    },
    Rule {
        id: "scope.least",
        asks: "Scopes are as narrow as the work needs: no wildcard.",
        spec: "RFC 9700 §2.3, SMART App Launch 2.2 §3.0.2",
        why: "A stolen token opens all that it names, and people refuse what asks for everything.",
        mend: "Name the resources, and narrow them by category.",
        judge: |client, _, _| {
            let is_fhir = |scope: &str| {
                scope.starts_with("patient/") || scope.starts_with("user/") || scope.starts_with("system/")
            };
            let mut fhir = client.scopes.iter().filter(|scope| is_fhir(scope.as_str())).peekable();
            if fhir.peek().is_none() {
                NotForIt
            } else {
                advise_if(fhir.any(|scope| scope.as_str().contains("/*.")))
            }
        },
    },
    Rule {
        id: "scope.used",
        asks: "Every registered scope is used.",
        spec: "RFC 9700 §2.3",
        why: "What is never asked for is only there for whoever takes the application over.",
        mend: "Take away the scopes that no grant holds.",
        judge: |client, seen, now| {
            let is_settled = now.since(client.created_at) > SCOPES_SETTLE;
            let by_people = !client.may_use(GrantType::ClientCredentials) && !seen.scopes_granted.is_empty();
            if by_people && is_settled {
                advise_if(!client.scopes.is_within(&seen.scopes_granted))
            } else {
                NotForIt
            }
        },
    },
    Rule {
        id: "smart.launch_url",
        asks: "An application that is launched from a clinical system names its launch URL.",
        spec: "SMART App Launch 2.2 §2.0.5",
        why: "The clinical system has to know where to send the browser.",
        mend: "Register the launch URL (initiate_login_uri).",
        judge: |client, _, _| {
            if client.scopes.has("launch") {
                kept_if(client.metadata.initiate_login_uri.is_some())
            } else {
                NotForIt
            }
        },
    },
    Rule {
        id: "smart.system_scopes",
        asks: "A backend service asks for system scopes only.",
        spec: "SMART Backend Services §2.3.4",
        why: "Nobody is there to give it others.",
        mend: "Take away scopes that do not begin with system/.",
        judge: |client, _, _| {
            let is_system = |scope: &str| scope.starts_with("system/");
            if client.profile == Profile::SmartBackend {
                advise_if(!client.scopes.iter().all(|scope| is_system(scope.as_str())))
            } else {
                NotForIt
            }
        },
    },
    Rule {
        id: "logout.backchannel",
        asks: "An application that signs people in hears when they sign out.",
        spec: "OpenID Connect Back-Channel Logout §2.2",
        why: "On a shared computer the next person would find the last one's session.",
        mend: "Register a back-channel logout URI.",
        judge: |client, _, _| {
            let signs_in = client.scopes.has("openid")
                && client.may_use(GrantType::AuthorizationCode)
                && client.confidentiality == Confidentiality::Confidential;
            if signs_in { advise_if(client.metadata.backchannel_logout_uri.is_none()) } else { NotForIt }
        },
    },
];

fn kept_if(is_kept: bool) -> Verdict {
    if is_kept { Kept } else { Broken }
}

fn advise_if(is_better_otherwise: bool) -> Verdict {
    if is_better_otherwise { Advice } else { Kept }
}

fn with_secret(client: &Client, judge: impl FnOnce() -> Verdict) -> Verdict {
    if client.auth_method.has_secret() { judge() } else { NotForIt }
}

fn times(seen: &Seen, why: &str) -> usize {
    seen.refused.iter().filter(|(reason, _)| reason == why).map(|(_, times)| times).sum()
}
