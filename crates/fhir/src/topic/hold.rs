//! Versions are held against what subscriptions ask for. Nothing is asked here of who may see them.

use std::collections::BTreeMap;

use fhirpath::document::{Document, DocumentLimits};
use kernel::Timestamp;
use tokio::task::yield_now;

use super::{
    change::{Change, Seen, became},
    remember::Told,
};
use crate::resource::Version;

/// A version with the one before it.
pub(super) struct Step {
    pub version: Version,
    pub before: Option<Version>,
}

/// Of each subscription that asks for one of these versions, by its place: the places of those.
pub(super) type Hits = BTreeMap<usize, Vec<usize>>;

/// Hold all of them against all; others get on between two versions. What a version is found by is told by what the subscriptions were read
/// with: a parameter that one of them asks for and the other does not know would look like one without a value.
pub(super) async fn hold(told: &Told, steps: &[Step], now: Timestamp) -> Hits {
    let mut hits = Hits::new();
    for (nth, step) in steps.iter().enumerate() {
        for subscription in asking(told, step, now) {
            hits.entry(subscription).or_default().push(nth);
        }
        yield_now().await;
    }
    hits
}

fn asking(told: &Told, step: &Step, now: Timestamp) -> Vec<usize> {
    let Step { version, before } = step;
    let of = version.resource_type;
    let (old, new) = (document(before.as_ref()), document(Some(version)));
    let change = Change {
        of,
        became: became(version, before.as_ref()),
        before: old.as_ref().and_then(|document| Seen::new(document, &told.registry)),
        after: new.as_ref().and_then(|document| Seen::new(document, &told.registry)),
        now,
    };
    told.asking(of)
        .filter(|(_, one)| version.rid.number() > one.since && one.wanted.is_about(&change))
        .map(|(nth, _)| nth)
        .collect()
}

fn document(version: Option<&Version>) -> Option<Document<'_>> {
    let body = version?.body.as_ref()?;
    Document::from_json(body.as_str().as_bytes(), &DocumentLimits::default()).ok()
}
