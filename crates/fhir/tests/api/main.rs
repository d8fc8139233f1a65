//! The FHIR APIs as callers see them: the contract's table row by row, on both engines.

/// One test for each engine, on a stage that is set.
#[cfg(test)]
macro_rules! on_stage {
    (async fn $name:ident($stage:ident) $body:block) => {
        on_stage!(
            async fn $name(new, $stage) $body
        );
    };
    (async fn $name:ident($made:ident, $stage:ident) $body:block) => {
        testkit::on_each_engine!(
            async fn $name(db: store::Db) {
                let $stage = $crate::stage::Stage::$made(db).await;
                $body
            },
            migrations = [audit::MIGRATIONS, vault::MIGRATIONS, jobs::MIGRATIONS, fhir::MIGRATIONS]
        );
    };
}

/// One test for each engine.
#[cfg(test)]
macro_rules! on_db {
    (async fn $name:ident($db:ident) $body:block) => {
        testkit::on_each_engine!(
            async fn $name($db: store::Db) $body,
            migrations = [audit::MIGRATIONS, vault::MIGRATIONS, jobs::MIGRATIONS, fhir::MIGRATIONS]
        );
    };
}

#[cfg(test)]
mod admin;
#[cfg(test)]
mod around;
#[cfg(test)]
mod audit_events;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod bundles;
#[cfg(test)]
mod capability;
#[cfg(test)]
mod conditional;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod everything;
#[cfg(test)]
mod manners;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod packages;
#[cfg(test)]
mod pains;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod provenance;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod records;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod search;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod terminology;
#[cfg(test)]
mod topics;
