//! Whether an element is in a slice: discriminators, over instance and definition at once.
//! <https://hl7.org/fhir/R4/profiling.html#discriminator>

use fhirpath::document::Element;
use serde_json::Value;

use super::{Run, element::child_rule, run::Active, value};
use crate::program::{Discriminator, DiscriminatorKind, Profile, Rule, Slicing, Step, Strength, TypeUse};

/// Why nobody can say whether an element is in a slice.
pub(super) enum Undecided {
    /// The profile does not say what tells its slices apart.
    Profile(String),
    /// The code systems for it are not here.
    Codes(String),
}

/// What definitions say at the end of a discriminator's path.
#[derive(Clone, Copy)]
struct Target<'d> {
    active: Active<'d>,
    /// What a pattern further up says of this place.
    expected: Option<&'d Value>,
    of_type: Option<&'d str>,
}

impl<'a, 'd> Run<'a, 'd> {
    /// All discriminators have to agree of which the slice says something; without any, nothing is in any slice.
    pub(super) fn is_in_slice(
        &mut self,
        element: Element<'d>,
        profile: &'d Profile,
        unsliced: &'d Rule,
        slicing: &'d Slicing,
        slice: &'d Rule,
    ) -> Result<bool, Undecided> {
        if slicing.discriminators.is_empty() {
            return Ok(false);
        }
        let mut unsaid = None;
        let mut decided = false;
        for discriminator in &slicing.discriminators {
            match self.agrees(element, Active { profile, rule: slice }, unsliced, discriminator) {
                Ok(false) => return Ok(false),
                Ok(true) => decided = true,
                // What a slice says nothing of does not count, as long as it says something of another.
                Err(Undecided::Profile(why)) => unsaid = Some(why),
                Err(codes) => return Err(codes),
            }
        }
        match unsaid {
            Some(why) if !decided => Err(Undecided::Profile(why)),
            _ => Ok(true),
        }
    }

    fn agrees(
        &mut self,
        element: Element<'d>,
        slice: Active<'d>,
        unsliced: &'d Rule,
        discriminator: &'d Discriminator,
    ) -> Result<bool, Undecided> {
        if let Some(answer) = by_extension_url(element, slice.rule, discriminator) {
            return Ok(answer);
        }
        let start = Target {
            active: slice,
            expected: slice.rule.value.as_ref().map(|value| value.value()),
            of_type: None,
        };
        let mut targets = vec![start];
        let mut elements = vec![element];
        for step in &discriminator.steps {
            targets = targets.into_iter().flat_map(|target| self.targets_at(target, step)).collect();
            elements = elements.into_iter().flat_map(|element| self.elements_at(element, step)).collect();
        }
        if targets.is_empty() {
            return Err(Undecided::Profile(format!("the profile says nothing of `{}`", discriminator.path)));
        }
        match discriminator.kind {
            DiscriminatorKind::Value | DiscriminatorKind::Pattern => {
                self.agrees_in_value(&elements, &targets, discriminator)
            }
            DiscriminatorKind::Exists => agrees_in_existence(&elements, &targets, discriminator),
            DiscriminatorKind::Type => {
                Ok(self.agrees_in_type(&elements, &targets, unsliced, element, discriminator))
            }
            DiscriminatorKind::Profile => Ok(self.agrees_in_profile(&elements, &targets)),
        }
    }

