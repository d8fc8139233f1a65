//! Which parameters each type of resource has.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

use super::{Compartment, Definition, ParameterId, ParameterKind, ResourceType, Shared, Standing, table};
use crate::index::Plan;

/// The canonical URLs of R4's parameters begin so.
pub(super) const HL7: &str = "http://hl7.org/fhir/SearchParameter/";

/// Limits of parameters that are added; each stands in `docs/limits.md`.
pub mod limits {
    /// A longer code is refused.
    pub const CODE_BYTES_MAX: usize = 64;
    /// Components of a composite.
    pub const COMPONENTS_MAX: usize = 8;
    /// Parameters that one type of resource may have.
    pub const PARAMETERS_OF_TYPE_MAX: usize = 500;
}

/// A search parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The number of its code.
    pub id: ParameterId,
    /// What stands in a search: `birthdate`.
    pub code: Box<str>,
    /// Its canonical URL.
    pub url: Box<str>,
    /// How its values are compared.
    pub kind: ParameterKind,
    /// The types that it may refer to; of a reference that names none, every type.
    pub targets: Vec<ResourceType>,
    /// What it selects, in FHIRPath.
    pub expression: Box<str>,
    /// Of a composite, its parts in order.
    pub components: Vec<Component>,
    /// Whether searches may ask for it.
    pub standing: Standing,
}

/// A part of a composite parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The canonical URL of the parameter that says how it is compared.
    pub definition: Box<str>,
    /// What it selects in an element that the composite selects.
    pub expression: Box<str>,
}

/// Why a `SearchParameter` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterFault {
    /// An element is missing or is not what it has to be.
    #[error("SearchParameter.{0} is missing or wrong")]
    Wrong(&'static str),
    /// The expression is no FHIRPath.
    #[error("SearchParameter.expression: {0}")]
    Expression(#[from] fhirpath::path::SyntaxFault),
    /// The type has as many as it may have.
    #[error("{resource_type} has {} parameters, and may have no more", limits::PARAMETERS_OF_TYPE_MAX)]
    TooMany {
        /// Which type.
        resource_type: ResourceType,
    },
}

/// The parameters of every type, with what is needed to extract their values.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    by_url: Arc<HashMap<Box<str>, Arc<Parameter>>>,
    /// Those of packages.
    added: Vec<Arc<Parameter>>,
    by_type: BTreeMap<ResourceType, Arc<Known>>,
    compartments: Arc<[(Compartment, ResourceType, ParameterId)]>,
    base: Option<Box<str>>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    parameters: BTreeMap<Box<str>, Arc<Parameter>>,
    by_id: HashMap<ParameterId, Arc<Parameter>>,
    leaving: Vec<Arc<Parameter>>,
    plan: OnceLock<Arc<Plan>>,
    /// Of patients: what of the plan says whose records they are.
    patients: OnceLock<Arc<Plan>>,
    shared: OnceLock<Shared>,
}

impl Registry {
    /// Those of FHIR R4 (4.0.1) that have an expression.
    pub fn r4() -> Self {
        let mut registry = Self::default();
        for row in table::rows() {
            let Some(id) = table::number(row.code) else { continue };
            let components = row.components.split(';').filter_map(|part| part.split_once('='));
            let components = components.map(|(definition, expression)| Component {
                definition: format!("{HL7}{definition}").into(),
                expression: expression.into(),
            });
            let parameter = Parameter {
                id,
                code: row.code.into(),
                url: format!("{HL7}{}", row.id).into(),
                kind: row.kind,
                targets: row.targets.split(',').filter_map(ResourceType::named).collect(),
                expression: row.expression.into(),
                components: components.collect(),
                standing: Standing::Ready,
            };
            let parameter = Arc::new(parameter);
            Arc::make_mut(&mut registry.by_url).insert(parameter.url.clone(), Arc::clone(&parameter));
            for resource_type in row.bases.split(',').flat_map(types_of) {
                registry.insert(&parameter, resource_type);
            }
        }
        let members = table::compartments().flat_map(|(compartment, of, codes)| {
            codes.split(',').filter_map(move |code| Some((compartment, of, table::number(code)?)))
        });
        registry.compartments = members.collect();
        registry
    }

    /// With the URL under which this server has its records (`https://example.org/fhir`), so that references that name it are
    /// the same as those that do not.
    #[must_use]
    pub fn with_base(mut self, base: &str) -> Self {
        self.base = Some(base.trim_end_matches('/').into());
        self
    }

    /// The URL under which this server has its records, without a slash at its end.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Adds what a package says under this number. One that is leaving is found by its number alone.
    ///
    /// # Errors
    /// [`ParameterFault`].
    pub fn add(
        &mut self,
        definition: &Definition,
        id: ParameterId,
        standing: Standing,
    ) -> Result<Arc<Parameter>, ParameterFault> {
        self.refuse_too_many(definition)?;
        let parameter = Arc::new(definition.parameter(id, standing)?);
        self.added.push(Arc::clone(&parameter));
        for resource_type in definition.types() {
            self.insert(&parameter, resource_type);
        }
        Ok(parameter)
    }

