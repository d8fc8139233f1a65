//! Security profiles: what a client must do and may have. The specifications contradict one another on the audience of
//! assertions, PKCE, algorithms, rotation and lifetimes; the client's profile decides, never the server as a whole.
//!
//! OAuth 2.1 (draft), RFC 9700 · SMART App Launch 2.2 · SMART Backend Services · FAPI 2.0 Security Profile · UDAP (FAST)

use crypto::jose::Algorithm;

use super::{AuthMethod, GrantType, TOKEN_LIFETIME_S_MAX};
use crate::row::text_column;

/// A set of rules that a client is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum Profile {
    /// OAuth 2.1 and the best current practice (RFC 9700): what an application gets that asks for nothing else.
    #[default]
    OAuth21,
    /// An application that people use with health records: SMART App Launch 2.2.
    SmartAppLaunch,
    /// A system that works on health records by itself: SMART Backend Services.
    SmartBackend,
    /// FAPI 2.0 Security Profile.
    Fapi2,
    /// UDAP / HL7 FAST security: certificates and trust communities.
    Udap,
    /// An application that cannot do what the others ask for; an administrator has to agree.
    Legacy,
}

/// Whom a client assertion has to name as its audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The token endpoint's URL (SMART App Launch 2.2 §2.2.3, UDAP JWT-Based Client Authentication).
    TokenEndpoint,
    /// The issuer, as a text and not as a list (FAPI 2.0 §5.3.2.1).
    IssuerAlone,
    /// The issuer, or the URL of the endpoint that is called (RFC 7523 §3, RFC 9126 §2).
    IssuerOrEndpoint,
}

/// Whether a code must be bound to whoever asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkce {
    /// Every code.
    Always,
    /// Every code of a public client; a confidential one may leave it out.
    OfPublicClients,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::OAuth21, Self::SmartAppLaunch, Self::SmartBackend, Self::Fapi2, Self::Udap, Self::Legacy];

    /// The word for it in the database, in forms and in declarations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OAuth21 => "oauth21",
            Self::SmartAppLaunch => "smart-app-launch-2.2",
            Self::SmartBackend => "smart-backend",
            Self::Fapi2 => "fapi2",
            Self::Udap => "udap",
            Self::Legacy => "legacy",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == text)
    }

    /// The ways in which its clients may prove who they are.
    pub const fn auth_methods(self) -> &'static [AuthMethod] {
        use AuthMethod::{
            ClientSecretBasic, ClientSecretJwt, ClientSecretPost, None, PrivateKeyJwt,
            SelfSignedTlsClientAuth, TlsClientAuth,
        };
        match self {
            Self::OAuth21 | Self::Legacy => &AuthMethod::ALL,
            Self::SmartAppLaunch => {
                &[ClientSecretBasic, ClientSecretPost, ClientSecretJwt, PrivateKeyJwt, None]
            }
            Self::SmartBackend | Self::Udap => &[PrivateKeyJwt],
            Self::Fapi2 => &[PrivateKeyJwt, TlsClientAuth, SelfSignedTlsClientAuth],
        }
    }

    /// The grants that its clients may use.
    pub const fn grant_types(self) -> &'static [GrantType] {
        use GrantType::{
            AuthorizationCode, ClientCredentials, DeviceCode, JwtBearer, RefreshToken, TokenExchange,
        };
        match self {
            Self::OAuth21 | Self::Legacy => &GrantType::ALL,
            Self::SmartAppLaunch => &[AuthorizationCode, RefreshToken, DeviceCode, TokenExchange],
            Self::SmartBackend => &[ClientCredentials],
            Self::Fapi2 => &[AuthorizationCode, RefreshToken, ClientCredentials, JwtBearer, TokenExchange],
            Self::Udap => &[AuthorizationCode, RefreshToken, ClientCredentials],
        }
    }

    /// Whom assertions have to name.
    pub const fn assertion_audience(self) -> AssertionAudience {
        match self {
            Self::SmartAppLaunch | Self::SmartBackend | Self::Udap => AssertionAudience::TokenEndpoint,
            Self::Fapi2 => AssertionAudience::IssuerAlone,
            Self::OAuth21 | Self::Legacy => AssertionAudience::IssuerOrEndpoint,
        }
    }

    /// With what assertions may be signed. RS512 is what the NHS asks of its suppliers; FAPI 2.0 §5.4.1 refuses the padding
    /// of PKCS #1 v1.5.
    pub const fn assertion_algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::Fapi2 => &[Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa],
            Self::SmartAppLaunch | Self::SmartBackend => {
                &[Algorithm::Rs384, Algorithm::Es384, Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa]
            }
            Self::Udap => &[Algorithm::Rs256, Algorithm::Es256, Algorithm::Rs384, Algorithm::Es384],
            Self::OAuth21 | Self::Legacy => &Algorithm::ALL,
        }
    }

    /// With what ID tokens are signed where the registration names nothing. SMART App Launch 2.2 §2.0.12 demands RS256,
    /// FAPI 2.0 refuses it.
    pub const fn id_token_algorithm(self) -> Algorithm {
        match self {
            Self::SmartAppLaunch | Self::SmartBackend | Self::Udap | Self::Legacy => Algorithm::Rs256,
            Self::OAuth21 | Self::Fapi2 => Algorithm::Es256,
        }
    }

    /// Which codes need PKCE, with S256.
    pub const fn pkce(self) -> Pkce {
        match self {
            Self::Legacy => Pkce::OfPublicClients,
            _ => Pkce::Always,
        }
    }

    /// Whether authorization requests have to be pushed (RFC 9126; FAPI 2.0 §5.3.2.2).
    pub const fn requires_par(self) -> bool {
        matches!(self, Self::Fapi2)
    }

    /// Whether tokens must be bound to a key of the client's (DPoP or mTLS; FAPI 2.0 §5.3.2.1).
    pub const fn requires_sender_constraint(self) -> bool {
        matches!(self, Self::Fapi2)
    }

    /// Whether a refresh token is replaced at each use. FAPI 2.0 §5.3.2.1 asks servers not to: its tokens are bound to a key.
    pub const fn rotates_refresh_tokens(self) -> bool {
        !matches!(self, Self::Fapi2)
    }

    /// Whether `aud` must name the FHIR server that the token is for (SMART App Launch 2.2 §2.0.7).
    pub const fn requires_aud(self) -> bool {
        matches!(self, Self::SmartAppLaunch)
    }

    /// How long its access tokens may live at the most, in seconds: SMART Backend Services §2.3.6 says five minutes, UDAP an hour.
    pub const fn token_lifetime_s_max(self) -> u32 {
        match self {
            Self::SmartBackend => 300,
            Self::Udap | Self::Fapi2 | Self::SmartAppLaunch => 3_600,
            Self::OAuth21 | Self::Legacy => TOKEN_LIFETIME_S_MAX,
        }
    }
}

