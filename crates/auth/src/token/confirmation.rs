//! The key that a token is bound to: whoever presents the token has to prove that they hold it.  RFC 7800 §3, RFC 9449 §6.1, RFC 8705 §3.1

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The `cnf` claim. At least one member is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confirmation {
    /// The thumbprint of a DPoP key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// The SHA-256 thumbprint of a TLS certificate.
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

impl Confirmation {
    /// Bound to a DPoP key.
    pub const fn dpop(thumbprint: String) -> Self {
        Self { jkt: Some(thumbprint), x5t_s256: None }
    }

    /// Bound to a TLS certificate.
    pub const fn certificate(thumbprint: String) -> Self {
        Self { jkt: None, x5t_s256: Some(thumbprint) }
    }

    /// What the answer calls a token that is bound like this.  RFC 9449 §5, RFC 6750 §4
    pub const fn token_type(bound: Option<&Self>) -> &'static str {
        match bound {
            Some(Self { jkt: Some(_), .. }) => "DPoP",
            Some(_) | None => "Bearer",
        }
    }

    /// Whether what a request has proven is enough for what is bound like this: every key that is bound is proven.
    pub fn is_met_by(&self, proven: Option<&Self>) -> bool {
        let Some(proven) = proven else { return false };
        let fits = |bound: &Option<String>, proven: &Option<String>| bound.is_none() || bound == proven;
        fits(&self.jkt, &proven.jkt) && fits(&self.x5t_s256, &proven.x5t_s256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_token_needs_its_own_key() {
        let (a, b) = (Confirmation::dpop("a".into()), Confirmation::dpop("b".into()));
        let certificate = Confirmation::certificate("a".into());
        let both = Confirmation { jkt: Some("a".into()), x5t_s256: Some("a".into()) };
        for (bound, proven, is_met) in [
            (&a, Some(&a), true),
            (&a, Some(&both), true),
            (&a, Some(&b), false),
            (&a, Some(&certificate), false),
            (&a, None, false),
            (&certificate, Some(&a), false),
            (&both, Some(&a), false),
            (&both, Some(&both), true),
        ] {
            assert_eq!(bound.is_met_by(proven), is_met, "{bound:?} {proven:?}");
        }
        assert_eq!(serde_json::to_string(&certificate).unwrap(), r#"{"x5t#S256":"a"}"#);
        assert_eq!(Confirmation::token_type(Some(&a)), "DPoP");
        assert_eq!(Confirmation::token_type(Some(&certificate)), "Bearer");
    }
}
