//! A developer registers an application.  Contract 1, "Developer portal"; RFC 7591 §2 for the words

use kernel::{Id, Issue, Scopes};

use super::{
    AuthMethod, Client, ClientFault, ClientIdText, ClientMetadata, ClientUri, Confidentiality, GrantType,
    LogoUri, Profile, REDIRECT_URIS_MAX, RedirectUri, Suffix, TOKEN_LIFETIME_S_MAX, queries,
    secret::NewSecret,
};
use crate::{Acting, Auth, scope};

/// The longest name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 100;

/// The constraint that keeps suffixes apart within an organisation.
const SUFFIX_KEY: &str = "client_organisation_id_suffix_key";

/// A registration as a form holds it: nothing is parsed yet.
#[derive(Debug, Clone, Default)]
pub struct Registration {
    /// What people see: 1 to 100 characters.
    pub name: String,
    /// Base address.
    pub uri: String,
    /// `confidential` or `public`.
    pub confidentiality: String,
    /// The rules that it wants to be held to: a word of [`Profile`]; [`Profile::OAuth21`] where nothing is said.
    pub profile: String,
    /// How it proves who it is: a word of [`AuthMethod`]; its secret where nothing is said, nothing if it is public.
    pub auth_method: String,
    /// Where authorization answers may go.
    pub redirect_uris: Vec<String>,
    /// Where a browser may go after sign-out.
    pub post_logout_redirect_uris: Vec<String>,
    /// Words of [`GrantType`].
    pub grant_types: Vec<String>,
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// An `https` image, or empty.
    pub logo_uri: String,
    /// How long access tokens live, in seconds; an hour where nothing is said.
    pub token_lifetime_s: Option<u32>,
    /// What else it says of itself.
    pub metadata: ClientMetadata,
}

/// A registration that has been read.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    pub name: String,
    pub uri: ClientUri,
    pub confidentiality: Confidentiality,
    pub profile: Profile,
    pub auth_method: AuthMethod,
    pub redirect_uris: Vec<RedirectUri>,
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    pub grant_types: Vec<GrantType>,
    pub scopes: Scopes,
    pub logo_uri: Option<LogoUri>,
    pub token_lifetime_s: u32,
    pub metadata: ClientMetadata,
}

/// Register a client for the acting person's organisation. A confidential client gets its first secret, which is
/// shown this once.
///
/// # Errors
/// [`ClientFault::Refused`] names every field at fault; [`ClientFault::SuffixTaken`].
pub async fn register(
    auth: &Auth,
    acting: &Acting,
    suffix: &str,
    registration: &Registration,
) -> Result<(Client, Option<NewSecret>), ClientFault> {
    let (suffix, read) = read_with_suffix(suffix, registration, &auth.known())?;
    let client =
        read.into_client(auth, acting, auth.world().new_id(), ClientIdText::new(auth.world(), &suffix));
    let first = client.auth_method.has_secret().then(|| NewSecret::draw(auth));
    insert(auth, acting, &client, &suffix, first.as_ref()).await?;
    Ok((client, first))
}

pub(super) async fn insert(
    auth: &Auth,
    acting: &Acting,
    client: &Client,
    suffix: &Suffix,
    first: Option<&NewSecret>,
) -> Result<(), ClientFault> {
    let world = auth.world().clone();
    let entry = registered_entry(acting, client);
    let (client, suffix) = (client.clone(), suffix.clone());
    let row = first.map(|secret| secret.row(auth, &client, client.created_at));
    let inserted = auth
        .db()
        .write(async move |tx| -> Result<(), ClientFault> {
            queries::insert(tx, &client, &suffix).await?;
            if let Some(row) = &row {
                queries::insert_secret(tx, row).await?;
            }
            audit::record(tx, &world, &entry).await?;
            Ok(())
        })
        .await;
    match inserted {
        Err(ClientFault::Store(fault)) if fault.is_unique(SUFFIX_KEY) => Err(ClientFault::SuffixTaken),
        other => other,
    }
}

