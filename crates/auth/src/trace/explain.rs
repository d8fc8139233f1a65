//! What was wrong with a refused request, what would have been right, and how to mend it.

/// A refusal in words for a developer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What we got.
    pub got: &'static str,
    /// What would have been right.
    pub expected: &'static str,
    /// What to do.
    pub mend: &'static str,
    /// Where that is written.
    pub spec: &'static str,
}

/// Reasons and their explanations. A reason that is missing here is explained by its error.
const REASONS: &[(&str, Explanation)] = &[
    (
        "wrong_secret",
        Explanation {
            got: "a secret that is not one of the application's live secrets",
            expected: "one of its live secrets",
            mend: "Look whether the secret was replaced or has ended, and put the new one into use everywhere the application runs. If nobody of yours sent this, somebody tries secrets: replace yours.",
            spec: "RFC 6749 §2.3.1",
        },
    ),
    (
        "no_secret",
        Explanation {
            got: "no proof of who calls",
            expected: "the application's secret, in the Authorization header or in the form",
            mend: "Send the secret with every call to this endpoint. Many libraries need to be told that the client is confidential.",
            spec: "RFC 6749 §2.3.1",
        },
    ),
    (
        "secret_of_public_client",
        Explanation {
            got: "a secret",
            expected: "the client id alone: the application is registered as public",
            mend: "Send no client_secret and no Authorization header. If it runs on a server, register it as confidential.",
            spec: "RFC 6749 §2.1",
        },
    ),
    (
        "another_method_is_registered",
        Explanation {
            got: "another way to authenticate than the registered one",
            expected: "the way that the application is registered for",
            mend: "Change the registration, or set the library's token_endpoint_auth_method to what is registered.",
            spec: "RFC 7591 §2",
        },
    ),
    (
        "client_disabled",
        Explanation {
            got: "a request of an application that is switched off",
            expected: "an application that is switched on",
            mend: "Ask an administrator why it was switched off.",
            spec: "RFC 6749 §5.2",
        },
    ),
    (
        "a public client asked to introspect",
        Explanation {
            got: "a public application that asks about tokens",
            expected: "a caller that proves who it is",
            mend: "Ask from a server, as a confidential application.",
            spec: "RFC 7662 §2.1",
        },
    ),
    (
        "unknown",
        Explanation {
            got: "a code or refresh token that is not known here",
            expected: "one that this server has issued",
            mend: "Send it exactly as it came, decoded once, and to the deployment that issued it.",
            spec: "RFC 6749 §5.2",
        },
    ),
    (
        "expired",
        Explanation {
            got: "a code or refresh token whose time is over",
            expected: "a code within a minute, a refresh token before its grant ends",
            mend: "Redeem a code as soon as it arrives. When a refresh token has ended, send the person to sign in again.",
            spec: "RFC 6749 §4.1.2",
        },
    ),
    (
        "replayed",
        Explanation {
            got: "a code or refresh token that was used before",
            expected: "one use of each; we have ended the grant, because a copy may be in wrong hands",
            mend: "Keep the newest refresh token only, and let one process of yours refresh at a time. Do not redeem a code twice when the page is loaded again.",
            spec: "RFC 9700 §4.14.2",
        },
    ),
    (
        "another_client",
        Explanation {
            got: "a code or token of another application",
            expected: "one that was issued to this application",
            mend: "Use the same client id for the whole flow. If you run several applications, keep their tokens apart.",
            spec: "RFC 6749 §4.1.3",
        },
    ),
    (
        "another_redirect_uri",
        Explanation {
            got: "a redirect_uri that is not the one of the authorization request",
            expected: "the same redirect_uri, character by character",
            mend: "Send in the token request the redirect_uri that you sent the browser away with.",
            spec: "RFC 6749 §4.1.3",
        },
    ),
    (
        "another_connection",
        Explanation {
            got: "a code or refresh token that came through another connection, or through none",
            expected: "the secret of the connection whose redirect URI the code was sent to; the application's own secret for its own redirect URIs",
            mend: "Keep redirect URI and secret of a connection together, and look whether the connection was deleted or redirects elsewhere now.",
            spec: "RFC 6749 §4.1.3",
        },
    ),
    (
        "secret_of_connection",
        Explanation {
            got: "the secret of a connection",
            expected: "the application's own secret: this endpoint is no part of the code flow",
            mend: "Use a connection's secret to redeem codes, to refresh, to push authorization requests and to revoke, and the application's own for the rest.",
            spec: "RFC 6749 §2.3.1",
        },
    ),
    (
        "wrong_verifier",
        Explanation {
            got: "a code_verifier that does not fit the code_challenge",
            expected: "the verifier whose SHA-256 was sent as code_challenge",
            mend: "Keep the verifier with the state of the sign-in that it belongs to: two tabs need two. Hash its text, and encode without padding.",
            spec: "RFC 7636 §4.6",
        },
    ),
    (
        "another_key",
        Explanation {
            got: "a proof with another key than the token is bound to",
            expected: "the key that the grant was bound to",
            mend: "Keep the DPoP key or the certificate as long as the tokens that are bound to it.",
            spec: "RFC 9449 §5",
        },
    ),
    (
        "signed_out",
        Explanation {
            got: "a grant whose session has ended: the person has signed out",
            expected: "a live session, or a grant with offline_access",
            mend: "Send the person to sign in again. To go on while they are away, ask for offline_access.",
            spec: "OpenID Connect Core §11",
        },
    ),
    (
        "person_disabled",
        Explanation {
            got: "a grant of somebody whose account is closed",
            expected: "a live account",
            mend: "Forget the tokens of this person.",
            spec: "RFC 6749 §5.2",
        },
    ),
    (
        "redirect_uri_not_registered",
        Explanation {
            got: "a redirect_uri that is not registered, or none",
            expected: "one of the registered redirect URIs, character by character",
            mend: "Compare with the registration: the scheme, a slash at the end, the port and the query all count.",
            spec: "RFC 9700 §2.1",
        },
    ),
    (
        "code_challenge is missing: PKCE is required",
        Explanation {
            got: "no code_challenge",
            expected: "code_challenge, and code_challenge_method=S256",
            mend: "Turn PKCE on in the library.",
            spec: "RFC 9700 §2.1.1",
        },
    ),
    (
        "code_challenge_method must be S256",
        Explanation {
            got: "code_challenge_method that is missing or not S256",
            expected: "code_challenge_method=S256",
            mend: "Set the method to S256; plain protects from nothing.",
            spec: "RFC 7636 §4.2",
        },
    ),
    (
        "scope is malformed",
        Explanation {
            got: "a scope that cannot be read",
            expected: "scopes separated by single spaces, without quotes",
            mend: "Join the scopes with spaces, and encode the parameter once.",
            spec: "RFC 6749 §3.3",
        },
    ),
    (
        "more than was granted",
        Explanation {
            got: "a scope that the grant does not hold",
            expected: "scopes within those that were granted",
            mend: "Leave scope out when refreshing, or name fewer. For more, send the person through the authorization endpoint.",
            spec: "RFC 6749 §6",
        },
    ),
    (
        "the client is registered for none of these scopes",
        Explanation {
            got: "scopes that the application is not registered for",
            expected: "at least one of its registered scopes",
            mend: "Add the scopes to the registration, or ask for those that are there.",
            spec: "RFC 6749 §3.3",
        },
    ),
    (
        "the client can have none of these on its own behalf",
        Explanation {
            got: "scopes that only a person can give",
            expected: "registered scopes such as system/…, without openid or patient/…",
            mend: "With client_credentials ask for scopes of the application's own.",
            spec: "RFC 6749 §4.4",
        },
    ),
    (
        "parameters belong in the body, never in the URL",
        Explanation {
            got: "parameters in the address",
            expected: "a form in the body, and nothing behind the path",
            mend: "POST the parameters as application/x-www-form-urlencoded. What stands in an address ends in logs.",
            spec: "RFC 6749 §2.3.1",
        },
    ),
    (
        "not_a_form",
        Explanation {
            got: "a body of another type",
            expected: "application/x-www-form-urlencoded",
            mend: "Send a form, not JSON.",
            spec: "RFC 6749 §4.1.3",
        },
    ),
    (
        "too_many_requests",
        Explanation {
            got: "more requests than are allowed in a minute",
            expected: "a wait as long as Retry-After says",
            mend: "Keep tokens until they end instead of asking for one before each call.",
            spec: "RFC 6585 §4",
        },
    ),
];

