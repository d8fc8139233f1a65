//! What is sealed of an endpoint: the values of its header fields, and the keys that sign.

use std::time::Duration;

use crypto::webhook::{Message, Pair, sign};
use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::{Id, Secret, Timestamp, World};
use serde::{Deserialize, Serialize};
use vault::{Place, Sealed, TenantVault, VaultError};

use super::{Endpoint, PublicKey};

/// Keys that sign at the same time: the newest, and those that were rotated out and still overlap.
pub const KEYS_MAX: usize = 3;

/// The two keys that sign together: one that the receiver knows, and one of which it knows the public half.
#[derive(Clone, Serialize, Deserialize)]
struct Keys {
    hmac: [u8; 32],
    seed: [u8; 32],
    /// Until when; none for the newest.
    until: Option<i64>,
}

impl Keys {
    fn new(world: &World) -> Self {
        Self { hmac: world.random(), seed: world.random(), until: None }
    }

    fn signs_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now.as_micros() < until)
    }

    fn public(&self) -> Option<PublicKey> {
        let key = Pair::of(&Secret::new(self.seed))?.public();
        Some(PublicKey { key, until: self.until.map(Timestamp::from_micros) })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        (self.hmac, self.seed) = ([0; 32], [0; 32]);
    }
}

/// What is sealed of an endpoint.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    fields: Vec<(String, String)>,
    /// The newest first.
    keys: Vec<Keys>,
}

fn place(id: Id<Endpoint>) -> Place {
    Place { table: "webhook_endpoint", row: *id.as_bytes(), column: "secrets", purpose: "endpoint" }
}

impl Secrets {
    /// New keys, and these fields.
    pub fn new(world: &World, fields: Vec<(String, String)>) -> Self {
        Self { fields, keys: vec![Keys::new(world)] }
    }

    /// The same keys with other fields; a field whose value is not said keeps its own.
    pub fn with_fields(mut self, fields: Vec<(String, Option<String>)>) -> Self {
        let before = std::mem::take(&mut self.fields);
        let value =
            |name: &str| before.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        self.fields = fields
            .into_iter()
            .filter_map(|(name, said)| {
                let value = said.or_else(|| value(&name))?;
                Some((name, value))
            })
            .collect();
        self
    }

    /// New keys; those of before sign beside them for a while.
    pub fn rotated(mut self, world: &World, overlap: Duration) -> Self {
        let now = world.now();
        let end = (now + overlap).as_micros();
        for keys in &mut self.keys {
            keys.until = Some(keys.until.map_or(end, |until| until.min(end)));
        }
        self.keys.retain(|keys| keys.signs_at(now));
        self.keys.insert(0, Keys::new(world));
        self.keys.truncate(KEYS_MAX);
        self
    }

    pub fn seal(&self, vault: &TenantVault, id: Id<Endpoint>) -> Result<Sealed, VaultError> {
        let bytes = serde_json::to_vec(self).map(Secret::new).map_err(|_| VaultError::NotText)?;
        Ok(vault.seal(place(id), bytes.expose()))
    }

    pub fn open(vault: &TenantVault, id: Id<Endpoint>, sealed: &Sealed) -> Result<Self, VaultError> {
        let bytes = vault.open(place(id), sealed)?;
        serde_json::from_slice(bytes.expose()).map_err(|_| VaultError::NotText)
    }

    /// The newest key as its owner is shown it.
    pub fn shown(&self) -> Option<Secret<String>> {
        self.keys.first().map(|keys| crypto::webhook::shown(&Secret::new(keys.hmac)))
    }

    /// The names of the fields.
    pub fn names(&self) -> Vec<String> {
        self.fields.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The public halves.
    pub fn public(&self) -> Vec<PublicKey> {
        self.keys.iter().filter_map(Keys::public).collect()
    }

    /// The fields of one call.
    pub fn headers(&self, message: &Message<'_>) -> HeaderMap {
        let field = |(name, value): &(String, String)| outbound::webhook::field(name, value).ok();
        let mut headers: HeaderMap<HeaderValue> = self
            .fields
            .iter()
            .filter_map(field)
            .collect::<Vec<(HeaderName, HeaderValue)>>()
            .into_iter()
            .collect();
        let mut signatures = Vec::new();
        for keys in self.keys.iter().filter(|keys| keys.signs_at(message.at)) {
            signatures.push(sign(&Secret::new(keys.hmac), message));
            signatures.extend(Pair::of(&Secret::new(keys.seed)).map(|pair| pair.sign(message)));
        }
        headers.extend(outbound::webhook::signed(message.id, message.at, &signatures));
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signatures(secrets: &Secrets, at: Timestamp) -> Vec<String> {
        let headers = secrets.headers(&Message { id: "m", at, body: b"{}" });
        headers["webhook-signature"].to_str().unwrap().split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_rotated_key_signs_beside_the_new_one_until_its_time_is_over() {
        let (world, clock) = testkit::world();
        let old = Secrets::new(&world, Vec::new());
        let before = signatures(&old, world.now());
        let both = old.clone().rotated(&world, Duration::from_secs(60));
        let during = signatures(&both, world.now());
        assert_eq!((before.len(), during.len()), (2, 4));
        assert!(before.iter().all(|signature| during.contains(signature)));
        clock.advance(Duration::from_secs(60));
        let after = signatures(&both, world.now());
        assert_eq!(after.len(), 2);
        let again = both.rotated(&world, Duration::from_secs(60));
        assert_eq!(again.keys.len(), 2, "what has ended is gone");
    }

    #[test]
    fn there_are_never_more_than_some_keys() {
        let (world, _) = testkit::world();
        let mut secrets = Secrets::new(&world, Vec::new());
        for _ in 0..9 {
            secrets = secrets.rotated(&world, Duration::from_secs(3_600));
        }
        assert_eq!((secrets.keys.len(), secrets.public().len()), (KEYS_MAX, KEYS_MAX));
        assert!(secrets.keys[0].until.is_none());
    }

    #[test]
    fn a_field_whose_value_is_not_said_keeps_its_own() {
        let (world, _) = testkit::world();
        let text = str::to_owned;
        let secrets = Secrets::new(&world, vec![(text("a"), text("1")), (text("b"), text("2"))]);
        let kept =
            secrets.with_fields(vec![(text("a"), None), (text("c"), Some(text("3"))), (text("d"), None)]);
        assert_eq!(kept.fields, [(text("a"), text("1")), (text("c"), text("3"))]);
    }
}
