//! Search parameters that a site has beside R4's, of the packages that it has switched on.

use std::sync::{Arc, OnceLock};

use super::{Definition, ParameterFault, ParameterId, Registry, ResourceType};

/// Whether searches may ask for a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Every record is found by it.
    Ready,
    /// What is written is; records that were there before it are being indexed.
    Building,
    /// The site has it no more; its rows are being taken away.
    Leaving,
}

/// What a site has beside R4's, as it was at one of its changes.
#[derive(Debug, Default)]
pub struct Added {
    generation: i64,
    all: Vec<(ParameterId, Definition, Standing)>,
    registry: OnceLock<Arc<Registry>>,
    of_one: OnceLock<Arc<Registry>>,
}

impl Added {
    pub(crate) fn new(generation: i64, all: Vec<(ParameterId, Definition, Standing)>) -> Self {
        Self { generation, all, registry: OnceLock::new(), of_one: OnceLock::new() }
    }

    /// How often the site's parameters were changed.
    pub(crate) const fn generation(&self) -> i64 {
        self.generation
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether all that may be asked for here may be there too.
    pub(crate) fn is_ready_in(&self, now: &Self) -> bool {
        let is_ready = |standing: &Standing| *standing == Standing::Ready;
        let mut ready = self.all.iter().filter(|(.., standing)| is_ready(standing));
        ready.all(|(id, ..)| now.all.iter().any(|(own, _, standing)| own == id && is_ready(standing)))
    }

    /// The parameters in this standing.
    pub(crate) fn that_are(&self, standing: Standing) -> Vec<ParameterId> {
        self.all.iter().filter(|(.., own)| *own == standing).map(|(id, ..)| *id).collect()
    }

    /// The types of those that are on their way, in the order of their numbers.
    pub(crate) fn moving_types(&self) -> Vec<ResourceType> {
        let moving = self.all.iter().filter(|(.., standing)| *standing != Standing::Ready);
        let mut types: Vec<ResourceType> = moving.flat_map(|(_, definition, _)| definition.types()).collect();
        types.sort_unstable_by_key(|of| of.number());
        types.dedup();
        types
    }

    /// R4's parameters and these, made when they are asked for first.
    pub(crate) fn registry(&self, r4: &Arc<Registry>) -> Arc<Registry> {
        if self.is_empty() {
            return Arc::clone(r4);
        }
        Arc::clone(self.registry.get_or_init(|| self.made(r4, |standing| standing)))
    }

    /// The same for what is asked of one record at a time: a record says at once what it will be found by when all are indexed.
    pub(crate) fn registry_of_one(&self, r4: &Arc<Registry>) -> Arc<Registry> {
        if self.that_are(Standing::Building).is_empty() {
            return self.registry(r4);
        }
        let built = |standing| match standing {
            Standing::Building => Standing::Ready,
            other => other,
        };
        Arc::clone(self.of_one.get_or_init(|| self.made(r4, built)))
    }

    fn made(&self, r4: &Registry, standing_of: impl Fn(Standing) -> Standing) -> Arc<Registry> {
        let mut registry = r4.clone();
        for (id, definition, standing) in &self.all {
            // What was refused was never kept.
            let _: Result<_, ParameterFault> = registry.add(definition, *id, standing_of(*standing));
        }
        Arc::new(registry)
    }
}