/// What is said of an error whose reason is not in the table: the reason itself is in words.
const ERRORS: &[(&str, Explanation)] = &[
    (
        "invalid_client",
        Explanation {
            got: "a proof of who calls that does not hold",
            expected: "the application's registered way to authenticate",
            mend: "Compare client id and way to authenticate with the registration.",
            spec: "RFC 6749 §5.2",
        },
    ),
    (
        "invalid_grant",
        Explanation {
            got: "a grant that is not good",
            expected: "a code, token or assertion that is live and this application's",
            mend: "Begin the flow again.",
            spec: "RFC 6749 §5.2",
        },
    ),
    (
        "unauthorized_client",
        Explanation {
            got: "a way to a token that the application is not registered for",
            expected: "one of its registered grant types",
            mend: "Add the grant type to the registration, if it fits the security profile.",
            spec: "RFC 6749 §5.2",
        },
    ),
    (
        "unsupported_grant_type",
        Explanation {
            got: "a grant_type that is not offered",
            expected: "one of grant_types_supported in the discovery document",
            mend: "Compare with /.well-known/openid-configuration.",
            spec: "RFC 6749 §5.2",
        },
    ),
    (
        "invalid_scope",
        Explanation {
            got: "scopes that cannot be given",
            expected: "scopes that are known here and registered for the application",
            mend: "Compare with the registration and with scopes_supported.",
            spec: "RFC 6749 §3.3",
        },
    ),
    (
        "invalid_target",
        Explanation {
            got: "a resource that is not known here",
            expected: "the address of an API that tokens are made for",
            mend: "Use the resource as the API's own metadata gives it.",
            spec: "RFC 8707 §2",
        },
    ),
    (
        "invalid_dpop_proof",
        Explanation {
            got: "a DPoP proof that does not hold",
            expected: "a fresh proof for this method and address, signed with the key it carries",
            mend: "Look at the clock, at htm and htu, and use each proof once.",
            spec: "RFC 9449 §4.3",
        },
    ),
    (
        "use_dpop_nonce",
        Explanation {
            got: "a DPoP proof without the server's nonce",
            expected: "the nonce of the last answer's DPoP-Nonce header",
            mend: "Try again with that nonce; libraries do so by themselves when they are told to.",
            spec: "RFC 9449 §8",
        },
    ),
    (
        "access_denied",
        Explanation {
            got: "a request that the person refused",
            expected: "an agreement",
            mend: "Tell the person what the access is for, and let them begin again.",
            spec: "RFC 6749 §4.1.2.1",
        },
    ),
];

