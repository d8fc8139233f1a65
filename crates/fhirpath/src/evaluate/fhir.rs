//! FHIR's own functions. <https://hl7.org/fhir/R4/fhirpath.html#functions>

use super::{Answer, EvaluationFault, Evaluator, Item, html};
use crate::{
    document::{Element, Name},
    path::{Function, OpId, Program},
    value::Value,
};

impl<'d> Evaluator<'d> {
    pub(super) fn fhir(
        &mut self,
        program: &Program,
        base: usize,
        function: Function,
        arguments: &[OpId],
    ) -> Answer {
        use Function as F;
        if matches!(function, F::Subsumes | F::SubsumedBy) {
            return self.subsumption(program, base, function, arguments);
        }
        if function == F::CheckModifiers {
            return self.check_modifiers(program, base, arguments);
        }
        let texts = self.string_arguments(program, arguments, function)?;
        let items = self.pop_all(base);
        let Some([first, second]) = texts else { return Ok(()) };
        let first = first.as_str();
        match function {
            F::Extension => self.extensions(&items, first),
            F::HasValue => {
                let truth = matches!(items.as_slice(), [item] if self.is_primitive_with_value(item));
                self.push_truth(Some(truth))
            }
            F::GetValue => match items.as_slice() {
                [item] if self.is_primitive_with_value(item) => {
                    let value = self.value_of(item);
                    value.map_or(Ok(()), |value| self.push_value(value))
                }
                _ => Ok(()),
            },
            F::Resolve => self.resolve(items),
            F::HtmlChecks => {
                let good = items.iter().all(|item| match self.value_of(item) {
                    Some(Value::String(text)) => html::is_good(text.as_str()),
                    Some(value) => html::is_good(&value.to_string()),
                    None => true,
                });
                self.push_truth(Some(good))
            }
            F::Slice => {
                let slice = second.as_str();
                for item in items {
                    if let Some(element) = item.element()
                        && self.context.ports.is_in_slice(element, first, slice)?
                    {
                        self.push(item)?;
                    }
                }
                Ok(())
            }
            F::ElementDefinition => {
                for element in items.iter().filter_map(Item::element) {
                    if let Some(definition) = self.context.ports.element_definition(element)? {
                        self.push(Item::Element(definition))?;
                    }
                }
                Ok(())
            }
            _ => self.with_one(items, function, first),
        }
    }

    /// `memberOf` and `conformsTo`.
    fn with_one(&mut self, items: Vec<Item<'d>>, function: Function, url: &str) -> Answer {
        let item = match items.as_slice() {
            [] => return Ok(()),
            [item] => item,
            _ => return Err(EvaluationFault::NotSingle { what: function.name(), count: items.len() }),
        };
        let truth = match (function, item) {
            (Function::ConformsTo, Item::Element(element)) => {
                Some(self.context.ports.conforms_to(*element, url)?)
            }
            (Function::ConformsTo, Item::Value(_)) => return Err(self.wrong_type(function.name(), item)),
            _ => self.context.ports.member_of(item, url)?,
        };
        self.push_truth(truth)
    }

    fn subsumption(
        &mut self,
        program: &Program,
        base: usize,
        function: Function,
        arguments: &[OpId],
    ) -> Answer {
        let other = match arguments.first() {
            Some(id) => self.single(program, *id, function.name())?,
            None => None,
        };
        let item = self.pop_single(base, function.name())?;
        let (Some(item), Some(other)) = (item, other) else { return Ok(()) };
        let truth = match function {
            Function::Subsumes => self.context.ports.subsumes(&item, &other)?,
            _ => self.context.ports.subsumes(&other, &item)?,
        };
        self.push_truth(truth)
    }

    fn extensions(&mut self, items: &[Item<'d>], url: &str) -> Answer {
        for element in items.iter().filter_map(Item::element) {
            for extension in element.children().filter(|child| child.name() == "extension") {
                self.spend(1)?;
                if extension.child("url").and_then(|own| own.text()).as_deref() == Some(url) {
                    self.push(Item::Element(extension))?;
                }
            }
        }
        Ok(())
    }

    fn is_primitive_with_value(&self, item: &Item<'d>) -> bool {
        item.element().map_or_else(|| self.value_of(item).is_some(), |element| element.has_value())
    }

    /// Of `Reference`, its `reference`; of canonical, uri and string, themselves. What is within the resource is found here.
    fn resolve(&mut self, items: Vec<Item<'d>>) -> Answer {
        for item in items {
            let Some(element) = item.element() else {
                let reference = self.text_if_any(&item).unwrap_or_default();
                let from = self.root.as_ref().and_then(Item::element);
                if let Some(from) = from
                    && let Some(found) = self.find(&reference, from)?
                {
                    self.push(Item::Element(found))?;
                }
                continue;
            };
            let said = if element.has_value() {
                element.text()
            } else {
                element.child("reference").and_then(|own| own.text())
            };
            if let Some(reference) = said
                && let Some(found) = self.find(&reference, element)?
            {
                self.push(Item::Element(found))?;
            }
        }
        Ok(())
    }

    fn find(&self, reference: &str, from: Element<'d>) -> Result<Option<Element<'d>>, EvaluationFault> {
        let Some(id) = reference.strip_prefix('#') else {
            return Ok(self.context.ports.resolve(reference, from)?);
        };
        let mut resource = from.resource();
        if resource.name() == "contained"
            && let Some(parent) = resource.parent()
        {
            resource = parent.resource();
        }
        if id.is_empty() {
            return Ok(Some(resource));
        }
        let contained = Name::new("contained");
        let named =
            |resource: &Element<'d>| resource.child("id").and_then(|own| own.text()).as_deref() == Some(id);
        Ok(resource.named(&contained).find(named))
    }

    /// Every modifier extension has to be one of those that the expression knows.
    fn check_modifiers(&mut self, program: &Program, base: usize, arguments: &[OpId]) -> Answer {
        let mut known = Vec::new();
        for id in arguments {
            known.extend(self.string_argument(program, *id, Function::CheckModifiers)?);
        }
        for item in self.stack.get(base..).unwrap_or_default() {
            let Some(element) = item.element() else { continue };
            for extension in element.children().filter(|child| child.name() == "modifierExtension") {
                let url = extension.child("url").and_then(|own| own.text()).unwrap_or_default();
                if !known.iter().any(|known| known.as_str() == url) {
                    let found = "a modifier extension that it does not name".to_owned();
                    return Err(EvaluationFault::WrongType { what: "checkModifiers", found });
                }
            }
        }
        Ok(())
    }
}
