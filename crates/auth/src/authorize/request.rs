//! Reading an authorization request.  RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1

use std::collections::BTreeMap;

use crypto::{b64, pkce};
use kernel::Scopes;
use url::form_urlencoded;

use super::{
    Asked, AuthorizeFault, Destination, ForSignIn, Prompt, QUERY_BYTES_MAX, ResponseMode, push::is_reference,
    strength::Wanted,
};
use crate::{
    client::{Client, ClientIdText, Confidentiality, GrantType, Pkce, Profile, TrustedRedirect},
    grant::Details,
    scope,
    smart::context::Wish,
    token::Confirmation,
    udap,
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

/// What this deployment allows.
pub(super) struct Rules<'a> {
    /// The scopes that are known here.
    pub scopes: &'a Scopes,
    /// Whether PKCE may go by `plain`.
    pub plain: bool,
}

pub(super) const fn refusal(error: &'static str, description: &'static str) -> Refusal {
    Refusal { error, description }
}

pub(super) const fn invalid(description: &'static str) -> Refusal {
    refusal("invalid_request", description)
}

impl Parameters {
    pub(super) fn read(query: &str) -> Result<Self, AuthorizeFault> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(AuthorizeFault::Malformed("it is longer than 1700 characters"));
        }
        Self::read_pushed(query)
    }

    /// The same for what no address has to hold.
    pub(super) fn read_pushed(query: &str) -> Result<Self, AuthorizeFault> {
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
    pub(super) fn one(&self, name: &str) -> Option<&str> {
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

    /// By what it was pushed, where it was.
    pub(super) fn reference(&self) -> Option<&str> {
        self.one("request_uri").filter(|text| is_reference(text))
    }

    /// Where the answer goes; how, as far as that can be read: what is asked for wrongly is told in the usual way.
    pub(super) fn destination(&self, redirect: TrustedRedirect) -> Destination {
        let mode = self.one("response_mode").and_then(ResponseMode::parse).unwrap_or_default();
        // Only a browser takes a form anywhere.
        let mode = if is_of_web(redirect.as_str()) { mode } else { ResponseMode::Query };
        Destination { redirect, mode }
    }

    /// The state to send back; none where it is not one state.
    pub(super) fn state(&self) -> Option<&str> {
        self.one("state").filter(|state| is_visible(state))
    }

    /// What is asked for, or why not.
    pub(super) fn asked(
        &self,
        client: &Client,
        redirect: Destination,
        rules: &Rules<'_>,
    ) -> Result<Asked, Refusal> {
        if self.0.get("resource").is_some_and(|uris| uris.len() > 1) {
            return Err(refusal("invalid_target", "a token is for one resource"));
        }
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
        // HL7 FAST §7.2.1
        if client.profile == Profile::Udap && self.one("state").is_none() {
            return Err(invalid("state is missing"));
        }
        let scopes = self.scopes(client, rules.scopes)?;
        let Wanted { strength, subject } = Wanted::read(self.one("acr_values"), self.one("claims"))?;
        Ok(Asked {
            redirect,
            code_challenge: self.code_challenge(client, &scopes, rules)?,
            scopes,
            state: self.state().map(str::to_owned),
            nonce: self.one("nonce").map(str::to_owned),
            details: Details { confirmation: self.dpop_key()?, ..Details::default() },
            wish: Wish::read(|name| self.one(name)),
            prompt: self.prompt()?,
            age_max_s: self.age_max_s()?.or(client.metadata.default_max_age),
            strength,
            subject,
            for_sign_in: ForSignIn {
                login_hint: self.one("login_hint").map(str::to_owned),
                ui_locales: self.one("ui_locales").map(str::to_owned),
            },
            idp: self.idp(rules.scopes).map(str::to_owned),
            pushed: None,
        })
    }

    /// What it says has no meaning without the scope that goes with it (IG §6.1), nor where that is not known.
    fn idp(&self, known: &Scopes) -> Option<&str> {
        let asked = self.one("scope").unwrap_or_default();
        let is_meant = known.has(udap::SCOPE) && asked.split(' ').any(|scope| scope == udap::SCOPE);
        self.one("idp").filter(|_| is_meant)
    }

    fn check_not_offered(&self) -> Result<(), Refusal> {
        if self.one("request").is_some() {
            return Err(refusal("request_not_supported", "request objects are not offered"));
        }
        if self.one("request_uri").is_some() {
            return Err(refusal("request_uri_not_supported", "request_uri is for pushed requests only"));
        }
        if self.one("registration").is_some() {
            return Err(refusal("registration_not_supported", "registration is not offered here"));
        }
        match self.one("response_type") {
            Some("code") => {}
            Some(_) => return Err(refusal("unsupported_response_type", "response_type must be code")),
            None => return Err(invalid("response_type is missing")),
        }
        let is_web = self.one("redirect_uri").is_some_and(is_of_web);
        match self.one("response_mode").map(ResponseMode::parse) {
            Some(None) => Err(invalid("response_mode must be query, fragment or form_post")),
            Some(Some(ResponseMode::FormPost)) if !is_web => {
                Err(invalid("form_post needs a redirect_uri of the web"))
            }
            None | Some(Some(_)) => Ok(()),
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

    /// S256; `plain`, and what leaves the method out and thereby means `plain` (RFC 7636 §4.3), only where the deployment and the
    /// profile allow it and nothing of SMART is asked for (SMART App Launch 2.2 §2.0.3). What is kept is an S256 challenge in any case, or none where a client may do without.
    fn code_challenge(&self, client: &Client, scopes: &Scopes, rules: &Rules<'_>) -> Result<String, Refusal> {
        let method = self.one("code_challenge_method");
        let Some(challenge) = self.one("code_challenge") else {
            let may_do_without = client.profile.pkce() == Pkce::OfPublicClients
                && client.confidentiality == Confidentiality::Confidential;
            return match method {
                None if may_do_without => Ok(String::new()),
                _ => Err(invalid("code_challenge is missing: PKCE is required")),
            };
        };
        let may_be_plain = rules.plain
            && matches!(client.profile, Profile::OAuth21 | Profile::Legacy)
            && !scope::is_of_smart(scopes);
        match method {
            Some("S256") if pkce::is_challenge(challenge) => Ok(challenge.to_owned()),
            Some("S256") => Err(invalid("code_challenge is not an S256 challenge")),
            Some("plain") | None if may_be_plain => match pkce::Verifier::parse(challenge) {
                Some(verifier) => Ok(verifier.challenge()),
                None => Err(invalid("code_challenge must be 43 to 128 unreserved characters")),
            },
            _ => Err(invalid("code_challenge_method must be S256")),
        }
    }

    /// The key that the code will be bound to.  RFC 9449 §10
    fn dpop_key(&self) -> Result<Option<Confirmation>, Refusal> {
        match self.one("dpop_jkt") {
            Some(text) if b64::decode(text).is_ok_and(|bytes| bytes.len() == 32) => {
                Ok(Some(Confirmation::dpop(text.to_owned())))
            }
            Some(_) => Err(invalid("dpop_jkt is not a SHA-256 thumbprint")),
            None => Ok(None),
        }
    }

    fn prompt(&self) -> Result<Prompt, Refusal> {
        let mut prompt = Prompt::default();
        for word in self.one("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => return Err(invalid("prompt must be none, or of login, consent and select_account")),
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
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

fn is_of_web(uri: &str) -> bool {
    uri.starts_with("https://") || uri.starts_with("http://")
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
        registered(grant, "")
    }

    fn registered(grant: &str, profile: &str) -> Client {
        let registration = Registration {
            profile: profile.into(),
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

    fn to(parameters: &Parameters, client: &Client) -> Result<Destination, AuthorizeFault> {
        let redirect = parameters.one("redirect_uri").and_then(|uri| client.trusted_redirect(uri));
        redirect.map(|redirect| parameters.destination(redirect)).ok_or(AuthorizeFault::UnknownRedirectUri)
    }

    fn asked(query: &str) -> Result<Asked, &'static str> {
        let client = client("authorization_code");
        let parameters = Parameters::read(query).unwrap();
        let destination = to(&parameters, &client).unwrap();
        let rules = Rules { scopes: &known(), plain: false };
        parameters.asked(&client, destination, &rules).map_err(|refusal| refusal.error)
    }

    #[test]
    fn a_good_request_is_granted_what_the_client_is_registered_for() {
        let asked = asked(&format!("{GOOD}&prompt=login+consent&max_age=60&nonce=n&unknown=x")).unwrap();
        assert_eq!(asked.scopes.to_string(), "openid");
        assert_eq!((asked.state.as_deref(), asked.nonce.as_deref()), (Some("s"), Some("n")));
        assert_eq!(asked.prompt, Prompt { login: true, consent: true, ..Prompt::default() });
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
            ("state=s", "response_mode=query.jwt", "invalid_request"),
            ("state=s", "response_mode=query&response_mode=fragment", "invalid_request"),
            (
                "state=s",
                "resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example",
                "invalid_target",
            ),
            ("state=s", "dpop_jkt=short", "invalid_request"),
            ("state=s", "claims=junk", "invalid_request"),
            ("state=s", "prompt=none+select_account", "invalid_request"),
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
        let parameters = Parameters::read(GOOD).unwrap();
        let rules = Rules { scopes: &known(), plain: false };
        let refused = parameters.asked(&client, to(&parameters, &client).unwrap(), &rules);
        assert_eq!(refused.err().map(|refusal| refusal.error), Some("unauthorized_client"));
    }

    #[test]
    fn which_clients_may_weaken_pkce() {
        const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let s256 = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
        let plain = format!("&code_challenge={VERIFIER}&code_challenge_method=plain");
        let implied = format!("&code_challenge={VERIFIER}");
        let stripped = "&code_challenge_method=S256".to_owned();
        let of_smart = |query: &str| query.contains("&smart");
        let launched = format!("{plain}&smart");
        let launched_implied = format!("{implied}&smart");
        for (profile, allows_plain, query, kept) in [
            ("oauth21", true, &launched, None),
            ("legacy", true, &launched, None),
            ("legacy", true, &launched_implied, None),
            ("oauth21", false, &s256, Some(CHALLENGE)),
            ("oauth21", false, &String::new(), None),
            ("oauth21", false, &plain, None),
            ("oauth21", true, &plain, Some(CHALLENGE)),
            ("oauth21", true, &implied, Some(CHALLENGE)),
            ("smart-app-launch-2.2", true, &plain, None),
            ("smart-app-launch-2.2", true, &String::new(), None),
            ("legacy", false, &String::new(), Some("")),
            ("legacy", false, &stripped, None),
            ("legacy", false, &plain, None),
            ("legacy", true, &plain, Some(CHALLENGE)),
        ] {
            let client = registered("authorization_code", profile);
            let parameters = Parameters::read(query.trim_start_matches('&')).unwrap();
            let rules = Rules { scopes: &known(), plain: allows_plain };
            let scopes = if of_smart(query) { "openid launch/patient" } else { "openid" }.parse().unwrap();
            let got = parameters.code_challenge(&client, &scopes, &rules).ok();
            assert_eq!(got.as_deref(), kept, "{profile} {allows_plain} {query}");
        }
        let public =
            Client { confidentiality: Confidentiality::Public, ..registered("authorization_code", "legacy") };
        let rules = Rules { scopes: &known(), plain: false };
        assert!(Parameters::read("").unwrap().code_challenge(&public, &Scopes::none(), &rules).is_err());
    }

    #[test]
    fn nothing_is_sent_until_client_and_redirect_uri_are_known() {
        let of = |query: &str| {
            let parameters = Parameters::read(query)?;
            parameters.client_id()?;
            to(&parameters, &client("authorization_code")).map(|_| ())
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
