//! A person makes a key. It is shown this once.

use std::time::Duration;

use kernel::{Actor, GRANTS_MAX, Grant, Grants, Issue, Role, Scopes, Secret, Timestamp, World};
use serde_json::json;
use store::Reader;

use super::{ApiKey, ApiKeyFault, KEYS_MAX, KeyName, queries};
use crate::{
    Acting, Auth, client,
    client::{ClientIdText, NewSecret, register::Registration},
    client_connection,
    role::{self, MalformedRole},
    scope,
};

/// How long a key may be good at the most, in days, where an end is set at all.
pub const LIFETIME_DAYS_MAX: u32 = 3_650;

/// What a key begins with, so that a scanner knows one that has leaked.
pub const PREFIX: &str = "hlm_ak_";

/// The characters of an account prefix.
const ACCOUNT_CHARACTERS: usize = 6;

/// The constraints that keep names apart within an organisation; engines differ in which they look at first.
const NAME_KEYS: [&str; 2] = ["client_organisation_id_suffix_key", "client_client_id_key"];

/// Who makes a key, which decides what the key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// A developer.
    Developer,
    /// An administrator.
    Administrator,
}

/// What a form says of a key: nothing is parsed yet.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// Letters, digits and spaces.
    pub name: String,
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// What the key is in the organisation: `data_manager`, or `viewer:` and a study's id or short name.
    pub roles: Vec<String>,
    /// How long it is good; without an end where nothing is said.
    pub lifetime_days: Option<u32>,
}

/// A key that was just made: the only time its text is there.
pub struct Made {
    /// The key, without the key.
    pub key: ApiKey,
    /// What its maker copies.
    pub text: Secret<String>,
}

/// What a maker may give to a key: what no person has to grant; calls of administrators are for administrators to give.
pub fn may_give(maker: Maker, known: &Scopes) -> Scopes {
    let own = scope::without_person(known);
    match maker {
        Maker::Administrator => own,
        Maker::Developer => {
            let of_administrators = [client_connection::ADMIN, scope::SITES_ADMIN];
            own.iter().filter(|scope| !of_administrators.contains(&scope.as_str())).cloned().collect()
        }
    }
}

/// Make a key for the acting person's organisation.
///
/// # Errors
/// [`ApiKeyFault::Refused`] names every field at fault; [`ApiKeyFault::NameTaken`]; [`ApiKeyFault::TooMany`].
pub async fn make(auth: &Auth, acting: &Acting, maker: Maker, new: &NewKey) -> Result<Made, ApiKeyFault> {
    make_with(auth, acting, maker, new, NewSecret::draw_after(auth, PREFIX)).await
}