    fn refuse_too_many(&self, definition: &Definition) -> Result<(), ParameterFault> {
        for resource_type in definition.types() {
            let known = self.by_type.get(&resource_type).map(|known| &known.parameters);
            if known.is_some_and(|known| known.len() >= limits::PARAMETERS_OF_TYPE_MAX) {
                return Err(ParameterFault::TooMany { resource_type });
            }
        }
        Ok(())
    }

    fn insert(&mut self, parameter: &Arc<Parameter>, resource_type: ResourceType) {
        let known = Arc::make_mut(self.by_type.entry(resource_type).or_default());
        known.plan = OnceLock::new();
        known.patients = OnceLock::new();
        known.shared = OnceLock::new();
        known.by_id.insert(parameter.id, Arc::clone(parameter));
        match parameter.standing {
            Standing::Leaving => known.leaving.push(Arc::clone(parameter)),
            Standing::Ready | Standing::Building => {
                known.parameters.insert(parameter.code.clone(), Arc::clone(parameter));
            }
        }
    }

    /// A type's parameter by its code.
    pub fn parameter(&self, of: ResourceType, code: &str) -> Option<&Arc<Parameter>> {
        self.by_type.get(&of)?.parameters.get(code)
    }

    /// A type's parameter by the number of its code.
    pub fn parameter_by_id(&self, of: ResourceType, id: ParameterId) -> Option<&Arc<Parameter>> {
        self.by_type.get(&of)?.by_id.get(&id)
    }

    /// A type's parameters, by code.
    pub fn parameters(&self, of: ResourceType) -> impl Iterator<Item = &Arc<Parameter>> {
        self.by_type.get(&of).into_iter().flat_map(|known| known.parameters.values())
    }

    /// Those whose values records have rows for, or still have.
    pub(crate) fn indexed(&self, of: ResourceType) -> impl Iterator<Item = &Arc<Parameter>> {
        self.by_type.get(&of).into_iter().flat_map(|known| known.parameters.values().chain(&known.leaving))
    }

    /// A parameter by its canonical URL.
    pub fn by_url(&self, url: &str) -> Option<&Arc<Parameter>> {
        self.by_url.get(url).or_else(|| self.added.iter().find(|own| *own.url == *url))
    }

    /// How many of packages there are.
    pub(crate) fn added_count(&self) -> u16 {
        u16::try_from(self.added.len()).unwrap_or(u16::MAX)
    }

    /// Whether a parameter's expression selects anything of a type that is compared so.
    pub(crate) fn selects(&self, of: ResourceType, id: ParameterId) -> bool {
        self.plan(of).is_some_and(|plan| !plan.is_without_values(id))
    }

    /// The parameters by which records of a type are in a compartment.
    pub fn members(&self, compartment: Compartment, of: ResourceType) -> impl Iterator<Item = ParameterId> {
        let own =
            self.compartments.iter().filter(move |(own, member, _)| *own == compartment && *member == of);
        own.map(|(_, _, parameter)| *parameter)
    }

    /// The types whose records can be in a compartment, that of the compartment itself with them.
    pub fn member_types(&self, compartment: Compartment) -> Vec<ResourceType> {
        let members = self.compartments.iter().filter(|(own, ..)| *own == compartment).map(|(_, of, _)| *of);
        let mut types: Vec<ResourceType> = ResourceType::named(compartment.as_str()).into_iter().collect();
        types.extend(members);
        types.sort_unstable();
        types.dedup();
        types
    }

    /// Which of a type's parameters are asked of the rows of others.
    pub(crate) fn shared(&self, of: ResourceType) -> Option<&Shared> {
        let known = self.by_type.get(&of)?;
        Some(
            known.shared.get_or_init(|| Shared::of(of, |code| known.parameters.get(code).map(AsRef::as_ref))),
        )
    }

    /// How a type's values are extracted: worked out when it is asked for first.
    pub(crate) fn plan(&self, of: ResourceType) -> Option<&Plan> {
        let known = self.by_type.get(&of)?;
        Some(known.plan.get_or_init(|| Arc::new(Plan::of(self, of))))
    }

    /// How it is seen which patients' compartments a record is in.
    pub(crate) fn patients(&self, of: ResourceType) -> Option<&Plan> {
        let known = self.by_type.get(&of)?;
        Some(known.patients.get_or_init(|| Arc::new(Plan::of_compartment(self, of, Compartment::Patient))))
    }
}

/// The types that a base stands for.
pub(super) fn types_of(base: &str) -> impl Iterator<Item = ResourceType> {
    let named = ResourceType::named(base);
    // R4's three resources that are no DomainResource: https://hl7.org/fhir/R4/resource.html
    let not_domain = |of: &ResourceType| !matches!(of.as_str(), "Binary" | "Bundle" | "Parameters");
    let all = matches!(base, "Resource" | "DomainResource").then(ResourceType::all).into_iter().flatten();
    let is_domain = base == "DomainResource";
    named.into_iter().chain(all.filter(move |of| !is_domain || not_domain(of)))
}

pub(super) fn is_base(base: &str) -> bool {
    matches!(base, "Resource" | "DomainResource") || ResourceType::named(base).is_some()
}

/// What can stand before a `:` or `.` in a search.
pub(super) fn is_code(code: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !code.is_empty() && code.len() <= limits::CODE_BYTES_MAX && code.bytes().all(good)
}
