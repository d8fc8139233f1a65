//! How the values of one type of resource are extracted: the paths of all its parameters as one tree, walked once.

use fhirpath::{
    document::Name,
    model::{Model, TypeId},
    path::Program,
};

use super::path::{self, Branch, Filter, RECORD, Step};
use crate::parameter::{
    Compartment, Elements, Parameter, ParameterId, ParameterKind, Registry, ResourceType,
};

/// Of one type of resource.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The first is where records are begun with.
    nodes: Vec<Node>,
    /// Expressions that are no paths.
    pub(super) programs: Vec<(ParameterId, ParameterKind, Program)>,
    /// By which references a record is in which compartments.
    pub(super) compartments: Vec<(ParameterId, Compartment, ResourceType)>,
    /// Parameters whose expression is not FHIRPath or selects nothing that their type compares.
    pub(super) without_values: Vec<ParameterId>,
    /// Parameters whose tokens are nearly all different: identifiers, telephone numbers.
    manifold: Vec<ParameterId>,
}

#[derive(Debug, Default)]
pub(super) struct Node {
    /// Sorted by hash of their name.
    pub(super) edges: Vec<Edge>,
    pub(super) leaves: Vec<Leaf>,
}

#[derive(Debug)]
pub(super) struct Edge {
    pub(super) name: Name,
    pub(super) filters: Vec<Filter>,
    pub(super) to: usize,
}

#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) parameter: ParameterId,
    pub(super) take: Take,
}

/// How a value is taken of an element, by the kind of parameter and the element's type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Take {
    Code(Option<&'static str>),
    Coding,
    Concept,
    Identifier,
    Contact,
    Name,
    Address,
    Text,
    Reference,
    Canonical,
    /// A record within the record, of one of these types.
    Inline(Vec<ResourceType>),
    Moment,
    Period,
    Timing,
    Number,
    NumberRange,
    Quantity,
    Money,
    QuantityRange,
    Sampled,
    Uri,
    CanonicalUri,
    Position,
    Composite(Vec<Part>),
}

/// A component of a composite: its own tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) root: usize,
    pub(super) origin: Origin,
}

/// Where a component begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Origin {
    /// With the element that the composite selects.
    Element,
    /// With the record: `%resource`.
    Record,
}

impl Node {
    /// The nodes below it, those of parts of composites with them.
    pub(super) fn leads_to(&self) -> impl Iterator<Item = usize> {
        let parts = self.leaves.iter().filter_map(|leaf| match &leaf.take {
            Take::Composite(parts) => Some(parts.iter().map(|part| part.root)),
            _ => None,
        });
        self.edges.iter().map(|edge| edge.to).chain(parts.flatten())
    }
}

impl Take {
    /// Nothing where the kind does not compare values of this type: a string under a date (`Procedure.performed`).
    pub(super) fn of(kind: ParameterKind, type_name: &str, system: Option<&'static str>) -> Option<Self> {
        use ParameterKind as K;
        Some(match (kind, type_name) {
            (K::Token, "Coding") => Self::Coding,
            (K::Token, "CodeableConcept") => Self::Concept,
            (K::Token, "Identifier") => Self::Identifier,
            (K::Token, "ContactPoint") => Self::Contact,
            (K::Token, "code") => Self::Code(system),
            (K::Token, "boolean" | "id" | "string" | "uri" | "url" | "canonical" | "oid" | "uuid") => {
                Self::Code(None)
            }
            (K::String, "HumanName") => Self::Name,
            (K::String, "Address") => Self::Address,
            (K::String, "string" | "markdown" | "code" | "id" | "uri") => Self::Text,
            (K::Reference, "Reference") => Self::Reference,
            (K::Reference, "canonical" | "uri") => Self::Canonical,
            (K::Reference, "Resource") => Self::Inline(Vec::new()),
            (K::Date, "date" | "dateTime" | "instant") => Self::Moment,
            (K::Date, "Period") => Self::Period,
            (K::Date, "Timing") => Self::Timing,
            (K::Number, "decimal" | "integer" | "positiveInt" | "unsignedInt") => Self::Number,
            (K::Number, "Range") => Self::NumberRange,
            (K::Quantity, "Quantity" | "Age" | "Duration" | "Count" | "Distance") => Self::Quantity,
            (K::Quantity, "Money") => Self::Money,
            (K::Quantity, "Range") => Self::QuantityRange,
            (K::Quantity, "SampledData") => Self::Sampled,
            (K::Uri, "canonical") => Self::CanonicalUri,
            (K::Uri, "uri" | "url" | "oid" | "uuid") => Self::Uri,
            (K::Special, "Location.position") => Self::Position,
            _ => return None,
        })
    }
}

