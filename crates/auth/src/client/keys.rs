//! The public keys of clients: those of the registration, or those at its `jwks_uri`.  RFC 7591 §2, SMART App Launch 2.2 §2.2.3.4
//!
//! Nothing but the registered address is ever asked (`jku` and `x5u` of an assertion are not read), through `outbound`, and
//! no oftener than [`FETCH_UNKNOWN_EVERY`] because of a key that is not there.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use crypto::jose::{JWKS_BYTES_MAX, Jwks};
use http::{HeaderMap, StatusCode, header};
use kernel::{Id, Timestamp};
use outbound::{Call, Outbound};
use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use url::Url;

use super::Client;

/// How many clients' keys are remembered.
const CLIENTS_MAX: usize = 10_000;

/// For how long fetched keys are good where their answer says nothing.
const KEYS_LIFE: Duration = Duration::from_mins(5);

/// For how long at the most, whatever their answer says.
pub(crate) const KEYS_LIFE_MAX: Duration = Duration::from_hours(24);

/// How often keys are fetched because an assertion names one that is not there.
pub(crate) const FETCH_UNKNOWN_EVERY: Duration = Duration::from_mins(1);

/// How often an address that does not answer is asked.
pub(crate) const FETCH_FAILED_EVERY: Duration = Duration::from_secs(10);

/// The longest that a fetch may take: a client waits behind it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The keys that this node knows.
pub(crate) struct ClientKeys(Cache<Id<kernel::Client>, Arc<Kept>>);

/// One client's.
struct Kept {
    /// The registration that they belong to: another one has another entry.
    updated_at: Timestamp,
    uri: Option<Url>,
    held: RwLock<Held>,
    fetching: Mutex<()>,
}

#[derive(Clone)]
struct Held {
    keys: Option<Arc<Jwks>>,
    fetched_at: Timestamp,
    fresh_until: Timestamp,
}

/// Whether to ask again, decided from what is held.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Use,
    Fetch,
}

impl ClientKeys {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CLIENTS_MAX))
    }

    /// The client's keys, asked for anew where they are over or this key is not among them; none where it has none or
    /// they cannot be had.
    pub(crate) async fn of(
        &self,
        client: &Client,
        kid: Option<&str>,
        outbound: &Outbound,
        now: Timestamp,
    ) -> Option<Arc<Jwks>> {
        let kept = self.kept(client);
        let Some(uri) = &kept.uri else { return kept.held().keys };
        if step(&kept.held(), kid, now) == Step::Fetch {
            // Whoever comes meanwhile waits for this fetch and uses what it brought.
            let _one = kept.fetching.lock().await;
            let held = kept.held();
            if step(&held, kid, now) == Step::Fetch {
                let fetched = fetch(outbound, uri, now, held).await;
                *kept.held.write().unwrap_or_else(PoisonError::into_inner) = fetched;
            }
        }
        let held = kept.held();
        held.keys.filter(|_| now < held.fresh_until || held.fetched_at == now)
    }

    fn kept(&self, client: &Client) -> Arc<Kept> {
        let known = self.0.get(&client.id).filter(|kept| kept.updated_at == client.updated_at);
        known.unwrap_or_else(|| {
            let kept = Arc::new(Kept::of(client));
            self.0.insert(client.id, Arc::clone(&kept));
            kept
        })
    }
}

impl Kept {
    fn of(client: &Client) -> Self {
        let inline =
            client.metadata.jwks.as_ref().and_then(|set| Jwks::from_json(set.to_string().as_bytes()).ok());
        let never = Timestamp::from_micros(0);
        Self {
            updated_at: client.updated_at,
            uri: client.metadata.jwks_uri.as_deref().and_then(|uri| Url::parse(uri).ok()),
            held: RwLock::new(Held { keys: inline.map(Arc::new), fetched_at: never, fresh_until: never }),
            fetching: Mutex::new(()),
        }
    }

