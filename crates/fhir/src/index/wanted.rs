//! Which values of a record somebody asks for: the others need not be taken.

use std::collections::BTreeSet;

use super::{
    Plan,
    plan::{Node, Take},
};
use crate::parameter::{Compartment, ParameterId, Registry, ResourceType};

/// What is asked for, of whatever type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) parameters: BTreeSet<ParameterId>,
    pub(crate) compartments: BTreeSet<Compartment>,
}

/// The part of one type's tree that leads to what is asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(super) of: ResourceType,
    parameters: BTreeSet<ParameterId>,
    pub(super) compartments: BTreeSet<Compartment>,
    nodes: Vec<Reach>,
}

/// What of a node is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Nothing,
    /// Values of some parameters, of itself or below it.
    Some,
    /// Everything: it is a part of a composite that is wanted.
    All,
}

impl Wanted {
    /// Of records of a type, as this registry takes their values: it has to be extracted with the same.
    pub(crate) fn of(registry: &Registry, of: ResourceType, asked: &Asked) -> Self {
        let Asked { mut parameters, compartments } = asked.clone();
        let members = compartments.iter().flat_map(|compartment| registry.members(*compartment, of));
        parameters.extend(members);
        let nodes = registry.plan(of).map_or_else(Vec::new, |plan| reaches(plan, &parameters));
        Self { of, parameters, compartments, nodes }
    }

    /// Whether anything at a node or below it is wanted.
    pub(super) fn is_reached(&self, at: usize) -> bool {
        self.nodes.get(at).is_some_and(|reach| *reach > Reach::Nothing)
    }

    /// Whether the values of a parameter are wanted at a node.
    pub(super) fn takes(&self, at: usize, parameter: ParameterId) -> bool {
        match self.nodes.get(at) {
            Some(Reach::All) => true,
            Some(Reach::Some) => self.asks(parameter),
            Some(Reach::Nothing) | None => false,
        }
    }

    /// Whether a parameter is asked for.
    pub(super) fn asks(&self, parameter: ParameterId) -> bool {
        self.parameters.contains(&parameter)
    }
}

/// A node stands behind the one that leads to it, so what is below is known from the end on.
fn reaches(plan: &Plan, parameters: &BTreeSet<ParameterId>) -> Vec<Reach> {
    let mut reaches = vec![Reach::Nothing; plan.nodes().len()];
    let mut roots = Vec::new();
    for (at, node) in plan.nodes().iter().enumerate().rev() {
        let own = node.leaves.iter().filter(|leaf| parameters.contains(&leaf.parameter));
        let parts = own.clone().filter_map(|leaf| match &leaf.take {
            Take::Composite(parts) => Some(parts.iter().map(|part| part.root)),
            _ => None,
        });
        roots.extend(parts.flatten());
        let below = |to: usize| reaches.get(to).is_some_and(|reach| *reach > Reach::Nothing);
        let is_reached = own.clone().next().is_some() || node.edges.iter().any(|edge| below(edge.to));
        set(&mut reaches, at, if is_reached { Reach::Some } else { Reach::Nothing });
    }
    while let Some(at) = roots.pop() {
        if set(&mut reaches, at, Reach::All) != Some(Reach::All) {
            roots.extend(plan.node(at).into_iter().flat_map(Node::leads_to));
        }
    }
    reaches
}

/// The value before.
fn set(reaches: &mut [Reach], at: usize, to: Reach) -> Option<Reach> {
    reaches.get_mut(at).map(|reach| std::mem::replace(reach, to))
}

#[cfg(test)]
mod tests {
    use fhirpath::document::{Document, DocumentLimits};

    use super::*;
    use crate::index::{every, extract, extract_wanted};

    /// Of each parameter of each type, and of each compartment, what is taken alone is what is taken with everything.
    #[test]
    fn what_is_wanted_is_as_it_is_among_all() {
        let registry = Registry::r4();
        let mut compared = 0;
        for of in ResourceType::all() {
            let text = every::record(of, 1);
            let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).unwrap();
            let all = extract(document.root(), &registry).unwrap();
            for parameter in registry.parameters(of) {
                let asked = Asked { parameters: BTreeSet::from([parameter.id]), ..Asked::default() };
                let wanted = Wanted::of(&registry, of, &asked);
                let own = extract_wanted(document.root(), &registry, &wanted).unwrap();
                assert!(
                    own.entries.iter().all(|entry| entry.parameter == parameter.id),
                    "{of}.{}",
                    parameter.code
                );
                assert!(own.of(parameter.id).eq(all.of(parameter.id)), "{of}.{}", parameter.code);
                compared += own.entries.len();
            }
            for compartment in Compartment::ALL {
                let asked = Asked { compartments: BTreeSet::from([compartment]), ..Asked::default() };
                let own =
                    extract_wanted(document.root(), &registry, &Wanted::of(&registry, of, &asked)).unwrap();
                let is_of = |one: &&super::super::Membership<'_>| one.compartment == compartment;
                let (own, all) =
                    (own.compartments.iter().filter(is_of), all.compartments.iter().filter(is_of));
                assert!(own.eq(all), "{of} in {}", compartment.as_str());
            }
        }
        assert!(compared > 1_000, "{compared}");
    }

    #[test]
    fn of_another_type_everything_is_taken() {
        let registry = Registry::r4();
        let text = r#"{"resourceType":"Patient","id":"1","gender":"male"}"#;
        let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).unwrap();
        let observation = ResourceType::named("Observation").unwrap();
        let wanted = Wanted::of(&registry, observation, &Asked::default());
        let own = extract_wanted(document.root(), &registry, &wanted);
        assert_eq!(own, extract(document.root(), &registry));
    }
}
