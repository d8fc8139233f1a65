//! REST APIs: asked in our own name, or in that of each person who has linked an account.

use std::sync::Arc;

use exchange::connector::{
    Mapper, Paced, SignIn, Way,
    linked::LinkedApi,
    rest::{RestApi, declared},
};

use super::{Asked, Made, linked};

pub(super) fn connector(asked: &Asked<'_>) -> Made {
    const WRONG: &str = "config.streams and config.mapping do not fit: write them again";
    let declared = declared(&asked.of.config).map_err(|_| WRONG)?;
    let (plan, mapping) = declared.ok_or("config.streams names nothing to pull")?;
    let mapper = Mapper::new(Arc::new(mapping), &asked.vault, asked.of.id);
    if asked.text("auth_type") != Some("linked_accounts") {
        return Ok(Arc::new(RestApi::new(asked.way()?, asked.base()?, plan, mapper)));
    }
    let accounts = linked::BrokerAccounts {
        broker: asked.sources.broker.clone(),
        auth: asked.sources.auth.clone(),
        organisation: asked.of.organisation,
        integration: linked::named(asked.text("linked_integration"))?,
    };
    // Calls go through the broker, which has the tokens and the budget of the third party.
    let paced = Paced::new(asked.sources.outbound.clone(), asked.sources.world.clone());
    let nobodys = Way::new(paced, SignIn::Open);
    let api = RestApi::new(nobodys, asked.base()?, plan, mapper);
    Ok(Arc::new(LinkedApi::new(api, Arc::new(accounts), asked.sources.world.clone())))
}
