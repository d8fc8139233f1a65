//! Operators with two operands, polarity, and variables. N1 §6 and §9

use super::{Answer, EvaluationFault, Evaluator, Item};
use crate::{
    path::{BinaryOperator, OpId, Program},
    value::Value,
};

impl<'d> Evaluator<'d> {
    pub(super) fn binary(
        &mut self,
        program: &Program,
        operator: BinaryOperator,
        left: OpId,
        right: OpId,
    ) -> Answer {
        use BinaryOperator as B;
        let base = self.stack.len();
        self.run(program, left)?;
        match operator {
            B::Equivalent | B::NotEquivalent => {
                let a = self.pop_all(base);
                let b = self.collect(program, right)?;
                let truth = self.equivalent(&a, &b)?;
                self.push_truth(Some(truth == (operator == B::Equivalent)))
            }
            B::Union => {
                self.run(program, right)?;
                let all = self.pop_all(base);
                let all = self.distinct(all)?;
                all.into_iter().try_for_each(|item| self.push(item))
            }
            B::Contains => {
                let items = self.pop_all(base);
                let Some(item) = self.single(program, right, "a membership")? else { return Ok(()) };
                let truth = self.is_among(&item, &items)?;
                self.push_truth(Some(truth))
            }
            B::Concatenate => {
                let a = self.pop_single(base, "&")?;
                let b = self.single(program, right, "&")?;
                let mut text = String::new();
                for item in [a, b].into_iter().flatten() {
                    match self.value_of(&item) {
                        Some(Value::String(part)) => text.push_str(part.as_str()),
                        _ => {
                            return Err(EvaluationFault::WrongType {
                                what: "&",
                                found: self.kind_name(&item),
                            });
                        }
                    }
                }
                self.push_string(text)
            }
            B::Add | B::Subtract | B::Multiply | B::Divide | B::DivideWhole | B::Modulo => {
                let a = self.pop_single(base, "arithmetic")?;
                let b = self.single(program, right, "arithmetic")?;
                let (Some(a), Some(b)) = (a, b) else { return Ok(()) };
                match self.arithmetic(operator, &a, &b)? {
                    Some(value) => self.push_value(value),
                    None => Ok(()),
                }
            }
            // Those that answer with a Boolean are told by `quick_truth`.
            _ => Ok(()),
        }
    }

    pub(super) fn polarity(&mut self, base: usize, sign: i64) -> Answer {
        let Some(item) = self.pop_single(base, "a sign")? else { return Ok(()) };
        let wrong = EvaluationFault::WrongType { what: "a sign", found: self.kind_name(&item) };
        let value = match self.value_of(&item) {
            Some(Value::Integer(number)) => number.checked_mul(sign).map(Value::Integer),
            Some(Value::Decimal(number)) if sign < 0 => number.checked_neg().map(Value::Decimal),
            Some(Value::Quantity(mut quantity)) if sign < 0 => quantity.value.checked_neg().map(|value| {
                quantity.value = value;
                Value::Quantity(quantity)
            }),
            Some(value @ (Value::Decimal(_) | Value::Quantity(_))) => Some(value),
            _ => return Err(wrong),
        };
        value.map_or(Ok(()), |value| self.push_value(value))
    }

    pub(super) fn collect(&mut self, program: &Program, id: OpId) -> Result<Vec<Item<'d>>, EvaluationFault> {
        let base = self.stack.len();
        self.run(program, id)?;
        Ok(self.pop_all(base))
    }

    pub(super) fn single(
        &mut self,
        program: &Program,
        id: OpId,
        what: &'static str,
    ) -> Result<Option<Item<'d>>, EvaluationFault> {
        let base = self.stack.len();
        self.run(program, id)?;
        self.pop_single(base, what)
    }

    /// N1 §9; <https://hl7.org/fhir/R4/fhirpath.html#vars>
    pub(super) fn variable(&mut self, name: &str) -> Answer {
        let own = self.context.variables.iter().find(|(own, _)| own == name).map(|(_, items)| items.clone());
        if let Some(items) = own {
            return items.into_iter().try_for_each(|item| self.push(item));
        }
        let element = self.root.as_ref().and_then(Item::element);
        let resource = self.context.resource.or_else(|| element.map(|element| element.resource()));
        let text = match name {
            "context" => return self.root.clone().map_or(Ok(()), |root| self.push(root)),
            "resource" => return resource.map_or(Ok(()), |resource| self.push(Item::Element(resource))),
            "rootResource" => {
                let root = self.context.root_resource.or_else(|| resource.map(container));
                return root.map_or(Ok(()), |root| self.push(Item::Element(root)));
            }
            "ucum" => "http://unitsofmeasure.org".to_owned(),
            "sct" => "http://snomed.info/sct".to_owned(),
            "loinc" => "http://loinc.org".to_owned(),
            _ => match name.split_once('-') {
                Some(("vs", id)) => format!("http://hl7.org/fhir/ValueSet/{id}"),
                Some(("ext", id)) => format!("http://hl7.org/fhir/StructureDefinition/{id}"),
                _ => return Err(EvaluationFault::UnknownVariable(name.to_owned())),
            },
        };
        self.push_string(text)
    }
}

/// The resource that contains this one, or itself.
fn container(resource: crate::document::Element<'_>) -> crate::document::Element<'_> {
    match resource.parent() {
        Some(parent) if resource.name() == "contained" => parent.resource(),
        _ => resource,
    }
}
