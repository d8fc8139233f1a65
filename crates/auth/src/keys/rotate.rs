//! New keys for old, without anybody noticing.  RFC 7517 §5, NIST SP 800-57 part 1 §5.3

use std::time::Duration;

use crypto::jose::Algorithm;
use jobs::{Job, JobFault, Retry};
use kernel::{Id, Key, Timestamp};
use serde::{Deserialize, Serialize};
use store::Writer;

use super::{CHANGED, KeyRow, State, entry, make, queries};
use crate::{Auth, OpenFault, client::TOKEN_LIFETIME_S_MAX};

/// How long a key is published before it signs: twice as long as the key set may be kept in caches, so that a node or a
/// client that hears late has it too.
pub const PUBLISHED_BEFORE: Duration = Duration::from_mins(10);

/// How long a key stays published once it signs no more: the longest life of a token, and what clocks differ.
const RETIRING: Duration =
    Duration::from_secs(TOKEN_LIFETIME_S_MAX as u64 + crypto::jose::LEEWAY_S as u64 + 60);

/// How often it is looked whether something is due.
pub(crate) const ROTATION_LOOKED_AT: Duration = Duration::from_mins(5);

/// The job.
#[derive(Serialize, Deserialize)]
pub(crate) struct RotateKeys {}

impl Job for RotateKeys {
    const NAME: &'static str = "auth.rotate_keys";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 10, max_s: 60, jitter_percent: 20 };
    type Context = Auth;

    async fn run(self, auth: &Auth, _attempt: u32) -> Result<(), JobFault> {
        match bring_up_to_date(auth).await {
            Err(OpenFault::Store(fault)) => Err(fault.into()),
            Err(fault) => Err(JobFault::again(fault.to_string())),
            Ok(()) => Ok(()),
        }
    }
}

/// Publish the next key of every algorithm now; it signs [`PUBLISHED_BEFORE`] later. Says for how many one was made.
///
/// # Errors
/// The database, or a key that cannot be made.
pub async fn rotate(auth: &Auth) -> Result<usize, OpenFault> {
    let keys = standing(auth).await?;
    let is = |state, algorithm| keys.iter().any(|key| key.state == state && key.algorithm.0 == algorithm);
    let mut made = 0;
    for algorithm in super::OFFERED {
        if is(State::Active, algorithm) && !is(State::Next, algorithm) {
            make(auth.db(), auth.vault(), auth.world(), algorithm, State::Next).await?;
            made += 1;
        }
    }
    auth.reload_keys().await?;
    Ok(made)
}

async fn standing(auth: &Auth) -> Result<Vec<KeyRow>, OpenFault> {
    Ok(queries::living(&mut auth.db().read().await?).await?)
}

/// Do what is due. What one run makes due, the next one does.
async fn bring_up_to_date(auth: &Auth) -> Result<(), OpenFault> {
    let keys = standing(auth).await?;
    let config = auth.config();
    let wanted: Vec<_> = config.signing_algorithms().collect();
    for step in due(auth.world().now(), &wanted, config.key_rotation, &keys) {
        match step {
            Step::Make(algorithm, state) => {
                make(auth.db(), auth.vault(), auth.world(), algorithm, state).await?;
            }
            Step::Promote(key, algorithm) => promote(auth, key, algorithm).await?,
            Step::Retire(key) => retire(auth, key).await?,
        }
    }
    auth.reload_keys().await
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Make(Algorithm, State),
    Promote(Id<Key>, Algorithm),
    Retire(Id<Key>),
}

fn due(now: Timestamp, wanted: &[Algorithm], period: Duration, keys: &[KeyRow]) -> Vec<Step> {
    let mut steps = Vec::new();
    for algorithm in super::OFFERED {
        let find = |state| keys.iter().find(|key| key.algorithm.0 == algorithm && key.state == state);
        match (find(State::Active), find(State::Next)) {
            (None, None) if wanted.contains(&algorithm) => steps.push(Step::Make(algorithm, State::Active)),
            (Some(active), None) if now >= active.since + period => {
                steps.push(Step::Make(algorithm, State::Next));
            }
            (_, Some(next)) if now >= next.since + PUBLISHED_BEFORE => {
                steps.push(Step::Promote(next.id, algorithm));
            }
            _ => {}
        }
    }
    let over = |key: &&KeyRow| key.state == State::Retiring && now >= key.since + RETIRING;
    steps.extend(keys.iter().filter(over).map(|key| Step::Retire(key.id)));
    steps
}

