//! The broker's flows, with a third party of our own on loopback.

/// One test for each engine, on a stage that is set.
macro_rules! on_stage {
    (async fn $name:ident($stage:ident) $body:block) => {
        on_stage!($crate::stage::patient(), async fn $name($stage) $body);
    };
    ($policy:expr, async fn $name:ident($stage:ident) $body:block) => {
        testkit::on_each_engine!(
            async fn $name(db: store::Db) {
                let $stage = $crate::stage::Stage::with(db, $policy).await;
                $body
            },
            migrations = [audit::MIGRATIONS, jobs::MIGRATIONS, vault::MIGRATIONS, broker::MIGRATIONS]
        );
    };
}

#[cfg(test)]
mod action;
#[cfg(test)]
mod connect;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod managed;
#[cfg(test)]
mod outbound;
#[cfg(test)]
#[cfg(test)]
mod provider;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod unlink;
#[cfg(test)]
mod view;
#[cfg(test)]
mod withings;