/// The same, with this text.
pub(super) async fn make_with(
    auth: &Auth,
    acting: &Acting,
    maker: Maker,
    new: &NewKey,
    secret: NewSecret,
) -> Result<Made, ApiKeyFault> {
    let now = auth.world().now();
    let read = read(new, &may_give(maker, auth.scopes_known()), auth.scopes_known(), now)?;
    let grants = read_roles(auth, acting, &new.roles).await?;
    let account = draw_account(auth.world());
    let registration = Registration {
        name: read.name.as_str().to_owned(),
        uri: auth.config().base().to_owned(),
        confidentiality: "confidential".to_owned(),
        grant_types: vec!["client_credentials".to_owned()],
        scopes: read.scopes.to_string(),
        ..Registration::default()
    };
    let placeholder = key_id(&account, &read.name)?;
    let client = client::register::into_client_of(auth, acting, &registration, placeholder)?;
    let made_by = match acting.actor {
        Actor::Person { person, .. } => Some(person),
        Actor::Client(_) | Actor::Receiver(_) | Actor::System | Actor::Anonymous => None,
    };
    let row = client::secret::SecretRow { expires_at: read.expires_at, ..secret.row(auth, &client, now) };
    let (world, acting) = (auth.world().clone(), acting.clone());
    let written = auth
        .db()
        .write(async move |tx| -> Result<ApiKey, ApiKeyFault> {
            if queries::count(tx, acting.organisation).await? >= KEYS_MAX {
                return Err(ApiKeyFault::TooMany);
            }
            let account = queries::account(tx, acting.organisation, &account).await?;
            let client = client::Client { client_id: key_id(&account, &read.name)?, ..client.clone() };
            client::queries::insert(tx, &client, read.name.folded()).await?;
            client::queries::insert_secret(tx, &row).await?;
            let key = ApiKey {
                id: client.id.cast(),
                key_id: client.client_id,
                name: client.name,
                scopes: client.scopes,
                grants: grants.clone(),
                made_by,
                created_at: now,
                expires_at: row.expires_at,
                last_used_at: None,
            };
            queries::insert(tx, acting.organisation, &key).await?;
            check_giver(tx, &acting, &key.grants).await?;
            for grant in key.grants.iter() {
                role::queries::give(tx, client.id, acting.organisation, grant, now).await?;
            }
            let details =
                json!({ "scopes": key.scopes, "roles": words(&key.grants), "expires_at": key.expires_at });
            audit::record(tx, &world, &acting.entry("api_key.made", key.id, details)).await?;
            Ok(key)
        })
        .await;
    match written {
        Ok(key) => Ok(Made { key, text: secret.text }),
        Err(ApiKeyFault::Store(fault)) if NAME_KEYS.iter().any(|key| fault.is_unique(key)) => {
            Err(ApiKeyFault::NameTaken)
        }
        Err(fault) => Err(fault),
    }
}

/// The roles that a form states.
pub(super) async fn read_roles(
    auth: &Auth,
    acting: &Acting,
    stated: &[String],
) -> Result<Grants, ApiKeyFault> {
    let refused = |why: String| ApiKeyFault::Refused(vec![Issue::at("roles", why)]);
    if stated.len() > GRANTS_MAX {
        return Err(refused(format!("must be at most {GRANTS_MAX}")));
    }
    match role::read(auth, acting, stated).await {
        Ok(grants) => Ok(grants.into_iter().collect()),
        Err(MalformedRole::Store(fault)) => Err(fault.into()),
        Err(why) => Err(refused(why.to_string())),
    }
}

/// A key is never more than its maker; what the operator declares is as declared.
pub(super) async fn check_giver(
    tx: &mut Reader,
    acting: &Acting,
    grants: &Grants,
) -> Result<(), ApiKeyFault> {
    let own = match acting.actor {
        Actor::Person { person, .. } => role::queries::within(tx, person, acting.organisation).await?,
        Actor::Client(client) => role::queries::within(tx, client, acting.organisation).await?,
        Actor::System => {
            [Grant::whole(Role::SystemAdmin), Grant::whole(Role::OrgAdmin)].into_iter().collect()
        }
        Actor::Receiver(_) | Actor::Anonymous => Grants::none(),
    };
    match grants.iter().find(|grant| !own.cover(*grant)) {
        None => Ok(()),
        Some(more) => {
            Err(ApiKeyFault::Refused(vec![Issue::at("roles", format!("not yours to give: {more}"))]))
        }
    }
}

/// Roles as the audit trail keeps them.
pub(super) fn words(grants: &Grants) -> Vec<String> {
    grants.iter().map(|grant| grant.to_string()).collect()
}

fn key_id(account: &str, name: &KeyName) -> Result<ClientIdText, ApiKeyFault> {
    let text = format!("{account}.{}", name.folded().as_str());
    text.parse().map_err(|_| ApiKeyFault::Refused(vec![Issue::at("name", "does not make an id")]))
}

/// Six of `a` to `z` and `2` to `7`.
fn draw_account(world: &World) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let letter = |byte: u8| LETTERS.get(usize::from(byte % 32)).map(|letter| char::from(*letter));
    world.random::<ACCOUNT_CHARACTERS>().into_iter().filter_map(letter).collect()
}

