//! A confidential client's secrets: drawn here, shown once, kept as a keyed digest. Several overlap while one replaces
//! another.

use std::time::Duration;

use super::{AuthMethod, Client, ClientFault, queries};
use crate::{Acting, Auth};
use crypto::token;
use kernel::{ClientSecret, Digest, Id, Issue, Secret, Timestamp};
use vault::{Place, Sealed};

/// How many live secrets a client may have.
pub const SECRETS_MAX: usize = 5;

/// How long the secrets before it stay good after a rotation.
pub const OVERLAP: Duration = Duration::from_hours(24);

/// How long a new secret may be chosen to be good, in days, where it is to end by itself.
pub const LIFETIMES_DAYS: [u32; 4] = [30, 90, 180, 365];

/// The shortest secret that an operator may bring along, in bytes: 256 bits as base64url.
const GIVEN_BYTES_MIN: usize = 43;

/// What a secret begins with, so that a scanner knows one that has leaked.
pub const PREFIX: &str = "hlm_cs_";

/// Keeps digests of client secrets apart from every other digest.
pub(crate) const PURPOSE: &str = "client.secret";

/// A secret that was just drawn: the only time its text is there.
pub struct NewSecret {
    /// Its id, by which it can be retired.
    pub id: Id<ClientSecret>,
    /// What the developer copies.
    pub text: Secret<String>,
    digest: Digest,
}

/// A secret as its row holds it.
#[derive(Debug, Clone)]
pub struct SecretRow {
    /// Its id.
    pub id: Id<ClientSecret>,
    /// Whose it is.
    pub client: Id<kernel::Client>,
    pub(crate) digest: Digest,
    /// The secret itself, where the client signs with it (`client_secret_jwt`).
    pub(crate) sealed: Option<Sealed>,
    /// When it was drawn.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within five minutes.
    pub last_used_at: Option<Timestamp>,
    /// When it was retired.
    pub retired_at: Option<Timestamp>,
}

fn place(secret: Id<ClientSecret>) -> Place {
    Place { table: "client_secret", row: *secret.as_bytes(), column: "sealed", purpose: "client_secret_jwt" }
}

impl SecretRow {
    /// The secret itself, to check an HMAC of the client's. None where the client does not sign with it.
    pub(crate) fn open(&self, auth: &Auth) -> Option<Secret<Vec<u8>>> {
        auth.vault().open_system(place(self.id), self.sealed.as_ref()?).ok()
    }

    /// Whether both are the same secret, whenever they were given.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// Whether it proves anything now.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.retired_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl NewSecret {
    pub(super) fn draw(auth: &Auth) -> Self {
        Self::of(auth, token::generate(auth.world(), PREFIX))
    }

    /// A secret that an operator brings along.
    pub(crate) fn given(auth: &Auth, text: Secret<String>) -> Result<Self, ClientFault> {
        if text.expose().len() >= GIVEN_BYTES_MIN {
            Ok(Self::of(auth, text))
        } else {
            Err(ClientFault::Refused(vec![Issue::at("secret", "must be at least 43 random characters")]))
        }
    }

    fn of(auth: &Auth, text: Secret<String>) -> Self {
        let digest = auth.vault().digest(PURPOSE, text.expose().as_bytes());
        Self { id: auth.world().new_id(), text, digest }
    }

    /// A secret that begins with another prefix.
    pub(crate) fn draw_after(auth: &Auth, prefix: &'static str) -> Self {
        Self::of(auth, token::generate(auth.world(), prefix))
    }

    pub(crate) fn row(&self, auth: &Auth, client: &Client, now: Timestamp) -> SecretRow {
        let sealed = (client.auth_method == AuthMethod::ClientSecretJwt)
            .then(|| auth.vault().seal_system(place(self.id), self.text.expose().as_bytes()));
        SecretRow {
            id: self.id,
            client: client.id,
            digest: self.digest,
            sealed,
            created_at: now,
            expires_at: None,
            last_used_at: None,
            retired_at: None,
        }
    }
}

/// What becomes of the secrets that are there when a new one is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Earlier {
    Stay,
    EndAfterOverlap,
}

/// When a new secret ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Never: somebody ends it.
    Never,
    /// After so many days, of [`LIFETIMES_DAYS`].
    AfterDays(u32),
}

impl Ends {
    /// Reads a number of days of [`LIFETIMES_DAYS`], or nothing.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Never);
        }
        let days = text.parse().ok()?;
        LIFETIMES_DAYS.contains(&days).then_some(Self::AfterDays(days))
    }

    fn at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::AfterDays(days) => Some(now + Duration::from_hours(24 * u64::from(days))),
        }
    }
}

