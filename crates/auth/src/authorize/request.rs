//! Reading an authorization request.  RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1

use std::collections::BTreeMap;

use crypto::pkce;
use kernel::Scopes;
use url::form_urlencoded;

use super::{Asked, AuthorizeFault, Prompt, QUERY_BYTES_MAX};
use crate::{
    client::{Client, ClientIdText, GrantType, TrustedRedirect},
    grant::Details,
    scope,
    smart::context::Wish,
};

/// How many parameters are read.
const PARAMETERS_MAX: usize = 40;

/// The parameters of a query. Those without a value count as left out (RFC 6749 §3.1).
pub(super) struct Parameters(BTreeMap<String, Vec<String>>);

/// Why a request is answered with an error, to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub error: &'static str,
    pub description: &'static str,
}

const fn refusal(error: &'static str, description: &'static str) -> Refusal {
    Refusal { error, description }
}

const fn invalid(description: &'static str) -> Refusal {
    refusal("invalid_request", description)
}

impl Parameters {
    pub(super) fn read(query: &str) -> Result<Self, AuthorizeFault> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(AuthorizeFault::Malformed("it is longer than 1700 characters"));
        }
        let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty()) {
            parameters.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        if parameters.len() > PARAMETERS_MAX {
            Err(AuthorizeFault::Malformed("it has too many parameters"))
        } else {
            Ok(Self(parameters))
        }
    }

    /// The one value of a parameter; none where it is left out or there more than once.
    fn one(&self, name: &str) -> Option<&str> {
        match self.0.get(name).map(Vec::as_slice) {
            Some([value]) => Some(value),
            _ => None,
        }
    }

    fn has_duplicates(&self) -> bool {
        self.0.values().any(|values| values.len() > 1)
    }

    /// Which client asks. Until it and its redirect URI are known, nothing is sent anywhere.
    pub(super) fn client_id(&self) -> Result<ClientIdText, AuthorizeFault> {
        self.one("client_id").and_then(|text| text.parse().ok()).ok_or(AuthorizeFault::UnknownClient)
    }

    pub(super) fn redirect(&self, client: &Client) -> Result<TrustedRedirect, AuthorizeFault> {
        self.one("redirect_uri")
            .and_then(|uri| client.trusted_redirect(uri))
            .ok_or(AuthorizeFault::UnknownRedirectUri)
    }

    /// The state to send back; none where it is not one state.
    pub(super) fn state(&self) -> Option<&str> {
        self.one("state").filter(|state| is_visible(state))
    }

    /// What is asked for, or why not.
    pub(super) fn asked(
        &self,
        client: &Client,
        redirect: TrustedRedirect,
        known: &Scopes,
    ) -> Result<Asked, Refusal> {
        if self.has_duplicates() {
            return Err(invalid("a parameter is there more than once"));
        }
        self.check_not_offered()?;
        if !client.may_use(GrantType::AuthorizationCode) {
            return Err(refusal(
                "unauthorized_client",
                "the client is not registered for authorization_code",
            ));
        }
        for name in ["state", "nonce"] {
            if self.one(name).is_some_and(|value| !is_visible(value)) {
                return Err(invalid("state and nonce must be printable ASCII"));
            }
        }
        Ok(Asked {
            redirect,
            scopes: self.scopes(client, known)?,
            state: self.state().map(str::to_owned),
            nonce: self.one("nonce").map(str::to_owned),
            code_challenge: self.code_challenge()?,
            details: Details::default(),
            wish: Wish::read(|name| self.one(name)),
            prompt: self.prompt()?,
            age_max_s: self.age_max_s()?,
        })
    }

    fn check_not_offered(&self) -> Result<(), Refusal> {
        if self.one("request").is_some() {
            return Err(refusal("request_not_supported", "request objects are not offered"));
        }
        if self.one("request_uri").is_some() {
            return Err(refusal("request_uri_not_supported", "request_uri is not offered"));
        }
        if self.one("registration").is_some() {
            return Err(refusal("registration_not_supported", "registration is not offered here"));
        }
        match self.one("response_type") {
            Some("code") => {}
            Some(_) => return Err(refusal("unsupported_response_type", "response_type must be code")),
            None => return Err(invalid("response_type is missing")),
        }
        match self.one("response_mode") {
            None | Some("query") => Ok(()),
            Some(_) => Err(invalid("response_mode must be query")),
        }
    }

    /// What the client may have of what it asks for: a scope that nobody knows is a mistake worth telling, one that the
    /// client is not registered for is left out.
    fn scopes(&self, client: &Client, known: &Scopes) -> Result<Scopes, Refusal> {
        let text = self.one("scope").ok_or(refusal("invalid_scope", "scope is missing"))?;
        let asked: Scopes = text.parse().map_err(|_| refusal("invalid_scope", "scope is malformed"))?;
        let granted = scope::granted(&asked, &client.scopes, known)
            .map_err(|description| refusal("invalid_scope", description))?;
        let granted = scope::without_system(&granted);
        if granted.is_empty() {
            Err(refusal("invalid_scope", "the client is registered for none of these scopes"))
        } else {
            Ok(granted)
        }
    }

    /// S256 and nothing else: a client that leaves the method out means `plain` (RFC 7636 §4.3).
    fn code_challenge(&self) -> Result<String, Refusal> {
        let challenge =
            self.one("code_challenge").ok_or(invalid("code_challenge is missing: PKCE is required"))?;
        if self.one("code_challenge_method") != Some("S256") {
            return Err(invalid("code_challenge_method must be S256"));
        }
        if pkce::is_challenge(challenge) {
            Ok(challenge.to_owned())
        } else {
            Err(invalid("code_challenge is not an S256 challenge"))
        }
    }

    fn prompt(&self) -> Result<Prompt, Refusal> {
        let mut prompt = Prompt::default();
        for word in self.one("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                _ => return Err(invalid("prompt must be none, login or consent")),
            }
        }
        if prompt.none && (prompt.login || prompt.consent) {
            Err(invalid("prompt none goes with no other"))
        } else {
            Ok(prompt)
        }
    }

    fn age_max_s(&self) -> Result<Option<u64>, Refusal> {
        self.one("max_age")
            .map(str::parse)
            .transpose()
            .map_err(|_| invalid("max_age must be a number of seconds"))
    }
}