pub(super) struct Read {
    pub name: KeyName,
    pub scopes: Scopes,
    expires_at: Option<Timestamp>,
}

pub(super) fn read(
    new: &NewKey,
    may_give: &Scopes,
    known: &Scopes,
    now: Timestamp,
) -> Result<Read, ApiKeyFault> {
    let mut issues = Vec::new();
    let name = KeyName::parse(&new.name).map_err(|why| issues.push(Issue::at("name", why.to_string()))).ok();
    let scopes =
        read_scopes(&new.scopes, may_give, known).map_err(|why| issues.push(Issue::at("scopes", why))).ok();
    if new.lifetime_days.is_some_and(|days| !(1..=LIFETIME_DAYS_MAX).contains(&days)) {
        issues.push(Issue::at("lifetime_days", "must be 1 to 3650 days"));
    }
    match (name, scopes) {
        (Some(name), Some(scopes)) if issues.is_empty() => {
            let lifetime = new.lifetime_days.map(|days| Duration::from_hours(24 * u64::from(days)));
            Ok(Read { name, scopes, expires_at: lifetime.map(|lifetime| now + lifetime) })
        }
        _ => Err(ApiKeyFault::Refused(issues)),
    }
}

fn read_scopes(text: &str, may_give: &Scopes, known: &Scopes) -> Result<Scopes, String> {
    let asked: Scopes = text.parse().map_err(|why: kernel::MalformedScope| why.to_string())?;
    if asked.is_empty() {
        return Err("must be at least one".to_owned());
    }
    let strange = scope::unknown(&asked, known);
    if !strange.is_empty() {
        return Err(format!("not known here: {strange}"));
    }
    let withheld = asked.without(&asked.as_far_as(may_give));
    if withheld.is_empty() { Ok(asked) } else { Err(format!("not yours to give: {withheld}")) }
}

#[cfg(test)]
mod tests {
    use kernel::Fault;

    use super::*;

    #[test]
    fn a_key_gets_what_its_maker_may_give() {
        let known: Scopes = format!("{} a", scope::built_in()).parse().unwrap();
        let now = Timestamp::from_seconds(0);
        let read_as = |maker, scopes: &str, lifetime_days| {
            let new = NewKey {
                name: "Lab reports".into(),
                scopes: scopes.into(),
                lifetime_days,
                ..NewKey::default()
            };
            read(&new, &may_give(maker, &known), &known, now)
                .map(|read| (read.scopes.to_string(), read.expires_at.map(Timestamp::as_seconds)))
                .map_err(|fault| fault.path().unwrap().into_owned())
        };
        for (maker, scopes, days, expected) in [
            (Maker::Developer, "a", None, Ok(("a", None))),
            (
                Maker::Developer,
                "a system/Observation.rs",
                Some(1),
                Ok(("a system/Observation.rs", Some(86_400))),
            ),
            (Maker::Developer, "client:read", None, Ok(("client:read", None))),
            (Maker::Developer, "client:admin", None, Err("scopes")),
            (Maker::Administrator, "client:admin", None, Ok(("client:admin", None))),
            (Maker::Administrator, "openid", None, Err("scopes")),
            (Maker::Administrator, "patient/*.rs", None, Err("scopes")),
            (Maker::Administrator, "made-up", None, Err("scopes")),
            (Maker::Administrator, "", None, Err("scopes")),
            (Maker::Developer, "a", Some(0), Err("lifetime_days")),
            (Maker::Developer, "a", Some(3_651), Err("lifetime_days")),
        ] {
            let got = read_as(maker, scopes, days);
            let got = got.as_ref().map(|(scopes, at)| (scopes.as_str(), *at)).map_err(String::as_str);
            assert_eq!(got, expected, "{maker:?} {scopes:?} {days:?}");
        }
    }
}