impl Plan {
    /// Of all parameters of a type.
    pub(crate) fn of(registry: &Registry, resource_type: ResourceType) -> Self {
        let mut plan = Self { nodes: vec![Node::default()], ..Self::default() };
        for parameter in registry.indexed(resource_type) {
            plan.add(registry, resource_type, parameter);
        }
        for compartment in Compartment::ALL {
            let Some(owner) = ResourceType::named(compartment.as_str()) else { continue };
            let members = registry.members(compartment, resource_type);
            plan.compartments.extend(members.map(|parameter| (parameter, compartment, owner)));
        }
        for node in &mut plan.nodes {
            node.edges.sort_by_key(|edge| edge.name.hash());
        }
        plan
    }

    /// Of those alone by which records of a type are in a compartment.
    pub(crate) fn of_compartment(registry: &Registry, resource_type: ResourceType, of: Compartment) -> Self {
        let mut plan = Self { nodes: vec![Node::default()], ..Self::default() };
        let members = registry.members(of, resource_type);
        for parameter in members.filter_map(|member| registry.parameter_by_id(resource_type, member)) {
            plan.add(registry, resource_type, parameter);
        }
        for node in &mut plan.nodes {
            node.edges.sort_by_key(|edge| edge.name.hash());
        }
        plan
    }

    /// Whether the tokens of a parameter are as many as its records.
    pub(crate) fn is_manifold(&self, parameter: ParameterId) -> bool {
        self.manifold.contains(&parameter)
    }

    /// Whether a parameter selects nothing that its kind compares.
    pub(crate) fn is_without_values(&self, parameter: ParameterId) -> bool {
        self.without_values.contains(&parameter)
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(super) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    fn add(&mut self, registry: &Registry, of: ResourceType, parameter: &Parameter) {
        let model = Elements::r4();
        let Some(type_id) = model.type_named(of.as_str()) else { return };
        let mut builder = Builder { plan: self, registry, model, record: type_id, parameter, placed: 0 };
        let placed = path::branches(&parameter.expression).is_some_and(|branches| {
            let own = branches.iter().filter(|branch| is_of(model, branch, type_id));
            own.map(|branch| builder.place(0, type_id, &branch.steps)).all(|one| one.is_some())
        });
        let count = builder.placed;
        if placed && count > 0 {
            return;
        }
        // What was placed of it stays: entries hold nothing twice.
        match Program::compile(&parameter.expression, model) {
            Ok(program) if !placed => self.programs.push((parameter.id, parameter.kind, program)),
            _ => self.without_values.push(parameter.id),
        }
    }

    fn new_node(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }
}

/// Whether an alternative begins with the type or one that it specializes.
fn is_of(model: &Elements, branch: &Branch, type_id: TypeId) -> bool {
    let root = branch.root.as_deref().map(|root| model.type_named(root));
    root.is_none_or(|root| root.is_some_and(|root| model.conforms(type_id, root)))
}

struct Builder<'b> {
    plan: &'b mut Plan,
    registry: &'b Registry,
    model: &'static Elements,
    record: TypeId,
    parameter: &'b Parameter,
    placed: usize,
}

