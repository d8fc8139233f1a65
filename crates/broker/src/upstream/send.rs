//! One call in a person's name: token attached, budgets counted, tried again where that is safe.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use super::{
    UpstreamFault,
    retry::{is_safe, may_pass, pause},
};
use crate::{Broker, By, credential::Live, integration::Integration};
use outbound::{Answer, Call, OutboundFault};

/// The longest one call to a third party's API may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A call to be made in a person's name.
pub(crate) struct Errand<'a> {
    pub integration: &'a Integration,
    pub live: Arc<Live>,
    pub by: &'a By,
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Whether doing it twice does no more than doing it once.
    pub repeatable: bool,
}

/// Whether a method alone says that doing it twice does no more than doing it once.
pub(crate) fn is_idempotent_here(method: &Method) -> bool {
    is_safe(method)
}

/// Make the call. The answer is the third party's, whatever its status, but for 401 and 429 and 5xx that another try
/// has turned into something better.
pub(crate) async fn send(broker: &Broker, errand: Errand<'_>) -> Result<Answer, UpstreamFault> {
    let mut live = errand.live.clone();
    let mut attempt = 1;
    let mut was_renewed = false;
    loop {
        broker.spend_budgets(errand.integration, live.id).await?;
        let outcome = broker.outbound.send(errand.call(&live)).await;
        if let Ok(answer) = &outcome
            && answer.status == StatusCode::UNAUTHORIZED
        {
            if was_renewed || !errand.repeatable {
                broker.renew_in_background(&live, errand.by);
                return Err(UpstreamFault::NotAccepted);
            }
            live = broker.newer_credential(&live, errand.integration, errand.by).await?;
            was_renewed = true;
            continue;
        }
        let wait = match &outcome {
            Ok(answer) if errand.repeatable && may_pass(answer.status) => {
                pause(attempt, outbound::retry_after(&answer.headers, broker.world.now()), spread(broker))
            }
            // Nobody has seen a call that was not sent; any other may have been carried out.
            Err(OutboundFault::NotSent(_)) => pause(attempt, None, spread(broker)),
            Err(fault) if errand.repeatable && is_passing(fault) => pause(attempt, None, spread(broker)),
            _ => None,
        };
        match wait {
            Some(wait) if broker.may_retry(errand.integration).await => tokio::time::sleep(wait).await,
            _ => return Ok(outcome?),
        }
        attempt += 1;
    }
}

fn spread(broker: &Broker) -> u8 {
    let [byte] = broker.world.random();
    byte
}

const fn is_passing(fault: &OutboundFault) -> bool {
    matches!(fault, OutboundFault::TimedOut | OutboundFault::Broken(_))
}

impl Errand<'_> {
    fn call(&self, live: &Live) -> Call {
        let mut headers = self.headers.clone();
        headers.insert(header::AUTHORIZATION, live.authorization.clone());
        Call {
            method: self.method.clone(),
            url: self.url.clone(),
            headers,
            body: self.body.clone(),
            timeout: CALL_TIMEOUT,
        }
    }
}
