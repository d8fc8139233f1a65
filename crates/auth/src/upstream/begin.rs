//! A browser is sent to a provider.  OpenID Connect Core §3.1.2.1, RFC 7636, RFC 9700 §4.7

use crypto::pkce::Verifier;
use http::HeaderValue;
use kernel::{Client, Digest, Id, Person, Secret, Timestamp};
use vault::{Place, Sealed};
use web::{Cookie, LocalPath};

use super::{ATTEMPT_LIFE, Upstream, UpstreamFault, queries};
use crate::{Auth, SignedIn, person::factor, session::Acr};

/// The cookie's name; `__Host-` comes before it over TLS.
pub(super) const COOKIE_NAME: &str = "hilum-upstream";

/// Keep the three digests of an attempt apart from one another and from every other.
pub(super) const STATE_PURPOSE: &str = "upstream.state";
pub(super) const BROWSER_PURPOSE: &str = "upstream.browser";
pub(super) const NONCE_PURPOSE: &str = "upstream.nonce";

/// Where the browser goes, and the header that binds its return to it.
pub struct Departure {
    /// The provider's address.
    pub location: String,
    /// The `Set-Cookie` value.
    pub set_cookie: HeaderValue,
}

/// A browser on its way, as its row holds it.
#[derive(Clone)]
pub(super) struct Attempt {
    pub state: Digest,
    pub upstream: Id<kernel::Upstream>,
    pub browser: Digest,
    pub nonce: Digest,
    pub verifier: Sealed,
    pub return_to: String,
    pub acr: Option<Acr>,
    pub person: Option<Id<Person>>,
    pub client: Option<Id<Client>>,
    pub expires_at: Timestamp,
}

/// Send a browser to a provider to sign in.
///
/// # Errors
/// [`UpstreamFault::NotFound`]; a provider that does not answer.
pub async fn depart(
    auth: &Auth,
    slug: &str,
    return_to: &LocalPath,
    least: Option<Acr>,
) -> Result<Departure, UpstreamFault> {
    let errand = Errand { return_to, wishes: Wishes::of(least), person: None, client: None };
    leave(auth, &live(auth, slug).await?, errand).await
}

/// Send a signed-in person to a provider to link the account that they have there.
///
/// # Errors
/// As [`depart`]; [`FactorFault::NotRecent`](factor::FactorFault::NotRecent).
pub async fn depart_to_link(
    auth: &Auth,
    signed_in: &SignedIn,
    slug: &str,
    return_to: &LocalPath,
) -> Result<Departure, UpstreamFault> {
    factor::may_change(auth, signed_in).await?;
    let person = Some(signed_in.person);
    let errand = Errand { return_to, wishes: Wishes::default(), person, client: None };
    leave(auth, &live(auth, slug).await?, errand).await
}

/// Send a browser to the provider that a client has named.
///
/// # Errors
/// A provider that does not answer.
pub(crate) async fn depart_for(
    auth: &Auth,
    upstream: &Upstream,
    client: Id<Client>,
    return_to: &LocalPath,
    wishes: Wishes,
) -> Result<Departure, UpstreamFault> {
    leave(auth, upstream, Errand { return_to, wishes, person: None, client: Some(client) }).await
}

/// What is wished of a sign-in at a provider.
#[derive(Default)]
pub(crate) struct Wishes {
    /// What it must be worth here.
    pub least: Option<Acr>,
    /// Parameters that the provider is told besides.
    pub told: Vec<(&'static str, String)>,
}

impl Wishes {
    /// Whoever asks for a certain strength asks for it now.
    fn of(least: Option<Acr>) -> Self {
        Self { least, told: least.map(|_| ("prompt", "login".to_owned())).into_iter().collect() }
    }
}

/// Why a browser is sent.
struct Errand<'a> {
    return_to: &'a LocalPath,
    wishes: Wishes,
    /// Who wants to link.
    person: Option<Id<Person>>,
    /// Which client has named the provider.
    client: Option<Id<Client>>,
}

async fn leave(auth: &Auth, upstream: &Upstream, errand: Errand<'_>) -> Result<Departure, UpstreamFault> {
    let now = auth.world().now();
    let found = auth.discoveries().of(auth, upstream).await?;
    let (state, nonce) = (token(auth), token(auth));
    let browser = auth.world().secret::<32>();
    let verifier = Verifier::generate(auth.world());
    let digest = auth.vault().digest(STATE_PURPOSE, state.expose().as_bytes());
    let attempt = Attempt {
        state: digest,
        upstream: upstream.id,
        browser: auth.vault().digest(BROWSER_PURPOSE, browser.expose()),
        nonce: auth.vault().digest(NONCE_PURPOSE, nonce.expose().as_bytes()),
        verifier: auth.vault().seal_system(verifier_place(&digest), verifier.expose().as_bytes()),
        return_to: errand.return_to.to_string(),
        acr: errand.wishes.least,
        person: errand.person,
        client: errand.client,
        expires_at: now + ATTEMPT_LIFE,
    };
    auth.db()
        .write(async move |tx| -> Result<(), UpstreamFault> {
            queries::remember(tx, &attempt).await?;
            Ok(())
        })
        .await?;
    let mut location = found.authorization_endpoint.clone();
    let asked = asked(auth, upstream, state.expose(), nonce.expose(), &verifier.challenge());
    location.query_pairs_mut().extend_pairs(asked).extend_pairs(errand.wishes.told);
    let sealed = auth.vault().seal_cookie(COOKIE_NAME, browser.expose());
    let set_cookie = auth.upstream_cookie().set(&sealed, Some(ATTEMPT_LIFE));
    let set_cookie = set_cookie.ok_or(UpstreamFault::Unreadable("our own cookie"))?;
    Ok(Departure { location: location.into(), set_cookie })
}

/// The provider of this name, if it is switched on.
pub(super) async fn live(auth: &Auth, slug: &str) -> Result<Upstream, UpstreamFault> {
    queries::live_by_slug(&mut auth.db().read().await?, slug).await?.ok_or(UpstreamFault::NotFound)
}

fn asked(
    auth: &Auth,
    upstream: &Upstream,
    state: &str,
    nonce: &str,
    challenge: &str,
) -> Vec<(&'static str, String)> {
    let settings = &upstream.settings;
    let mut asked = vec![
        ("response_type", "code".to_owned()),
        ("client_id", settings.client_id.clone()),
        ("redirect_uri", upstream.callback(auth)),
        ("scope", settings.scopes.clone()),
        ("state", state.to_owned()),
        ("nonce", nonce.to_owned()),
        ("code_challenge", challenge.to_owned()),
        ("code_challenge_method", "S256".to_owned()),
    ];
    asked.extend(settings.acr_values.clone().map(|values| ("acr_values", values)));
    if !settings.vtr.is_empty() {
        asked.push(("vtr", serde_json::json!(settings.vtr).to_string()));
    }
    asked
}

/// A value of 256 bits for an address.
fn token(auth: &Auth) -> Secret<String> {
    Secret::new(crypto::b64::encode(auth.world().secret::<32>().expose()))
}

/// Where the verifier of an attempt lies: at its state.
pub(super) fn verifier_place(state: &Digest) -> Place {
    let (halves, _) = state.as_bytes().as_chunks::<16>();
    let row = halves.first().copied().unwrap_or_default();
    Place { table: "upstream_attempt", row, column: "verifier", purpose: "upstream" }
}

impl Auth {
    pub(super) fn upstream_cookie(&self) -> Cookie {
        Cookie::new(COOKIE_NAME, self.config().transport())
    }
}
