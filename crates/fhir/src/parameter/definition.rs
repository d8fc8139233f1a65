//! What a `SearchParameter` of a package selects.  <https://hl7.org/fhir/R4/searchparameter.html>

use std::collections::BTreeSet;

use fhirpath::{document::Element, path::Program};
use serde::{Deserialize, Serialize};

use super::{
    Component, Elements, Parameter, ParameterFault, ParameterId, ParameterKind, ResourceType, Standing,
    registry::{is_base, is_code, limits, types_of},
};

/// All that the rows of a parameter depend on: what differs in any of it is another parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its canonical URL.
    pub url: String,
    /// What stands in a search.
    pub code: String,
    kind: String,
    /// The types whose records are found by it.
    pub types: Vec<String>,
    targets: Vec<String>,
    expression: String,
    components: Vec<(String, String)>,
}

impl Definition {
    /// Reads a `SearchParameter`; its bases stand for the types that they are.
    ///
    /// # Errors
    /// [`ParameterFault`]: it cannot be used.
    pub fn read(definition: Element<'_>) -> Result<Self, ParameterFault> {
        let text = |name| text(definition, name);
        let code = text("code").filter(|code| is_code(code)).ok_or(ParameterFault::Wrong("code"))?;
        let expression = text("expression").ok_or(ParameterFault::Wrong("expression"))?;
        Program::compile(&expression, Elements::r4())?;
        let kind = text("type").and_then(|kind| ParameterKind::named(&kind));
        let kind =
            kind.filter(|kind| *kind != ParameterKind::Special).ok_or(ParameterFault::Wrong("type"))?;
        let bases: Vec<String> = texts(definition, "base").collect();
        if bases.is_empty() || !bases.iter().all(|base| is_base(base)) {
            return Err(ParameterFault::Wrong("base"));
        }
        let types: BTreeSet<ResourceType> = bases.iter().flat_map(|base| types_of(base)).collect();
        let url = text("url").ok_or(ParameterFault::Wrong("url"))?;
        Ok(Self {
            url,
            code,
            kind: kind.as_str().to_owned(),
            types: types.iter().map(ToString::to_string).collect(),
            targets: texts(definition, "target").collect(),
            expression: expression.split_whitespace().collect::<Vec<_>>().join(" "),
            components: components(definition)?,
        })
    }

    /// The types whose records are found by it.
    pub fn types(&self) -> impl Iterator<Item = ResourceType> {
        self.types.iter().filter_map(|name| ResourceType::named(name))
    }

    /// The same of some of its types.
    #[must_use]
    pub fn of(mut self, types: &[ResourceType]) -> Self {
        self.types = types.iter().map(ToString::to_string).collect();
        self
    }

    /// Whether another parameter selects of records of a type all that it selects: guides narrow those of R4.
    pub fn is_within(&self, known: &Parameter, of: ResourceType) -> bool {
        self.kind == known.kind.as_str()
            && selected(&self.expression, of).is_subset(&selected(&known.expression, of))
            && self.components.len() == known.components.len()
            && self
                .components
                .iter()
                .zip(&known.components)
                .all(|((_, own), other)| *own == *other.expression)
    }

    pub(super) fn parameter(&self, id: ParameterId, standing: Standing) -> Result<Parameter, ParameterFault> {
        let components = self.components.iter().map(|(definition, expression)| Component {
            definition: definition.as_str().into(),
            expression: expression.as_str().into(),
        });
        Ok(Parameter {
            id,
            code: self.code.as_str().into(),
            url: self.url.as_str().into(),
            kind: ParameterKind::named(&self.kind).ok_or(ParameterFault::Wrong("type"))?,
            targets: self.targets.iter().filter_map(|name| ResourceType::named(name)).collect(),
            expression: self.expression.as_str().into(),
            components: components.collect(),
            standing,
        })
    }
}

/// The alternatives of an expression that are about a type, however they are laid out and whether they name it or all resources.
fn selected(expression: &str, of: ResourceType) -> BTreeSet<String> {
    let plain = |path: &str| path.chars().filter(|char| !char.is_whitespace()).collect::<String>();
    let own = |path: String| {
        let (root, rest) = path.split_once('.')?;
        let names_type = root == of.as_str() || matches!(root, "Resource" | "DomainResource");
        match names_type {
            true => Some(rest.to_owned()),
            false => ResourceType::named(root.trim_start_matches('(')).is_none().then_some(path),
        }
    };
    expression.split('|').map(plain).filter_map(own).collect()
}

fn components(definition: Element<'_>) -> Result<Vec<(String, String)>, ParameterFault> {
    let parts = definition.children().filter(|child| child.name() == "component");
    let parts = parts.map(|part| {
        let of = |name| text(part, name).ok_or(ParameterFault::Wrong("component"));
        Ok((of("definition")?, of("expression")?))
    });
    let parts = parts.collect::<Result<Vec<_>, ParameterFault>>()?;
    if parts.len() > limits::COMPONENTS_MAX {
        return Err(ParameterFault::Wrong("component"));
    }
    Ok(parts)
}

fn text(of: Element<'_>, name: &str) -> Option<String> {
    let text = of.child(name).and_then(|child| child.text()).filter(|text| !text.is_empty());
    text.map(std::borrow::Cow::into_owned)
}

fn texts<'d, 'n>(of: Element<'d>, name: &'n str) -> impl Iterator<Item = String> + use<'d, 'n> {
    let named = of.children().filter(move |child| child.name() == name);
    named.filter_map(|child| child.text()).map(std::borrow::Cow::into_owned)
}
