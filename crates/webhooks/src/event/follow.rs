//! Each event gets its place in the feed, and in the same unit one delivery for each endpoint that is told of it: no event is left
//! out and none is told twice, whoever else follows, and wherever a node dies.
//!
//! A node that publishes follows at once; what a node published that died before it could is found by the clock of any other.

use std::{collections::BTreeMap, time::Duration};

use jobs::feed::{self, Placed};
use kernel::{Id, Organisation};
use serde_json::Value;
use store::{DbError, Writer};
use tokio::time::timeout;

use super::{is_wanted, queries};
use crate::{
    Webhooks,
    delivery::{self, NewDelivery},
    endpoint::{Listening, Order},
};

/// Events that get their places in one unit.
pub const FEED_ROWS: i64 = 500;
/// The longest that events without a place are not looked for.
pub const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// On this channel it is told that events have got their places.
pub(crate) const PLACED: &str = "event_placed";

pub(crate) async fn keep_following(webhooks: Webhooks) {
    let mut published = webhooks.db.notify().subscribe(feed::PUBLISHED);
    loop {
        if let Err(why) = webhooks.follow().await {
            tracing::warn!(%why, "events are not followed; it will be tried again");
        }
        tokio::select! {
            biased;
            () = webhooks.shutdown.begun() => return,
            heard = timeout(FOLLOW_EVERY, published.next()) => {
                if let Ok(None) = heard {
                    return;
                }
            }
        }
    }
}

impl Webhooks {
    /// Give all events that wait their places; how many those were.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn follow(&self) -> Result<usize, DbError> {
        let mut all = 0;
        while feed::is_behind(&self.db).await? {
            let placed = self.place_some().await?;
            all += placed;
            if placed == 0 {
                break;
            }
        }
        Ok(all)
    }

    async fn place_some(&self) -> Result<usize, DbError> {
        let world = self.world.clone();
        self.db
            .write_in_turn(feed::PLACING, async move |tx: &mut Writer| {
                let placed = feed::place(tx, FEED_ROWS).await?;
                let now = world.now();
                let mut of_organisation: BTreeMap<Id<Organisation>, Vec<&Placed>> = BTreeMap::new();
                for event in &placed {
                    of_organisation.entry(event.organisation).or_default().push(event);
                }
                for (organisation, events) in of_organisation {
                    let names = events.iter().map(|event| event.name.as_str()).collect();
                    let listening = queries::listening(tx, organisation, &names).await?;
                    delivery::add(tx, &deliveries(&listening, &events), now).await?;
                }
                if !placed.is_empty() {
                    tx.publish(PLACED, "").await?;
                }
                Ok(placed.len())
            })
            .await
    }
}

/// Who is told of what.
fn deliveries(listening: &[Listening], events: &[&Placed]) -> Vec<NewDelivery> {
    let listening: Vec<(String, &Listening)> =
        listening.iter().map(|endpoint| (endpoint.id.to_string(), endpoint)).collect();
    let mut all = Vec::new();
    for event in events {
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        for (id, endpoint) in &listening {
            if !is_wanted(&endpoint.wanted, id, event, &data) {
                continue;
            }
            let order_key = match endpoint.order {
                Order::None => None,
                Order::Subject => Some(event.subject.clone()),
            };
            all.push(NewDelivery {
                endpoint: endpoint.id,
                event: event.id,
                organisation: event.organisation,
                name: event.name.clone(),
                place: event.place,
                order_key,
            });
        }
    }
    all
}
