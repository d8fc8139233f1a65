//! Webhooks as owners of endpoints and receivers see them, on both engines, with a receiver of our own on loopback.

/// One test for each engine, on a stage that is set.
#[cfg(test)]
macro_rules! on_stage {
    (async fn $name:ident($stage:ident) $body:block) => {
        testkit::on_each_engine!(
            async fn $name(db: store::Db) {
                let $stage = $crate::stage::Stage::new(db).await;
                $body
            },
            migrations = [audit::MIGRATIONS, jobs::MIGRATIONS, vault::MIGRATIONS, webhooks::MIGRATIONS]
        );
    };
}

#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod inbound;
#[cfg(test)]
mod links;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod verifiers;