/// The client that this registration makes, which the caller inserts.
pub(crate) fn into_client_of(
    auth: &Auth,
    acting: &Acting,
    registration: &Registration,
    client_id: ClientIdText,
) -> Result<Client, ClientFault> {
    let read = read(registration, &auth.known()).map_err(ClientFault::Refused)?;
    Ok(read.into_client(auth, acting, auth.world().new_id(), client_id))
}

/// What the audit trail keeps of a new client.
pub(super) fn registered_entry(acting: &Acting, client: &Client) -> audit::Entry {
    acting.entry(
        "client.registered",
        client.id,
        serde_json::json!({
            "confidentiality": client.confidentiality.as_str(),
            "profile": client.profile.as_str(),
            "auth_method": client.auth_method.as_str(),
            "scopes": client.scopes,
            "is_dynamic": client.metadata.is_dynamic,
        }),
    )
}

impl Registered {
    /// Whether this is what is registered for the client.
    pub(super) fn is_of(&self, client: &Client) -> bool {
        self.name == client.name
            && self.uri == client.uri
            && self.confidentiality == client.confidentiality
            && self.profile == client.profile
            && self.auth_method == client.auth_method
            && self.redirect_uris == client.redirect_uris
            && self.post_logout_redirect_uris == client.post_logout_redirect_uris
            && self.grant_types == client.grant_types
            && self.scopes == client.scopes
            && self.logo_uri == client.logo_uri
            && self.token_lifetime_s == client.token_lifetime_s
            && self.metadata == client.metadata
    }

    pub(super) fn into_client(
        self,
        auth: &Auth,
        acting: &Acting,
        id: Id<kernel::Client>,
        client_id: ClientIdText,
    ) -> Client {
        let now = auth.world().now();
        Client {
            id,
            organisation: acting.organisation,
            client_id,
            name: self.name,
            confidentiality: self.confidentiality,
            profile: self.profile,
            auth_method: self.auth_method,
            uri: self.uri,
            redirect_uris: self.redirect_uris,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            grant_types: self.grant_types,
            scopes: self.scopes,
            logo_uri: self.logo_uri,
            token_lifetime_s: self.token_lifetime_s,
            metadata: self.metadata,
            created_at: now,
            updated_at: now,
            verified_at: None,
            verified_by: None,
            disabled_at: None,
        }
    }
}

pub(super) fn read_with_suffix(
    suffix: &str,
    registration: &Registration,
    known: &Known<'_>,
) -> Result<(Suffix, Registered), ClientFault> {
    match (suffix.parse::<Suffix>(), read(registration, known)) {
        (Ok(suffix), Ok(read)) => Ok((suffix, read)),
        (Ok(_), Err(issues)) => Err(ClientFault::Refused(issues)),
        (Err(_), read) => {
            let mut issues = vec![Issue::at("suffix", "must be 1 to 40 of 0-9 and a-z")];
            issues.extend(read.err().into_iter().flatten());
            Err(ClientFault::Refused(issues))
        }
    }
}

/// What this deployment knows that a registration does not say.
pub(super) struct Known<'a> {
    /// Every scope that can be registered.
    pub scopes: &'a Scopes,
    /// How long an access token lives where the registration says nothing, in seconds.
    pub token_lifetime_s: u32,
}

#[cfg(test)]
impl<'a> Known<'a> {
    pub(super) fn in_tests(scopes: &'a Scopes) -> Self {
        Self { scopes, token_lifetime_s: 600 }
    }
}

impl Auth {
    pub(super) fn known(&self) -> Known<'_> {
        Known { scopes: self.scopes_known(), token_lifetime_s: self.config().token_lifetime_s }
    }
}

