//! From a snapshot to rules.

use std::sync::Arc;

use fhirpath::document::Name;
use serde_json::{Map, Value};

use super::{
    Binding, Condition, Controls, Discriminator, Expected, ExtensionContext, Invariant, Profile, Programs,
    Rule, Slicing, SlicingRules, Strength, TypeKind, TypeUse, rule::Names,
};
use crate::{Severity, package::Kept, snapshot::Node};

const EXTENSIONS: &str = "http://hl7.org/fhir/StructureDefinition/";
const SYSTEM: &str = "http://hl7.org/fhirpath/System.";

/// Compiles the profile of a canonical url.
pub(super) fn compile(programs: &Programs<'_>, canonical: &str) -> Option<Profile> {
    let resource = programs.library().canonical_of_type(canonical, "StructureDefinition")?;
    let structure = programs.with_snapshots(|snapshots| snapshots.structure(canonical))?;
    let definition = resource.parse_kept(Kept::Frame).ok()?;
    let text = |name: &str| definition.get(name).and_then(Value::as_str).map(Box::<str>::from);
    let url = text("url").unwrap_or_else(|| canonical.into());
    let version = text("version");
    let shown = version.as_ref().map_or_else(|| url.to_string(), |version| format!("{url}|{version}"));
    let mut compiler = Compiler { programs, rules: Vec::with_capacity(structure.root.size) };
    compiler.node(&structure.root, &structure.root.name, &structure.root.name);
    compiler.content_references();
    let base = text("baseDefinition");
    if [Some(&url), base.as_ref()].into_iter().flatten().any(|url| **url == *VITAL_SIGNS) {
        compiler.mend_vital_signs();
    }
    Some(Profile {
        shown: shown.into(),
        defines: structure.defines.clone(),
        kind: match &*structure.kind {
            "primitive-type" => TypeKind::Primitive,
            "resource" => TypeKind::Resource,
            "logical" => TypeKind::Logical,
            _ => TypeKind::Complex,
        },
        is_constraint: structure.is_constraint,
        is_abstract: definition.get("abstract").and_then(Value::as_bool).unwrap_or_default(),
        base,
        contexts: list(&definition, "context").filter_map(context).collect(),
        context_invariants: list(&definition, "contextInvariant")
            .filter_map(Value::as_str)
            .map(Into::into)
            .collect(),
        rules: compiler.rules.into(),
        url,
        version,
        definition,
    })
}

fn context(context: &Value) -> Option<ExtensionContext> {
    let text = |name: &str| context.get(name).and_then(Value::as_str).map(Box::<str>::from);
    Some(ExtensionContext { kind: text("type")?, expression: text("expression")? })
}

/// Expressions of R4 that say something else than they mean, as HL7's own validator mends them.
pub(super) fn mended<'e>(key: &str, expression: &'e str) -> &'e str {
    match (key, expression) {
        ("que-12", "enableWhen.count() > 2 implies enableBehavior.exists()") => {
            "enableWhen.count() > 1 implies enableBehavior.exists()"
        }
        ("ras-2", "probability is decimal implies (probability as decimal) <= 100") => {
            "probability.empty() or ((probability is decimal) implies ((probability as decimal) <= 100))"
        }
        ("que-7", "operator = 'exists' implies (answer is Boolean)") => {
            "operator = 'exists' implies (answer is boolean)"
        }
        _ => expression,
    }
}

const VITAL_SIGNS: &str = "http://hl7.org/fhir/StructureDefinition/vitalsigns";
const VITAL_UNITS: &str = "http://hl7.org/fhir/ValueSet/ucum-vitals-common|4.0.1";

struct Compiler<'p, 'a> {
    programs: &'p Programs<'a>,
    rules: Vec<Rule>,
}

impl Compiler<'_, '_> {
    /// R4 requires the common units for components of vital signs too, as those of an inhaled flow: HL7's own validator takes it as extensible.
    fn mend_vital_signs(&mut self) {
        let of_units = self.rules.iter_mut().filter(|rule| &*rule.path == "Observation.component.value[x]");
        for binding in of_units.filter_map(|rule| rule.binding.as_mut()) {
            if *binding.value_set == *VITAL_UNITS {
                binding.strength = Strength::Extensible;
            }
        }
    }

