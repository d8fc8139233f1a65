//! What a third party allows, shared by everybody here; and what a trust allows its client.

use std::time::Duration;

use kernel::{Connection, Id, Trust as TrustKind};
use web::Quota;

use super::UpstreamFault;
use crate::{
    Broker,
    integration::Integration,
    provider::{Budget, BudgetScope},
};

/// Retries of one integration together, so that an outage over there is not answered with a storm from here.
const RETRIES_PER_MINUTE: u32 = 60;

/// Linked people of an integration, as budgets count them.
pub(crate) struct Shares(pub i64);

impl Broker {
    /// Count a call of this client.
    pub(crate) async fn spend_rate(
        &self,
        trust: Id<TrustKind>,
        per_minute: u32,
    ) -> Result<(), UpstreamFault> {
        let decision = self.limiter.check(&format!("trust:{trust}"), Quota::per_minute(per_minute)).await;
        if decision.is_allowed {
            return Ok(());
        }
        Err(UpstreamFault::Throttled { whose: "rate of the trust", retry_after_s: decision.retry_after_s() })
    }

    /// Count a call to the third party, whoever makes it.
    pub(super) async fn spend_budgets(
        &self,
        integration: &Integration,
        connection: Id<Connection>,
    ) -> Result<(), UpstreamFault> {
        for (nth, budget) in integration.provider.limits.iter().enumerate() {
            // A tier's budget is one of the plans that the provider sells; which one is bought is not known here.
            if budget.tier.is_some() {
                continue;
            }
            let key = match budget.scope {
                BudgetScope::App => format!("budget:{}:{nth}", integration.id),
                BudgetScope::User | BudgetScope::UserPerApp => format!("budget:{connection}:{nth}"),
                // Endpoints and devices are told apart by the third party alone; its 429 is honoured.
                BudgetScope::Endpoint | BudgetScope::Device => continue,
            };
            let people = if budget.per_user > 0 { self.linked_people(integration).await? } else { 0 };
            let decision = self.limiter.check(&key, strict(budget, people)).await;
            if !decision.is_allowed {
                let whose = "budget of the third party";
                return Err(UpstreamFault::Throttled { whose, retry_after_s: decision.retry_after_s() });
            }
        }
        Ok(())
    }

    /// Whether another retry fits.
    pub(super) async fn may_retry(&self, integration: &Integration) -> bool {
        let key = format!("retry:{}", integration.id);
        self.limiter.check(&key, Quota::per_minute(RETRIES_PER_MINUTE)).await.is_allowed
    }

    async fn linked_people(&self, integration: &Integration) -> Result<i64, UpstreamFault> {
        let id = integration.id;
        let load = async {
            let mut reader = self.db.read().await?;
            let people = crate::connection::queries::count_live(&mut reader, id).await?;
            Ok::<_, store::DbError>(Some(Shares(people)))
        };
        let shares = self.shares.get(&id, self.world.now(), load).await;
        Ok(shares.map_err(crate::credential::CredentialFault::from)?.map_or(0, |shares| shares.0))
    }
}

/// A quota that never lets more than the limit through in any stretch of the window: a quarter may come at once, the
/// rest comes back evenly over the window.
fn strict(budget: &Budget, people: i64) -> Quota {
    let people = u32::try_from(people).unwrap_or(u32::MAX);
    let limit = budget.limit.saturating_add(budget.per_user.saturating_mul(people)).max(1);
    let at_once = (limit / 4).max(1);
    let rest = limit.saturating_sub(at_once).max(1);
    let window = Duration::from_secs(u64::from(budget.window_s.max(1)));
    Quota::new(at_once, window.saturating_mul(at_once) / rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::BudgetWindow;

    #[test]
    fn no_stretch_of_the_window_holds_more_than_the_limit() {
        for (limit, per_user, people, window_s) in
            [(150, 0, 0, 3600), (500, 20, 7, 900), (2, 0, 0, 60), (100, 0, 0, 60)]
        {
            let budget = Budget {
                scope: BudgetScope::App,
                limit,
                per_user,
                window_s,
                window: BudgetWindow::Rolling,
                tier: None,
                reset_header: None,
            };
            let quota = strict(&budget, people);
            let allowed = f64::from(limit) + f64::from(per_user) * f64::from(u32::try_from(people).unwrap());
            let rate = f64::from(quota.requests()) / quota.period().as_secs_f64();
            let most = f64::from(quota.requests()) + rate * f64::from(window_s);
            assert!(most <= allowed + 0.01, "{most} of {allowed}");
            assert!(most >= allowed * 0.9);
        }
    }
}