    fn agrees_in_value(
        &mut self,
        elements: &[Element<'d>],
        targets: &[Target<'d>],
        discriminator: &Discriminator,
    ) -> Result<bool, Undecided> {
        let mut expected = targets.iter().filter_map(|target| target.expected).peekable();
        if expected.peek().is_some() {
            return Ok(
                expected.any(|wanted| elements.iter().any(|element| value::has_pattern(*element, wanted)))
            );
        }
        if targets.iter().all(|target| target.active.rule.max == Some(0)) {
            return Ok(elements.is_empty());
        }
        let bindings: Vec<_> = targets
            .iter()
            .filter_map(|target| target.active.rule.binding.as_ref())
            .filter(|binding| binding.strength == Strength::Required)
            .collect();
        if !bindings.is_empty() {
            for binding in &bindings {
                for element in elements {
                    match self.terminology.is_in(&(*element).into(), &binding.value_set) {
                        Some(true) => return Ok(true),
                        Some(false) => {}
                        None => {
                            return Err(Undecided::Codes(format!(
                                "the value set `{}` cannot be asked",
                                binding.value_set
                            )));
                        }
                    }
                }
            }
            return Ok(false);
        }
        if let Some(wanted) = self.expected_below(targets) {
            return Ok(wanted.iter().any(|(steps, wanted)| {
                elements
                    .iter()
                    .any(|element| at_path(*element, steps).any(|found| value::has_pattern(found, wanted)))
            }));
        }
        match targets {
            _ if targets.iter().any(|target| target.active.rule.min > 0) => Ok(!elements.is_empty()),
            _ => Err(Undecided::Profile(format!("the profile fixes no value of `{}`", discriminator.path))),
        }
    }

    /// Values that the profile fixes in children, where it fixes none of the element itself.
    fn expected_below(&self, targets: &[Target<'d>]) -> Option<Vec<(Vec<&'d str>, &'d Value)>> {
        let mut found = Vec::new();
        for target in targets {
            let mut open = vec![(target.active.rule, Vec::new())];
            while let Some((rule, path)) = open.pop() {
                if path.len() > 6 {
                    continue;
                }
                for child in rule.children.iter().filter_map(|number| target.active.profile.rule(*number)) {
                    let mut path = path.clone();
                    path.push(&*child.name);
                    match &child.value {
                        Some(expected) => found.push((path, expected.value())),
                        None => open.push((child, path)),
                    }
                }
            }
        }
        (!found.is_empty()).then_some(found)
    }

    fn agrees_in_type(
        &mut self,
        elements: &[Element<'d>],
        targets: &[Target<'d>],
        unsliced: &'d Rule,
        start: Element<'d>,
        discriminator: &Discriminator,
    ) -> bool {
        let types: Vec<&str> = targets.iter().flat_map(|target| types_of(target)).collect();
        if discriminator.steps.is_empty() && unsliced.is_choice {
            let written = start.name().get(unsliced.name.len()..).unwrap_or_default();
            return types.iter().any(|code| is_capital_of(written, code));
        }
        if elements.is_empty() && discriminator.steps.last() == Some(&Step::Resolve) {
            // What is not here is told by its url.
            let reference = start.children().find(|child| child.name() == "reference").or_else(|| {
                let mut at = vec![start];
                for step in discriminator.steps.iter().filter(|step| **step != Step::Resolve) {
                    at = at.into_iter().flat_map(|element| self.elements_at(element, step)).collect();
                }
                at.first().and_then(|element| element.child("reference"))
            });
            let said = reference.and_then(|reference| reference.text()).unwrap_or_default().into_owned();
            return types.iter().any(|code| super::reference::type_in_url(&said) == Some(*code));
        }
        elements.iter().any(|element| {
            let own = self.type_name_of(*element);
            types
                .iter()
                .any(|code| own == Some(*code) || *code == "Resource" && element.resource_type().is_some())
        })
    }

    fn agrees_in_profile(&mut self, elements: &[Element<'d>], targets: &[Target<'d>]) -> bool {
        let programs = self.programs;
        let mut profiles: Vec<&'d Profile> = Vec::new();
        for target in targets {
            if target.active.rule.path.contains('.') {
                let urls = target.active.rule.types.iter().flat_map(|of| &of.profiles);
                profiles.extend(urls.filter_map(|url| programs.profile(url)));
            } else {
                profiles.push(target.active.profile);
            }
        }
        elements.iter().any(|element| {
            profiles.iter().any(|profile| self.is_of(*element, profile) && self.conforms(*element, profile))
        })
    }

    /// Whether an element is of the type that a profile is about.
    pub(super) fn is_of(&self, element: Element<'d>, profile: &Profile) -> bool {
        match element.resource_type() {
            Some(name) => {
                *name == *profile.defines || matches!(&*profile.defines, "Resource" | "DomainResource")
            }
            None => true,
        }
    }

    /// The type of an element, as its definition says; of a resource, as it says itself.
    pub(super) fn type_name_of(&self, element: Element<'d>) -> Option<&'d str> {
        use fhirpath::model::Model;
        let model = self.programs.model();
        if let Some(name) = element.resource_type() {
            return model.type_named(&name).map(|id| model.type_name(id));
        }
        let parent = self.type_name_of(element.parent()?)?;
        let known = model.element(model.type_named(parent)?, element.name())?;
        Some(model.type_name(known.type_id))
    }

    fn elements_at(&self, element: Element<'d>, step: &Step) -> Vec<Element<'d>> {
        match step {
            Step::Child(name) => at_path(element, &[name]).collect(),
            Step::Extension(url) => element
                .children()
                .filter(|child| child.name() == "extension")
                .filter(|child| child.child("url").and_then(|own| own.text()).as_deref() == Some(url))
                .collect(),
            Step::Resolve => {
                let said = element.child("reference").or(Some(element)).and_then(|own| own.text());
                said.and_then(|said| self.links.resolve(&said, element).found()).into_iter().collect()
            }
            Step::OfType(name) => {
                let is_it = self.type_name_of(element) == Some(name) || is_choice_of(element.name(), name);
                is_it.then_some(element).into_iter().collect()
            }
        }
    }

    fn targets_at(&self, target: Target<'d>, step: &'d Step) -> Vec<Target<'d>> {
        match step {
            Step::Child(name) => self.child_targets(target, name),
            Step::Extension(url) => {
                let is_it = |found: &Target<'d>| {
                    found.active.rule.types.iter().any(|of| of.profiles.iter().any(|known| known == url))
                };
                let own: Vec<_> = self.child_targets(target, "extension").into_iter().filter(is_it).collect();
                if !own.is_empty() {
                    return own;
                }
                let profile = self.programs.profile(url);
                let active = profile.and_then(|profile| Some(Active { profile, rule: profile.root()? }));
                active.map(|active| Target { active, expected: None, of_type: None }).into_iter().collect()
            }
            Step::Resolve => {
                let urls = target.active.rule.types.iter().flat_map(|of| &of.targets);
                let profiles = urls.filter_map(|url| self.programs.profile(url));
                let active = |profile: &'d Profile| Some(Active { profile, rule: profile.root()? });
                profiles
                    .filter_map(active)
                    .map(|active| Target { active, expected: None, of_type: None })
                    .collect()
            }
            Step::OfType(name) => vec![Target { of_type: Some(name), ..target }],
        }
    }

    fn child_targets(&self, target: Target<'d>, name: &str) -> Vec<Target<'d>> {
        let mut found = Vec::new();
        let expected = target.expected.and_then(|value| part(value, name));
        let mut roots = vec![target.active];
        let uses =
            target.active.rule.types.iter().filter(|of| target.of_type.is_none_or(|name| *of.code == *name));
        if let Some(content) =
            target.active.rule.content.and_then(|content| target.active.profile.rule(content))
        {
            roots.push(Active { profile: target.active.profile, rule: content });
        }
        let has = |active: &Active<'d>| {
            (0..active.rule.children.len())
                .filter_map(|at| child_rule(*active, at))
                .any(|rule| is_named(rule, name))
        };
        if !roots.iter().any(has) {
            for of in uses {
                let profile = self.programs.only_profile(of).or_else(|| self.definition_of(of));
                if let Some(profile) = profile
                    && let Some(rule) = profile.root()
                {
                    roots.push(Active { profile, rule });
                }
            }
        }
        for active in roots {
            for rule in (0..active.rule.children.len()).filter_map(|at| child_rule(active, at)) {
                if is_named(rule, name) {
                    let own = rule.value.as_ref().map(|value| value.value());
                    let active = Active { profile: active.profile, rule };
                    found.push(Target { active, expected: own.or(expected), of_type: None });
                }
            }
        }
        found
    }

    fn definition_of(&self, of: &'d TypeUse) -> Option<&'d Profile> {
        self.programs.definition(of)
    }
}

fn is_named(rule: &Rule, name: &str) -> bool {
    *rule.name == *name
        || (rule.is_choice && is_choice_of(name, &rule.name))
        || is_choice_of(&rule.name, name)
}

/// `valueQuantity` of `value`; also `ofType(Quantity)` of an element that is called so.
fn is_choice_of(written: &str, name: &str) -> bool {
    let rest = written.strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}

fn is_capital_of(written: &str, code: &str) -> bool {
    let mut letters = code.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).eq(written.chars())
}

/// The elements that a path of names leads to; of a choice by its name too.
fn at_path<'d>(element: Element<'d>, names: &[&str]) -> impl Iterator<Item = Element<'d>> + use<'d> {
    let mut found = vec![element];
    for name in names {
        let is_it = |child: &Element<'d>| child.name() == *name || is_choice_of(child.name(), name);
        found = found.into_iter().flat_map(|element| element.children().filter(is_it)).collect();
    }
    found.into_iter()
}

/// The part of a pattern that is called so.
fn part<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Object(fields) => match fields.get(name)? {
            Value::Array(parts) => parts.first(),
            part => Some(part),
        },
        _ => None,
    }
}

/// Extensions are sliced by url, and nearly always by that of their profile.
fn by_extension_url(element: Element<'_>, slice: &Rule, discriminator: &Discriminator) -> Option<bool> {
    if &*discriminator.path != "url"
        || discriminator.kind != DiscriminatorKind::Value
        || !slice.children.is_empty()
    {
        return None;
    }
    let [of] = &*slice.types else { return None };
    let [url] = &*of.profiles else { return None };
    let url = url.split('|').next().unwrap_or_default();
    (&*of.code == "Extension")
        .then(|| element.child("url").and_then(|own| own.text()).as_deref() == Some(url))
}

fn agrees_in_existence(
    elements: &[Element<'_>],
    targets: &[Target<'_>],
    discriminator: &Discriminator,
) -> Result<bool, Undecided> {
    let Some(rule) = targets.first().map(|target| target.active.rule) else { return Ok(false) };
    match rule {
        _ if rule.max == Some(0) => Ok(elements.is_empty()),
        _ if rule.min > 0 => Ok(!elements.is_empty()),
        _ => Err(Undecided::Profile(format!(
            "the profile does not say whether `{}` is there",
            discriminator.path
        ))),
    }
}

/// The types that a place may have; at the root of a profile, what it is about.
fn types_of<'d>(target: &Target<'d>) -> Vec<&'d str> {
    if target.active.rule.path.contains('.') {
        target.active.rule.types.iter().map(|of| &*of.code).collect()
    } else {
        vec![&*target.active.profile.defines]
    }
}
