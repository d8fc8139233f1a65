//! Whom a provider's subject is here.
//!
//! Fails closed: a subject that nobody is linked to becomes nobody who is there already, whatever e-mail address the
//! provider tells.

use kernel::{Digest, Id, Person, RequestId, Secret, Timestamp};
use serde_json::json;
use store::Writer;

use super::{NewPeople, Upstream, UpstreamFault, claims::Asserted, queries};
use crate::{
    Acting, Auth, SignedIn,
    person::{
        self, NewPerson, PersonFault, Proven, Shown,
        factor::{self, First, Halfway},
        register,
    },
    session::{Acr, Browser},
};

/// Keeps digests of subjects apart from every other digest.
const SUBJECT_PURPOSE: &str = "upstream.subject";

/// A provider that a person can sign in through.
pub struct Linked {
    /// The word in its addresses.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// Since when it is linked; none where it is not.
    pub since: Option<Timestamp>,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
}

/// A subject's person, as sign-in sees them.
pub(super) struct Found {
    pub person: Id<Person>,
    pub organisation: Id<kernel::Organisation>,
    pub disabled_at: Option<Timestamp>,
}

/// The providers that the sign-in page offers: the word in their addresses, and their names.
///
/// # Errors
/// The database.
pub async fn offered(auth: &Auth) -> Result<Vec<(String, String)>, UpstreamFault> {
    Ok(queries::offered(&mut auth.db().read().await?).await?)
}

/// The providers of the person's organisation, linked and not.
///
/// # Errors
/// The database.
pub async fn links(auth: &Auth, signed_in: &SignedIn) -> Result<Vec<Linked>, UpstreamFault> {
    let mut tx = auth.db().read().await?;
    Ok(queries::links_of(&mut tx, signed_in.person, signed_in.organisation).await?)
}

/// Let a provider sign the person in no longer.
///
/// # Errors
/// [`UpstreamFault::NotFound`]; [`FactorFault::NotRecent`](factor::FactorFault::NotRecent).
pub async fn unlink(auth: &Auth, signed_in: &SignedIn, slug: &str) -> Result<(), UpstreamFault> {
    factor::may_change(auth, signed_in).await?;
    let upstream =
        queries::by_slug(&mut auth.db().read().await?, slug).await?.ok_or(UpstreamFault::NotFound)?;
    let entry = signed_in.acting().entry("upstream.unlinked", upstream.id, serde_json::Value::Null);
    let (world, person) = (auth.world().clone(), signed_in.person);
    auth.db()
        .write(async move |tx| -> Result<(), UpstreamFault> {
            if queries::unlink(tx, upstream.id, person).await? == 0 {
                return Err(UpstreamFault::NotFound);
            }
            audit::record(tx, &world, &entry).await?;
            Ok(())
        })
        .await
}

/// The signed-in person is this subject from now on.
pub(super) async fn link(
    auth: &Auth,
    upstream: &Upstream,
    signed_in: &SignedIn,
    asserted: &Asserted,
) -> Result<(), UpstreamFault> {
    if signed_in.organisation != upstream.organisation {
        return Err(UpstreamFault::NotFound);
    }
    let digest = subject(auth, upstream, asserted);
    let entry = signed_in.acting().entry("upstream.linked", upstream.id, serde_json::Value::Null);
    let (auth_in, id, person) = (auth.clone(), upstream.id, signed_in.person);
    auth.db().write(async move |tx| insert(tx, &auth_in, id, &digest, person, &entry).await).await
}