impl Builder<'_> {
    /// Nothing if the steps have to be left to FHIRPath.
    fn place(&mut self, at: usize, of: TypeId, steps: &[Step]) -> Option<()> {
        let Some((step, rest)) = steps.split_first() else {
            return self.leaf(at, self.model.type_name(of).to_owned().as_str(), None);
        };
        match step {
            Step::Child(name) => self.children(at, of, name, rest),
            Step::As(wanted) if self.model.type_name(of) == &**wanted => self.place(at, of, rest),
            Step::As(_) | Step::Where(_) => None,
        }
    }

    fn children(&mut self, at: usize, of: TypeId, name: &str, rest: &[Step]) -> Option<()> {
        let found: Vec<(String, TypeId)> = match self.model.element(of, name) {
            Some(element) => vec![(name.to_owned(), element.type_id)],
            None => self.model.choices(of, name).into_iter().map(|(name, of)| (name, of.type_id)).collect(),
        };
        let (wanted, rest) = match rest.split_first() {
            Some((Step::As(wanted), rest)) => (Some(wanted), rest),
            _ => (None, rest),
        };
        let end = rest.iter().position(|step| !matches!(step, Step::Where(_))).unwrap_or(rest.len());
        let (filters, rest) = rest.split_at_checked(end)?;
        let filters: Vec<Filter> = filters
            .iter()
            .filter_map(|step| match step {
                Step::Where(filter) => Some(filter.clone()),
                _ => None,
            })
            .collect();
        if found.is_empty() {
            return None;
        }
        for (written, type_id) in found {
            let own = self.model.type_name(type_id);
            if wanted.is_some_and(|wanted| &**wanted != own) {
                continue;
            }
            let system = self.model.system(of, &written);
            let to = self.edge(at, &written, &filters);
            match rest {
                [] => self.leaf(to, own, system)?,
                rest => self.place(to, type_id, rest)?,
            }
        }
        Some(())
    }

    fn edge(&mut self, at: usize, name: &str, filters: &[Filter]) -> usize {
        let node = self.plan.nodes.get(at);
        let known = node.and_then(|node| {
            node.edges.iter().find(|edge| edge.name.as_str() == name && edge.filters == filters)
        });
        if let Some(known) = known {
            return known.to;
        }
        let to = self.plan.new_node();
        if let Some(node) = self.plan.nodes.get_mut(at) {
            node.edges.push(Edge { name: Name::new(name), filters: filters.to_vec(), to });
        }
        to
    }

    fn leaf(&mut self, at: usize, type_name: &str, system: Option<&'static str>) -> Option<()> {
        let take = if self.parameter.kind == ParameterKind::Composite {
            Take::Composite(self.components(type_name)?)
        } else {
            // What is not compared is no fault: `performed` may be a string.
            let Some(take) = Take::of(self.parameter.kind, type_name, system) else { return Some(()) };
            match take {
                Take::Inline(_) => Take::Inline(self.parameter.targets.clone()),
                take => take,
            }
        };
        self.placed += 1;
        if matches!(take, Take::Identifier | Take::Contact) {
            self.plan.manifold.push(self.parameter.id);
        }
        let leaf = Leaf { parameter: self.parameter.id, take };
        let leaves = &mut self.plan.nodes.get_mut(at)?.leaves;
        if !leaves.iter().any(|known| known.parameter == leaf.parameter && known.take == leaf.take) {
            leaves.push(leaf);
        }
        Some(())
    }

    /// Each component's own tree, from the element that the composite selects.
    fn components(&mut self, type_name: &str) -> Option<Vec<Part>> {
        let type_id = self.model.type_named(type_name)?;
        let mut parts = Vec::new();
        for component in &self.parameter.components {
            let root = self.plan.new_node();
            let definition = self.registry.by_url(&component.definition)?;
            let branches = path::branches(&component.expression)?;
            let of_record = branches.iter().all(|branch| branch.root.as_deref() == Some(RECORD));
            let mut inner = Builder {
                plan: self.plan,
                registry: self.registry,
                model: self.model,
                record: self.record,
                parameter: definition,
                placed: 0,
            };
            let (begin, origin) =
                if of_record { (self.record, Origin::Record) } else { (type_id, Origin::Element) };
            for branch in branches.iter().filter(|branch| of_record || is_of(self.model, branch, type_id)) {
                inner.place(root, begin, &branch.steps)?;
            }
            parts.push(Part { root, origin });
        }
        Some(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the type of what they select R4's own definitions do not say a value of their kind for these.
    const WITHOUT: [&str; 0] = [];

    #[test]
    fn every_parameter_of_every_type_selects_values() {
        let registry = Registry::r4();
        let (mut without, mut programs, mut pairs) = (Vec::new(), Vec::new(), 0);
        for of in ResourceType::all() {
            let plan = Plan::of(&registry, of);
            let code =
                |id| registry.parameter_by_id(of, id).map(|parameter| format!("{of}.{}", parameter.code));
            without.extend(plan.without_values.iter().filter_map(|id| code(*id)));
            programs.extend(plan.programs.iter().filter_map(|(id, ..)| code(*id)));
            pairs += registry.parameters(of).count();
        }
        assert_eq!(without, WITHOUT);
        assert_eq!(programs, ["Patient.deceased"]);
        assert_eq!(pairs, 2585);
    }
}