/// Reads every field and names every one that is at fault, not only the first.
pub(super) fn read(registration: &Registration, known: &Known<'_>) -> Result<Registered, Vec<Issue>> {
    let mut issues = Vec::new();
    let name = keep(&mut issues, "name", read_name(&registration.name));
    let uri = keep(&mut issues, "uri", ClientUri::parse(registration.uri.trim()));
    let confidentiality =
        Confidentiality::parse(&registration.confidentiality).ok_or("must be confidential or public");
    let confidentiality = keep(&mut issues, "confidentiality", confidentiality);
    let profile = keep(&mut issues, "profile", read_profile(&registration.profile));
    let auth_method =
        keep(&mut issues, "auth_method", read_method(&registration.auth_method, confidentiality));
    let redirect_uris = keep(&mut issues, "redirect_uris", read_uris(&registration.redirect_uris));
    let after_logout =
        keep(&mut issues, "post_logout_redirect_uris", read_uris(&registration.post_logout_redirect_uris));
    let grant_types = keep(&mut issues, "grant_types", read_grants(&registration.grant_types));
    let scopes = keep(&mut issues, "scopes", read_scopes(&registration.scopes, known.scopes));
    let logo = registration.logo_uri.trim();
    let logo_uri =
        keep(&mut issues, "logo_uri", (!logo.is_empty()).then(|| LogoUri::parse(logo)).transpose());
    let token_lifetime_s = registration.token_lifetime_s.unwrap_or(known.token_lifetime_s);
    if !(1..=TOKEN_LIFETIME_S_MAX).contains(&token_lifetime_s) {
        issues.push(Issue::at("token_lifetime_s", "must be 1 to 86400 seconds"));
    }
    if let (Some(grants), Some(uris), Some(kind)) = (&grant_types, &redirect_uris, confidentiality) {
        issues.extend(disagreement(grants, uris, kind));
    }
    if let (Some(profile), Some(method)) = (profile, auth_method) {
        issues.extend(against_profile(
            profile,
            method,
            grant_types.as_deref().unwrap_or_default(),
            registration,
        ));
        issues.extend(registration.metadata.issues(method));
    }
    let read = || {
        Some(Registered {
            name: name?,
            uri: uri?,
            confidentiality: confidentiality?,
            profile: profile?,
            auth_method: auth_method?,
            redirect_uris: redirect_uris?,
            post_logout_redirect_uris: after_logout?,
            grant_types: grant_types?,
            scopes: scopes?,
            logo_uri: logo_uri?,
            token_lifetime_s,
            metadata: registration.metadata.clone(),
        })
    };
    if issues.is_empty() { read().ok_or(issues) } else { Err(issues) }
}

fn keep<T, E: std::fmt::Display>(
    issues: &mut Vec<Issue>,
    field: &'static str,
    read: Result<T, E>,
) -> Option<T> {
    read.map_err(|why| issues.push(Issue::at(field, why.to_string()))).ok()
}

/// Fields that are right by themselves and do not fit each other.
fn disagreement(grants: &[GrantType], uris: &[RedirectUri], kind: Confidentiality) -> Option<Issue> {
    if grants.contains(&GrantType::AuthorizationCode) && uris.is_empty() {
        return Some(Issue::at("redirect_uris", "authorization_code needs at least one"));
    }
    let unproven = kind == Confidentiality::Public && grants.contains(&GrantType::ClientCredentials);
    unproven.then(|| Issue::at("grant_types", "client_credentials is for confidential applications only"))
}

/// What the profile does not allow.
fn against_profile(
    profile: Profile,
    method: AuthMethod,
    grants: &[GrantType],
    registration: &Registration,
) -> Vec<Issue> {
    let mut issues = Vec::new();
    if !profile.auth_methods().contains(&method) {
        issues.push(Issue::at("auth_method", format!("is not one of the profile {}", profile.as_str())));
    }
    if let Some(grant) = grants.iter().find(|grant| !profile.grant_types().contains(grant)) {
        let words = format!("{} is not one of the profile {}", grant.as_str(), profile.as_str());
        issues.push(Issue::at("grant_types", words));
    }
    if registration.metadata.token_by_get && profile != Profile::Legacy {
        issues.push(Issue::at("token_by_get", "is for the profile legacy only"));
    }
    issues
}

fn read_profile(text: &str) -> Result<Profile, &'static str> {
    match text {
        "" => Ok(Profile::default()),
        text => Profile::parse(text).ok_or("is not a security profile"),
    }
}

/// A public client has no way to prove itself, and a confidential one has.
fn read_method(text: &str, kind: Option<Confidentiality>) -> Result<AuthMethod, &'static str> {
    let is_public = kind == Some(Confidentiality::Public);
    let method = match text {
        "" if is_public => AuthMethod::None,
        "" => AuthMethod::ClientSecretBasic,
        text => AuthMethod::parse(text).ok_or("is not a way to authenticate")?,
    };
    match (method, is_public) {
        (AuthMethod::None, false) => Err("a confidential application has to prove itself"),
        (AuthMethod::None, true) => Ok(method),
        (_, true) => Err("must be none: a public application proves nothing"),
        (_, false) => Ok(method),
    }
}