    fn node(&mut self, node: &Node, path: &str, id: &str) -> u32 {
        let number = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        let rule = self.rule(node, path, id);
        self.rules.push(rule);
        let mut children = Vec::with_capacity(node.children.len());
        let mut names = Vec::new();
        let mut slices: Vec<(u16, u16)> = Vec::new();
        let mut sliced: Option<u16> = None;
        for child in &node.children {
            let Ok(ordinal) = u16::try_from(children.len()) else { break };
            let path = format!("{path}.{}", child.name);
            let id = match &child.slice {
                Some(slice) => format!("{id}.{}:{slice}", child.name),
                None => format!("{id}.{}", child.name),
            };
            let of = self.node(child, &path, &id);
            children.push(of);
            match (&child.slice, sliced) {
                (Some(_), Some(sliced)) if self.is_called(children.get(usize::from(sliced)), child) => {
                    slices.push((sliced, ordinal));
                }
                _ => {
                    sliced = Some(ordinal);
                    self.names(of, ordinal, &mut names);
                }
            }
        }
        for (sliced, slice) in slices {
            let Some(of) = children.get(usize::from(sliced)) else { continue };
            if let Some(rule) = self.rules.get_mut(*of as usize) {
                let mut known = std::mem::take(&mut rule.slices).into_vec();
                known.push(slice);
                rule.slices = known.into();
            }
        }
        if let Some(rule) = self.rules.get_mut(number as usize) {
            rule.children = children.into();
            rule.names = Names::new(names);
        }
        number
    }

    fn is_called(&self, sliced: Option<&u32>, child: &Node) -> bool {
        let rule = sliced.and_then(|number| self.rules.get(*number as usize));
        rule.is_some_and(|rule| *rule.name == *child.name.trim_end_matches("[x]"))
    }

    fn names(&self, number: u32, ordinal: u16, names: &mut Vec<(Name, u16, u16)>) {
        let Some(rule) = self.rules.get(number as usize) else { return };
        if !rule.is_choice {
            names.push((Name::new(&rule.name), ordinal, 0));
            return;
        }
        for (at, of) in rule.types.iter().enumerate() {
            let Ok(at) = u16::try_from(at) else { break };
            let mut letters = of.code.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            let written: String = rule.name.chars().chain(first).chain(letters).collect();
            names.push((Name::new(&written), ordinal, at));
        }
    }

    fn rule(&self, node: &Node, path: &str, id: &str) -> Rule {
        let fields = &node.fields;
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        let truth = |name: &str| fields.get(name).and_then(Value::as_bool).unwrap_or_default();
        let max = fields.get("max").and_then(Value::as_str);
        let base_max = fields.get("base").and_then(|base| base.get("max")).and_then(Value::as_str);
        let many = |max: &str| max == "*" || max.parse::<u32>().is_ok_and(|max| max > 1);
        let of_choice = |prefix: &str| {
            fields.iter().find(|(name, _)| name.starts_with(prefix) && name.len() > prefix.len())
        };
        let fixed = of_choice("fixed").map(|(_, value)| Expected::Fixed(value.clone()));
        let pattern = of_choice("pattern").map(|(_, value)| Expected::Pattern(value.clone()));
        Rule {
            name: node.name.trim_end_matches("[x]").into(),
            is_choice: node.name.ends_with("[x]"),
            slice: node.slice.as_deref().map(Into::into),
            path: path.into(),
            id: id.into(),
            min: number("min").and_then(|min| u32::try_from(min).ok()).unwrap_or(0),
            max: max.and_then(|max| max.parse().ok()),
            repeats: path.contains('.') && base_max.or(max).is_some_and(many),
            is_attribute: list_in(fields, "representation").any(|one| one == "xmlAttr"),
            types: list_in(fields, "type").map(|of| type_use(of, fields)).collect(),
            value: fixed.or(pattern),
            binding: fields.get("binding").and_then(binding),
            invariants: list_in(fields, "constraint").map(|one| self.invariant(one)).collect(),
            slicing: fields.get("slicing").and_then(slicing),
            max_length: number("maxLength"),
            min_value: of_choice("minValue").map(|(_, value)| value.clone()),
            max_value: of_choice("maxValue").map(|(_, value)| value.clone()),
            is_modifier: truth("isModifier"),
            is_must_support: truth("mustSupport"),
            controls: controls(fields),
            content: None,
            ..Rule::default()
        }
        .with_content(fields)
    }

    fn invariant(&self, constraint: &Value) -> Arc<Invariant> {
        let text = |name: &str| constraint.get(name).and_then(Value::as_str);
        let key = text("key").unwrap_or_default();
        let is_best_practice = extension(constraint, "elementdefinition-bestpractice")
            .is_some_and(|one| one.get("valueBoolean") == Some(&Value::Bool(true)));
        let severity = match text("severity") {
            Some("warning") => Severity::Warning,
            _ if is_best_practice => Severity::Warning,
            _ => Severity::Error,
        };
        let expression = text("expression");
        Arc::new(Invariant {
            key: key.into(),
            severity,
            human: text("human").unwrap_or_default().into(),
            source: text("source").map(Into::into),
            condition: expression.map_or(Condition::None, |text| self.programs.condition(key, text)),
        })
    }

    /// `#Bundle.link`, or with the url of the type before it.
    fn content_references(&mut self) {
        for at in 0..self.rules.len() {
            let Some(content) = self.rules.get(at).and_then(|rule| rule.types.first()) else { continue };
            let Some(path) = content.code.strip_prefix('#') else { continue };
            let found = self.rules.iter().position(|rule| *rule.id == *path);
            let found = found.or_else(|| self.rules.iter().position(|rule| *rule.path == *path));
            if let Some(rule) = self.rules.get_mut(at) {
                rule.content = found.and_then(|found| u32::try_from(found).ok());
                rule.types = Box::default();
            }
        }
    }
}