    fn held(&self) -> Held {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn step(held: &Held, kid: Option<&str>, now: Timestamp) -> Step {
    let age = now.since(held.fetched_at);
    match &held.keys {
        None if age < FETCH_FAILED_EVERY => Step::Use,
        None => Step::Fetch,
        Some(_) if now >= held.fresh_until && held.fetched_at < now => Step::Fetch,
        Some(keys) => {
            let is_unknown = kid.is_some_and(|kid| !keys.has(kid));
            if is_unknown && age >= FETCH_UNKNOWN_EVERY { Step::Fetch } else { Step::Use }
        }
    }
}

async fn fetch(outbound: &Outbound, uri: &Url, now: Timestamp, before: Held) -> Held {
    let call = Call { timeout: FETCH_TIMEOUT, ..Call::get(uri.clone()) };
    let failed = |why: &dyn std::fmt::Display| {
        tracing::info!(%why, "the keys of a client cannot be fetched");
        // Keys that are still good stay good: a key that is asked for in vain changes nothing.
        let keys = before.keys.clone().filter(|_| now < before.fresh_until);
        Held { keys, fetched_at: now, fresh_until: before.fresh_until }
    };
    match outbound.read(call, JWKS_BYTES_MAX).await {
        Ok(answer) if answer.status == StatusCode::OK => match Jwks::from_json(&answer.body) {
            Ok(keys) => {
                let life = life(&answer.headers);
                Held { keys: Some(Arc::new(keys)), fetched_at: now, fresh_until: now + life }
            }
            Err(fault) => failed(&fault),
        },
        Ok(answer) => failed(&answer.status),
        Err(fault) => failed(&fault),
    }
}

/// For how long an answer says that it may be kept (RFC 9111 §5.2.2); never longer than [`KEYS_LIFE_MAX`]. Requests of
/// one instant share an answer that may not be kept at all.
fn life(headers: &HeaderMap) -> Duration {
    let mut max_age = None;
    for value in headers.get_all(header::CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',') {
            let (name, argument) = directive.trim().split_once('=').unwrap_or((directive.trim(), ""));
            match name.to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return Duration::ZERO,
                "max-age" => max_age = argument.trim_matches('"').parse().ok().map(Duration::from_secs),
                _ => {}
            }
        }
    }
    max_age.unwrap_or(KEYS_LIFE).min(KEYS_LIFE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_as_long_as_they_say_and_a_day_at_the_most() {
        for (lines, seconds) in [
            (&[] as &[&str], 300),
            (&["max-age=60"], 60),
            (&["public, Max-Age=\"60\""], 60),
            (&["max-age=0"], 0),
            (&["max-age=31536000"], 86_400),
            (&["max-age=-1"], 300),
            (&["max-age=60", "no-store"], 0),
            (&["no-cache"], 0),
        ] {
            let headers = lines
                .iter()
                .map(|line| (header::CACHE_CONTROL, line.parse().unwrap()))
                .collect::<HeaderMap>();
            assert_eq!(life(&headers).as_secs(), seconds, "{lines:?}");
        }
    }

    #[test]
    fn when_keys_are_asked_for_again() {
        let at = Timestamp::from_seconds;
        let set = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let keys = Some(Arc::new(Jwks::from_json(set).unwrap()));
        for (has_keys, kid, now, expected) in [
            (true, Some("a"), 1_000, Step::Use),
            (true, None, 1_299, Step::Use),
            (true, Some("a"), 1_300, Step::Fetch),
            (true, Some("b"), 1_059, Step::Use),
            (true, Some("b"), 1_060, Step::Fetch),
            (false, Some("a"), 1_009, Step::Use),
            (false, Some("a"), 1_010, Step::Fetch),
        ] {
            let keys = keys.clone().filter(|_| has_keys);
            let held = Held { keys, fetched_at: at(1_000), fresh_until: at(1_300) };
            assert_eq!(step(&held, kid, at(now)), expected, "{kid:?} {now}");
        }
        let uncacheable = Held { keys, fetched_at: at(1_000), fresh_until: at(1_000) };
        assert_eq!(step(&uncacheable, Some("a"), at(1_000)), Step::Use, "for those who waited");
        assert_eq!(step(&uncacheable, Some("a"), at(1_001)), Step::Fetch);
    }
}
