//! What a full run did not come across: each record is asked for, and only what the source says is gone is deleted. A record that fell through
//! between two pages is stored instead.

use ::jobs::Attempt;
use serde_json::{Value, json};

use super::{
    Phase, RECHECKED_AT_ONCE, Run,
    go::StepFault,
    page::{Brought, Leads, Stepped, opened, store},
    queries,
};
use crate::{
    Exchange, Source,
    connector::{Asked, Name},
};

/// Ask for the next records that were not seen.
pub(super) async fn recheck(
    exchange: &Exchange,
    attempt: &Attempt,
    (run, source): (&Run, &Source),
) -> Result<Stepped, StepFault> {
    let vault = exchange.vault.tenant(run.organisation).await.map_err(|fault| StepFault::of(&fault))?;
    let after = name(opened(exchange, &vault, run).await?.as_ref());
    let of = (run.integration, run.id);
    let names = queries::unseen(&mut exchange.db.read().await?, of, &after, RECHECKED_AT_ONCE).await?;
    let last = names.last().map(|last| json!({"of": last.of, "id": last.id}));
    let mut brought = Brought::default();
    let asked = exchange.world.now();
    for name in names {
        match source.connector.ask(&name).await? {
            Asked::Gone => brought.gone.push(name),
            Asked::There(found) => brought.found.push(found),
        }
    }
    brought.took = exchange.world.now().since(asked);
    let next = last.map(|last| (Phase::Recheck, Some(last)));
    store(exchange, attempt, (run, source), (brought, Leads { next, mark: None })).await
}

fn name(place: Option<&Value>) -> Name {
    let word = |key: &str| place.and_then(|place| place.get(key)).and_then(Value::as_str).unwrap_or_default();
    Name { of: word("of").to_owned(), id: word("id").to_owned() }
}