/// RFC 6749 appendix A.5
fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{self, register::Registration};

    const GOOD: &str = "response_type=code&client_id=opaque.diary&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=openid+email\
                        &state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

    fn known() -> Scopes {
        format!("{} a b", crate::scope::built_in()).parse().unwrap()
    }

    fn client(grant: &str) -> Client {
        let registration = Registration {
            name: "Diary".into(),
            uri: "https://app.example".into(),
            confidentiality: "confidential".into(),
            redirect_uris: vec!["https://app.example/cb".into()],
            grant_types: vec![grant.into()],
            scopes: "openid a".into(),
            ..Registration::default()
        };
        client::tests::client(&registration, &known())
    }

    fn asked(query: &str) -> Result<Asked, &'static str> {
        let client = client("authorization_code");
        let parameters = Parameters::read(query).unwrap();
        let redirect = client.trusted_redirect("https://app.example/cb").unwrap();
        parameters.asked(&client, redirect, &known()).map_err(|refusal| refusal.error)
    }

    #[test]
    fn a_good_request_is_granted_what_the_client_is_registered_for() {
        let asked = asked(&format!("{GOOD}&prompt=login+consent&max_age=60&nonce=n&unknown=x")).unwrap();
        assert_eq!(asked.scopes.to_string(), "openid");
        assert_eq!((asked.state.as_deref(), asked.nonce.as_deref()), (Some("s"), Some("n")));
        assert_eq!(asked.prompt, Prompt { none: false, login: true, consent: true });
        assert_eq!(asked.age_max_s, Some(60));
    }

    #[test]
    fn what_is_refused_and_in_which_words() {
        for (from, to, error) in [
            ("response_type=code", "response_type=token", "unsupported_response_type"),
            ("response_type=code", "response_type=code+id_token", "unsupported_response_type"),
            ("response_type=code", "", "invalid_request"),
            ("response_type=code", "response_type=code&response_type=code", "invalid_request"),
            ("state=s", "state=s&state=t", "invalid_request"),
            ("state=s", "state=%0A", "invalid_request"),
            ("state=s", "nonce=%C3%BC", "invalid_request"),
            ("state=s", "x=1&x=2", "invalid_request"),
            ("state=s", "response_mode=fragment", "invalid_request"),
            ("state=s", "response_mode=web_message", "invalid_request"),
            ("state=s", "request=x", "request_not_supported"),
            ("state=s", "request_uri=https%3A%2F%2Fevil.example", "request_uri_not_supported"),
            ("state=s", "registration=x", "registration_not_supported"),
            ("state=s", "prompt=none+login", "invalid_request"),
            ("state=s", "prompt=create", "invalid_request"),
            ("state=s", "max_age=-1", "invalid_request"),
            ("&code_challenge_method=S256", "", "invalid_request"),
            ("&code_challenge_method=S256", "&code_challenge_method=plain", "invalid_request"),
            ("&code_challenge_method=S256", "&code_challenge_method=s256", "invalid_request"),
            ("code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "x=y", "invalid_request"),
            ("code_challenge=E9Melhoa2", "code_challenge=", "invalid_request"),
            ("scope=openid+email", "x=y", "invalid_scope"),
            ("scope=openid+email", "scope=email", "invalid_scope"),
            ("scope=openid+email", "scope=openid+made-up", "invalid_scope"),
            ("scope=openid+email", "scope=openid%22", "invalid_scope"),
        ] {
            let query = GOOD.replace(from, to);
            assert_ne!(query, GOOD);
            assert_eq!(asked(&query).err(), Some(error), "{from} → {to}");
        }
        let client = client("client_credentials");
        let redirect = client.trusted_redirect("https://app.example/cb").unwrap();
        let refused = Parameters::read(GOOD).unwrap().asked(&client, redirect, &known());
        assert_eq!(refused.err().map(|refusal| refusal.error), Some("unauthorized_client"));
    }

    #[test]
    fn nothing_is_sent_until_client_and_redirect_uri_are_known() {
        let of = |query: &str| {
            let parameters = Parameters::read(query)?;
            parameters.client_id()?;
            parameters.redirect(&client("authorization_code")).map(|_| ())
        };
        assert!(of(GOOD).is_ok());
        for query in [
            "",
            "client_id=&redirect_uri=https%3A%2F%2Fapp.example%2Fcb",
            "client_id=x&redirect_uri=https%3A%2F%2Fapp.example%2Fcb",
            "client_id=a.b&client_id=a.b&redirect_uri=https%3A%2F%2Fapp.example%2Fcb",
            "client_id=a.b",
            "client_id=a.b&redirect_uri=https%3A%2F%2Fevil.example%2Fcb",
            "client_id=a.b&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&redirect_uri=https%3A%2F%2Fapp.example%2Fcb",
            &format!("{GOOD}&x={}", "y".repeat(QUERY_BYTES_MAX)),
            &(0..50).map(|n| format!("p{n}=x&")).collect::<String>(),
        ] {
            assert!(of(query).is_err(), "{query}");
        }
    }
}