fn read_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    let good = !name.is_empty()
        && name.chars().count() <= NAME_CHARACTERS_MAX
        && !name.chars().any(char::is_control);
    if good { Ok(name.to_owned()) } else { Err("must be 1 to 100 characters") }
}

fn read_uris(texts: &[String]) -> Result<Vec<RedirectUri>, String> {
    let texts: Vec<&str> = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    if texts.len() > REDIRECT_URIS_MAX {
        return Err(format!("must be at most {REDIRECT_URIS_MAX}"));
    }
    texts.into_iter().map(|text| RedirectUri::parse(text).map_err(|why| why.to_string())).collect()
}

fn read_grants(texts: &[String]) -> Result<Vec<GrantType>, &'static str> {
    let read =
        texts.iter().map(|text| GrantType::parse(text)).collect::<Option<std::collections::BTreeSet<_>>>();
    match read {
        Some(grants) if !grants.is_empty() => Ok(grants.into_iter().collect()),
        _ => Err("must be at least one grant that is offered here"),
    }
}

fn read_scopes(text: &str, known: &Scopes) -> Result<Scopes, String> {
    let asked: Scopes = text.parse().map_err(|why: kernel::MalformedScope| why.to_string())?;
    scope::restrict_too_much(&asked).map_err(str::to_owned)?;
    let strange = scope::unknown(&asked, known);
    if strange.is_empty() { Ok(asked) } else { Err(format!("not known here: {strange}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Registration {
        Registration {
            name: " Sleep diary ".into(),
            uri: "https://app.example".into(),
            confidentiality: "confidential".into(),
            redirect_uris: vec!["https://app.example/callback".into(), "  ".into()],
            grant_types: vec![
                "client_credentials".into(),
                "authorization_code".into(),
                "authorization_code".into(),
            ],
            scopes: "openid profile".into(),
            ..Registration::default()
        }
    }

    fn fields(registration: &Registration) -> Vec<String> {
        let issues = read(registration, &Known::in_tests(&scope::built_in())).err().unwrap_or_default();
        issues.into_iter().map(|issue| issue.path.into_owned()).collect()
    }

    #[test]
    fn a_good_registration_is_read() {
        let read = read(&good(), &Known::in_tests(&scope::built_in())).unwrap();
        assert_eq!(read.name, "Sleep diary");
        assert_eq!(read.redirect_uris.len(), 1);
        assert_eq!(read.grant_types, [GrantType::AuthorizationCode, GrantType::ClientCredentials]);
        assert_eq!(read.token_lifetime_s, 600);
    }

    #[test]
    fn every_field_at_fault_is_named() {
        assert_eq!(fields(&good()), Vec::<String>::new());
        let nothing = Registration {
            token_lifetime_s: Some(0),
            logo_uri: "http://x".into(),
            scopes: "a\"".into(),
            ..Registration::default()
        };
        assert_eq!(
            fields(&nothing),
            ["name", "uri", "confidentiality", "grant_types", "scopes", "logo_uri", "token_lifetime_s"]
        );
        for (field, registration) in [
            ("scopes", Registration { scopes: "openid made-up".into(), ..good() }),
            ("redirect_uris", Registration { redirect_uris: vec![], ..good() }),
            ("redirect_uris", Registration { redirect_uris: vec!["https://a.example/#".into()], ..good() }),
            ("redirect_uris", Registration { redirect_uris: vec!["https://a.example".into(); 21], ..good() }),
            ("grant_types", Registration { confidentiality: "public".into(), ..good() }),
            ("grant_types", Registration { grant_types: vec!["password".into()], ..good() }),
            ("name", Registration { name: "x".repeat(101), ..good() }),
            ("name", Registration { name: "a\u{0}b".into(), ..good() }),
            ("token_lifetime_s", Registration { token_lifetime_s: Some(86_401), ..good() }),
        ] {
            assert_eq!(fields(&registration), [field]);
        }
    }
}