/// Draw a further secret; those that are there stay.
///
/// # Errors
/// [`ClientFault::TooManySecrets`], [`ClientFault::Public`], [`ClientFault::NotFound`].
pub async fn add_secret(
    auth: &Auth,
    acting: &Acting,
    client: Id<kernel::Client>,
    ends: Ends,
) -> Result<NewSecret, ClientFault> {
    draw(auth, acting, client, Earlier::Stay, ends).await
}

/// Draw a new secret; those that are there end after [`OVERLAP`].
///
/// # Errors
/// As [`add_secret`].
pub async fn rotate_secret(
    auth: &Auth,
    acting: &Acting,
    client: Id<kernel::Client>,
    ends: Ends,
) -> Result<NewSecret, ClientFault> {
    draw(auth, acting, client, Earlier::EndAfterOverlap, ends).await
}

async fn draw(
    auth: &Auth,
    acting: &Acting,
    client: Id<kernel::Client>,
    earlier: Earlier,
    ends: Ends,
) -> Result<NewSecret, ClientFault> {
    let drawn = NewSecret::draw(auth);
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    let owner = super::get(auth, &acting, client).await?;
    if !owner.auth_method.has_secret() {
        return Err(ClientFault::Public);
    }
    let row = SecretRow { expires_at: ends.at(now), ..drawn.row(auth, &owner, now) };
    let client_id = owner.client_id.clone();
    auth.db()
        .write(async move |tx| -> Result<(), ClientFault> {
            let secrets = queries::secrets(tx, client).await?;
            if secrets.iter().filter(|secret| secret.is_live(now)).count() >= SECRETS_MAX {
                return Err(ClientFault::TooManySecrets);
            }
            if earlier == Earlier::EndAfterOverlap {
                queries::end_secrets(tx, client, now + OVERLAP).await?;
            }
            queries::insert_secret(tx, &row).await?;
            queries::touch(tx, &owner, now).await?;
            let act = match earlier {
                Earlier::Stay => "client.secret_added",
                Earlier::EndAfterOverlap => "client.secret_rotated",
            };
            let details = serde_json::json!({ "secret": row.id, "expires_at": row.expires_at });
            audit::record(tx, &world, &acting.entry(act, client, details)).await?;
            Ok(())
        })
        .await?;
    auth.directory().forget(client_id.as_str());
    Ok(drawn)
}

/// Add a secret that is given, unless the client has or had it.
pub(super) async fn add_given(
    auth: &Auth,
    acting: &Acting,
    client: Id<kernel::Client>,
    given: NewSecret,
) -> Result<(), ClientFault> {
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    let owner = super::get(auth, &acting, client).await?;
    let (row, client_id) = (given.row(auth, &owner, now), owner.client_id.clone());
    auth.db()
        .write(async move |tx| -> Result<(), ClientFault> {
            if !queries::secrets(tx, client).await?.iter().any(|secret| secret.digest == row.digest) {
                queries::insert_secret(tx, &row).await?;
                queries::touch(tx, &owner, now).await?;
                let entry =
                    acting.entry("client.secret_added", client, serde_json::json!({ "secret": row.id }));
                audit::record(tx, &world, &entry).await?;
            }
            Ok(())
        })
        .await?;
    auth.directory().forget(client_id.as_str());
    Ok(())
}

/// End a secret at once.
///
/// # Errors
/// [`ClientFault::NoSuchSecret`] when it is not a live secret of this client, [`ClientFault::NotFound`].
pub async fn retire_secret(
    auth: &Auth,
    acting: &Acting,
    client: Id<kernel::Client>,
    secret: Id<ClientSecret>,
) -> Result<(), ClientFault> {
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    let owner = super::get(auth, &acting, client).await?;
    let client_id = owner.client_id.clone();
    auth.db()
        .write(async move |tx| -> Result<(), ClientFault> {
            if queries::retire_secret(tx, client, secret, now).await? == 0 {
                return Err(ClientFault::NoSuchSecret);
            }
            queries::touch(tx, &owner, now).await?;
            let entry =
                acting.entry("client.secret_retired", client, serde_json::json!({ "secret": secret }));
            audit::record(tx, &world, &entry).await?;
            Ok(())
        })
        .await?;
    auth.directory().forget(client_id.as_str());
    Ok(())
}

/// A client's secrets without their text, the newest first.
///
/// # Errors
/// [`ClientFault::NotFound`].
pub async fn secrets_of(
    auth: &Auth,
    acting: &Acting,
    client: Id<kernel::Client>,
) -> Result<Vec<SecretRow>, ClientFault> {
    let mut tx = auth.db().read().await?;
    queries::by_id(&mut tx, acting.organisation, client).await?.ok_or(ClientFault::NotFound)?;
    Ok(queries::secrets(&mut tx, client).await?)
}