const OTHERWISE: Explanation = Explanation {
    got: "a request that cannot be read",
    expected: "each parameter once, each as the specification writes it",
    mend: "Look at the parameters that the library sends; the reason says which.",
    spec: "RFC 6749 §5.2",
};

/// What was wrong, what would be right and how to mend it.
pub fn explain(error: &str, why: &str) -> Explanation {
    let found = |table: &[(&str, Explanation)], key: &str| {
        table.iter().find(|(known, _)| *known == key).map(|(_, explanation)| *explanation)
    };
    found(REASONS, why).or_else(|| found(ERRORS, error)).unwrap_or(OTHERWISE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_explained_by_itself_else_by_its_error() {
        assert_eq!(explain("invalid_grant", "wrong_verifier").spec, "RFC 7636 §4.6");
        assert_eq!(explain("invalid_grant", "a new reason").mend, "Begin the flow again.");
        assert_eq!(explain("made_up", "made_up"), OTHERWISE);
    }

    #[test]
    fn every_reason_says_what_to_do_and_where_it_is_written() {
        for (reason, explanation) in REASONS.iter().chain(ERRORS) {
            assert!(explanation.mend.ends_with('.') && explanation.mend.len() > 15, "{reason}");
            assert!(!explanation.got.ends_with('.') && !explanation.expected.ends_with('.'), "{reason}");
            assert!(explanation.spec.contains('§'), "{reason}");
        }
        let mut reasons: Vec<&str> = REASONS.iter().map(|(reason, _)| *reason).collect();
        reasons.sort_unstable();
        let all = reasons.len();
        reasons.dedup();
        assert_eq!(reasons.len(), all);
    }
}