/// Who has arrived: whom the subject is linked to, or a new person where that is open.
pub(super) async fn whose(
    auth: &Auth,
    upstream: &Upstream,
    asserted: &Asserted,
    request: Option<RequestId>,
) -> Result<Shown, UpstreamFault> {
    let digest = subject(auth, upstream, asserted);
    let found = queries::find(&mut auth.db().read().await?, upstream.id, &digest).await?;
    let found = match found {
        Some(found) => found,
        None => create(auth, upstream, asserted, digest, request).await?,
    };
    if found.disabled_at.is_some() {
        return Err(UpstreamFault::Disabled);
    }
    let (id, person, now) = (upstream.id, found.person, auth.world().now());
    let has_second = auth
        .db()
        .write(async move |tx| -> Result<bool, UpstreamFault> {
            queries::used(tx, id, person, now).await?;
            Ok(!factor::queries::kinds(tx, person).await?.is_empty())
        })
        .await?;
    let acr = upstream.settings.acr();
    let shown = Proven {
        person: found.person,
        organisation: found.organisation,
        at: now,
        acr,
        amr: asserted.amr(),
        browser: Browser::default(),
        claims: asserted.kept(upstream)?,
    };
    // Whoever has set up a second step has set it up for every way in that shows no two itself.
    Ok(if has_second && acr == Acr::Password {
        Shown::Half(Halfway::after(First::Provider, shown))
    } else {
        Shown::Enough(shown)
    })
}

async fn create(
    auth: &Auth,
    upstream: &Upstream,
    asserted: &Asserted,
    digest: Digest,
    request: Option<RequestId>,
) -> Result<Found, UpstreamFault> {
    let unknown = || UpstreamFault::Unknown { provider: upstream.name.clone() };
    if upstream.settings.new_people == NewPeople::Never {
        return Err(unknown());
    }
    let (email, name) = asserted.verified_email().ok_or_else(unknown)?;
    let new = NewPerson {
        id: None,
        email: email.to_owned(),
        display_name: name.chars().take(person::NAME_CHARACTERS_MAX).collect(),
        // Nobody knows it: they come in through the provider.
        password: Secret::new(crypto::b64::encode(auth.world().secret::<32>().expose())),
        roles: Vec::new(),
    };
    let acting = Acting { request, ..Acting::system(upstream.organisation) };
    let drawn = match register::draw(auth, &acting, new).await {
        Err(PersonFault::Refused(_)) => return Err(unknown()),
        other => other?,
    };
    let person = drawn.person.clone();
    let entry = acting.entry("upstream.linked", upstream.id, json!({ "person": person.id }));
    let (auth_in, id) = (auth.clone(), upstream.id);
    let made = auth
        .db()
        .write(async move |tx| -> Result<(), UpstreamFault> {
            register::insert(tx, &auth_in, &acting, &drawn).await?;
            insert(tx, &auth_in, id, &digest, drawn.person.id, &entry).await
        })
        .await;
    match made {
        Ok(()) => Ok(Found { person: person.id, organisation: person.organisation, disabled_at: None }),
        Err(UpstreamFault::Person(fault)) => match register::taken(fault) {
            // The same subject may have arrived twice at once. Else somebody else has the address, and whether an account has it
            // is told to nobody who has not shown its password.
            PersonFault::EmailTaken => {
                let found = queries::find(&mut auth.db().read().await?, upstream.id, &digest).await?;
                found.ok_or_else(unknown)
            }
            other => Err(other.into()),
        },
        Err(other) => Err(other),
    }
}

/// Write the link, once, with its row in the audit trail.
async fn insert(
    tx: &mut Writer,
    auth: &Auth,
    upstream: Id<kernel::Upstream>,
    subject: &Digest,
    person: Id<Person>,
    entry: &audit::Entry,
) -> Result<(), UpstreamFault> {
    if queries::is_linked(tx, upstream, subject, person).await? {
        return Ok(());
    }
    if queries::link(tx, upstream, subject, person, auth.world().now()).await? == 0 {
        return Err(UpstreamFault::LinkedOtherwise);
    }
    Ok(audit::record(tx, auth.world(), entry).await?)
}

/// A subject is one only together with its provider.
fn subject(auth: &Auth, upstream: &Upstream, asserted: &Asserted) -> Digest {
    let whole = [upstream.id.as_bytes().as_slice(), asserted.subject.as_bytes()].concat();
    auth.vault().digest(SUBJECT_PURPOSE, &whole)
}