/// One unit: the one signs no more, the other does.
async fn promote(auth: &Auth, key: Id<Key>, algorithm: Algorithm) -> Result<(), OpenFault> {
    let (world, now) = (auth.world().clone(), auth.world().now());
    let entry = entry("signing_key.activated", key, serde_json::json!({ "algorithm": algorithm }));
    auth.db()
        .write(async move |tx: &mut Writer| -> Result<(), OpenFault> {
            queries::step_down(tx, algorithm, key, now).await?;
            if queries::activate(tx, key, now).await? > 0 {
                audit::record(tx, &world, &entry).await?;
                tx.publish(CHANGED, "").await?;
            }
            Ok(())
        })
        .await
}

async fn retire(auth: &Auth, key: Id<Key>) -> Result<(), OpenFault> {
    let (world, now) = (auth.world().clone(), auth.world().now());
    let entry = entry("signing_key.retired", key, serde_json::json!({}));
    auth.db()
        .write(async move |tx: &mut Writer| -> Result<(), OpenFault> {
            if queries::retire(tx, key, now).await? > 0 {
                audit::record(tx, &world, &entry).await?;
                tx.publish(CHANGED, "").await?;
            }
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::{super::Named, *};

    const PERIOD: Duration = Duration::from_hours(24);
    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    fn key(id: u8, algorithm: Algorithm, state: State, since: Timestamp) -> KeyRow {
        KeyRow {
            id: Id::from_bytes([id; 16]),
            kid: None,
            algorithm: Named(algorithm),
            state,
            since,
            private_key: store::FromValue::from_value(store::ValueRef::Blob(&[])).unwrap(),
        }
    }

    fn id(id: u8) -> Id<Key> {
        Id::from_bytes([id; 16])
    }

    #[test]
    fn what_is_due_is_done_and_nothing_before() {
        use Algorithm::{Es256, Es384, Rs256};
        let second = Duration::from_secs(1);
        let active = key(1, Es256, State::Active, START);
        let next = key(2, Es256, State::Next, START);
        let retiring = key(3, Es256, State::Retiring, START);
        let unasked = key(4, Es384, State::Active, START);
        let cases = [
            (vec![], START, vec![Step::Make(Es256, State::Active)], "the first"),
            (vec![&active], START + PERIOD - second, vec![], "young enough"),
            (vec![&active], START + PERIOD, vec![Step::Make(Es256, State::Next)], "old enough"),
            (
                vec![&active, &next],
                START + PUBLISHED_BEFORE - second,
                vec![],
                "not published for long enough",
            ),
            (vec![&active, &next], START + PUBLISHED_BEFORE, vec![Step::Promote(id(2), Es256)], "its turn"),
            (vec![&next], START, vec![], "the next one is made already"),
            (vec![&active, &retiring], START + PERIOD - second, vec![], "a token of it may be alive"),
            (
                vec![&active, &retiring],
                START + RETIRING,
                vec![Step::Make(Es256, State::Next), Step::Retire(id(3))],
                "the last token of it is over",
            ),
            (
                vec![&active, &unasked],
                START + PERIOD,
                vec![Step::Make(Es256, State::Next), Step::Make(Es384, State::Next)],
                "what a client needed rotates too",
            ),
        ];
        for (keys, now, steps, what) in cases {
            let keys: Vec<_> = keys.into_iter().cloned().collect();
            assert_eq!(due(now, &[Es256], PERIOD, &keys), steps, "{what}");
        }
        assert_eq!(due(START, &[Es256, Rs256], PERIOD, &[active]), [Step::Make(Rs256, State::Active)]);
    }

    #[test]
    fn a_key_outlives_its_tokens() {
        assert!(RETIRING > Duration::from_secs(TOKEN_LIFETIME_S_MAX.into()));
        assert!(PUBLISHED_BEFORE > Duration::from_mins(5), "the life of the key set in caches");
    }
}