impl Rule {
    /// Until all rules are there, the target is kept as if it were a type.
    fn with_content(mut self, fields: &Map<String, Value>) -> Self {
        if let Some(target) = fields.get("contentReference").and_then(Value::as_str) {
            let path = target.rsplit_once('#').map_or(target, |(_, path)| path);
            self.types = Box::new([TypeUse { code: format!("#{path}").into(), ..TypeUse::default() }]);
        }
        self
    }
}

fn list<'v>(of: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn list_in<'v>(of: &'v Map<String, Value>, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn extension<'v>(of: &'v Value, name: &str) -> Option<&'v Value> {
    list(of, "extension").find(|extension| {
        let url = extension.get("url").and_then(Value::as_str);
        url.and_then(|url| url.strip_prefix(EXTENSIONS)) == Some(name)
    })
}

fn texts(of: &Value, name: &str) -> Box<[Box<str>]> {
    list(of, name).filter_map(Value::as_str).map(Into::into).collect()
}

/// Of types of FHIRPath, FHIR's own name stands in an extension; R4 calls `Resource.id` a string, its page an id (FHIR-22386).
fn type_use(of: &Value, fields: &Map<String, Value>) -> TypeUse {
    let code = of.get("code").and_then(Value::as_str).unwrap_or_default();
    let base = fields.get("base").and_then(|base| base.get("path")).and_then(Value::as_str);
    let code = match code.strip_prefix(SYSTEM) {
        Some(_) if base == Some("Resource.id") => "id".to_owned(),
        Some(system) => {
            let said = extension(of, "structuredefinition-fhir-type");
            let said = said.and_then(|said| said.get("valueUrl").or_else(|| said.get("valueUri")));
            said.and_then(Value::as_str).map_or_else(|| system.to_lowercase(), str::to_owned)
        }
        None => code.to_owned(),
    };
    TypeUse {
        code: code.into(),
        profiles: texts(of, "profile"),
        targets: texts(of, "targetProfile"),
        aggregation: texts(of, "aggregation"),
        ..TypeUse::default()
    }
}

/// Extensions of the definition that ask something of instances.
fn controls(fields: &Map<String, Value>) -> Option<Box<Controls>> {
    let values = |name: &str| -> Box<[Box<str>]> {
        list_in(fields, "extension")
            .filter(|one| one.get("url").and_then(Value::as_str).is_some_and(|url| url.ends_with(name)))
            .filter_map(|one| one.as_object()?.iter().find(|(name, _)| name.starts_with("value")))
            .filter_map(|(_, value)| value.as_str().map(Into::into))
            .collect()
    };
    let controls = Controls {
        says_source: !values("/narrative-source-control").is_empty(),
        languages: values("/narrative-language-control"),
        alternatives: values("/extension-ElementDefinition.valueAlternatives"),
        max_size: max_size(fields),
    };
    (controls != Controls::default()).then(|| Box::new(controls))
}

/// <https://hl7.org/fhir/extensions/StructureDefinition-maxSize.html>
fn max_size(fields: &Map<String, Value>) -> Option<u64> {
    let url = |one: &&Value| {
        one.get("url").and_then(Value::as_str) == Some("http://hl7.org/fhir/StructureDefinition/maxSize")
    };
    let value = list_in(fields, "extension").find(url)?.get("valueDecimal")?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn binding(binding: &Value) -> Option<Binding> {
    let text = |name: &str| binding.get(name).and_then(Value::as_str);
    let max = extension(binding, "elementdefinition-maxValueSet");
    let max = max.and_then(|max| max.get("valueCanonical").or_else(|| max.get("valueUri")));
    Some(Binding {
        strength: match text("strength")? {
            "required" => Strength::Required,
            "extensible" => Strength::Extensible,
            "preferred" => Strength::Preferred,
            _ => Strength::Example,
        },
        value_set: text("valueSet")?.into(),
        max_value_set: max.and_then(Value::as_str).map(Into::into),
        description: text("description").map(Into::into),
    })
}

fn slicing(slicing: &Value) -> Option<Slicing> {
    let discriminator = |one: &Value| {
        let text = |name: &str| one.get(name).and_then(Value::as_str);
        Discriminator::new(text("type")?, text("path")?)
    };
    Some(Slicing {
        discriminators: list(slicing, "discriminator").filter_map(discriminator).collect(),
        rules: match slicing.get("rules").and_then(Value::as_str) {
            Some("closed") => SlicingRules::Closed,
            Some("openAtEnd") => SlicingRules::OpenAtEnd,
            _ => SlicingRules::Open,
        },
        is_ordered: slicing.get("ordered").and_then(Value::as_bool).unwrap_or_default(),
    })
}