text_column!(Profile, "a security profile", Profile::parse);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_its_word_and_some_way_in() {
        for profile in Profile::ALL {
            assert_eq!(Profile::parse(profile.as_str()), Some(profile));
            assert!(!profile.auth_methods().is_empty() && !profile.grant_types().is_empty());
            assert!(!profile.assertion_algorithms().is_empty());
        }
        assert_eq!(Profile::parse("fapi"), None);
    }

    #[test]
    fn where_the_profiles_contradict_one_another() {
        use AssertionAudience::{IssuerAlone, IssuerOrEndpoint, TokenEndpoint};
        for (profile, audience, id_token, rotates, life_s) in [
            (Profile::OAuth21, IssuerOrEndpoint, Algorithm::Es256, true, 86_400),
            (Profile::SmartAppLaunch, TokenEndpoint, Algorithm::Rs256, true, 3_600),
            (Profile::SmartBackend, TokenEndpoint, Algorithm::Rs256, true, 300),
            (Profile::Fapi2, IssuerAlone, Algorithm::Es256, false, 3_600),
            (Profile::Udap, TokenEndpoint, Algorithm::Rs256, true, 3_600),
            (Profile::Legacy, IssuerOrEndpoint, Algorithm::Rs256, true, 86_400),
        ] {
            assert_eq!(profile.assertion_audience(), audience, "{profile:?}");
            assert_eq!(profile.id_token_algorithm(), id_token, "{profile:?}");
            assert_eq!(profile.rotates_refresh_tokens(), rotates, "{profile:?}");
            assert_eq!(profile.token_lifetime_s_max(), life_s, "{profile:?}");
        }
        assert!(!Profile::Fapi2.assertion_algorithms().contains(&Algorithm::Rs256));
        assert!(Profile::SmartBackend.assertion_algorithms().contains(&Algorithm::Rs384));
        assert!(Profile::OAuth21.assertion_algorithms().contains(&Algorithm::Rs512));
    }
}
