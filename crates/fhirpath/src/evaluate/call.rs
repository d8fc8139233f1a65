//! Which function does what.

use regex::Regex;

use super::{Answer, EvaluationFault, Evaluator, Item};
use crate::{
    path::{Function, Op, OpId, Program},
    value::{Text, Value},
};

impl<'d> Evaluator<'d> {
    pub(super) fn call(
        &mut self,
        program: &Program,
        on: OpId,
        function: Function,
        arguments: &[OpId],
        pattern: Option<&Regex>,
    ) -> Answer {
        use Function as F;
        match function {
            F::First => return self.first(program, on),
            F::Count => {
                let count = self.count(program, on)?;
                return self.push_value(Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)));
            }
            _ => {}
        }
        let base = self.stack.len();
        self.run(program, on)?;
        let first = arguments.first().copied();
        match (function, first) {
            (F::Where, Some(body)) => self.filter(program, base, body),
            (F::Select, Some(body)) => self.select(program, base, body),
            (F::Repeat, Some(body)) => self.repeat(program, base, body),
            (F::Aggregate, _) => self.aggregate(program, base, arguments),
            (F::Iif, _) => self.iif(program, base, arguments),
            (F::Trace, _) => self.trace(program, base, arguments),
            (F::Sort, _) => self.sort(program, base, arguments),
            (F::Last, _) => {
                let end = self.stack.len();
                if end > base {
                    self.stack.drain(base..end - 1);
                }
                Ok(())
            }
            (F::Single, _) => match self.pop_single(base, "single")? {
                Some(item) => self.push(item),
                None => Ok(()),
            },
            (F::Children, _) => self.children(base),
            (F::Descendants, _) => self.descendants(base),
            (F::Now | F::Today | F::TimeOfDay, _) => self.clock(base, function),
            (F::Type, _) => {
                let items = self.pop_all(base);
                items.iter().try_for_each(|item| {
                    let info = self.type_info(item);
                    self.push_value(Value::Type(Box::new(info)))
                })
            }
            (
                F::AllTrue
                | F::AnyTrue
                | F::AllFalse
                | F::AnyFalse
                | F::SubsetOf
                | F::SupersetOf
                | F::Distinct
                | F::IsDistinct
                | F::Tail
                | F::Skip
                | F::Take
                | F::Intersect
                | F::Exclude
                | F::Union
                | F::Combine,
                _,
            ) => self.collection(program, base, function, arguments),
            (
                F::Abs
                | F::Ceiling
                | F::Exp
                | F::Floor
                | F::Ln
                | F::Log
                | F::Power
                | F::Round
                | F::Sqrt
                | F::Truncate,
                _,
            ) => self.math(program, base, function, arguments),
            (F::LowBoundary | F::HighBoundary | F::Precision | F::Comparable, _) => {
                self.boundaries(program, base, function, first)
            }
            (
                F::Extension
                | F::HasValue
                | F::GetValue
                | F::Resolve
                | F::MemberOf
                | F::Subsumes
                | F::SubsumedBy
                | F::HtmlChecks
                | F::ElementDefinition
                | F::Slice
                | F::CheckModifiers
                | F::ConformsTo,
                _,
            ) => self.fhir(program, base, function, arguments),
            (F::Matches | F::MatchesFull | F::ReplaceMatches, _) => {
                self.by_pattern(program, base, function, arguments, pattern)
            }
            (
                F::IndexOf
                | F::Substring
                | F::StartsWith
                | F::EndsWith
                | F::Contains
                | F::Upper
                | F::Lower
                | F::Replace
                | F::Length
                | F::ToChars
                | F::Trim
                | F::Split
                | F::Join
                | F::Encode
                | F::Decode
                | F::Escape
                | F::Unescape,
                _,
            ) => self.string_function(program, base, function, arguments),
            _ => self.conversion(program, base, function, first),
        }
    }

    pub(super) fn integer_argument(
        &mut self,
        program: &Program,
        id: OpId,
    ) -> Result<Option<i64>, EvaluationFault> {
        let Some(item) = self.single(program, id, "an index")? else { return Ok(None) };
        match self.value_of(&item) {
            Some(Value::Integer(number)) => Ok(Some(number)),
            _ => Err(EvaluationFault::WrongType { what: "an index", found: self.kind_name(&item) }),
        }
    }

    /// A written text is lent by the program, one of the document by the document.
    pub(super) fn string_argument<'s>(
        &mut self,
        program: &'s Program,
        id: OpId,
        function: Function,
    ) -> Result<Option<Text<'s>>, EvaluationFault>
    where
        'd: 's,
    {
        if let Op::Literal(Value::String(text)) = program.op(id) {
            return Ok(Some(Text::Borrowed(text.as_str())));
        }
        let Some(item) = self.single(program, id, function.name())? else { return Ok(None) };
        self.string_value(&item, function).map(Some)
    }

    /// The texts of the first two arguments; nothing if one of them is nothing.
    pub(super) fn string_arguments<'s>(
        &mut self,
        program: &'s Program,
        ids: &[OpId],
        function: Function,
    ) -> Result<Option<[Text<'s>; 2]>, EvaluationFault>
    where
        'd: 's,
    {
        let mut texts = [Text::Borrowed(""), Text::Borrowed("")];
        let mut all = true;
        for (text, id) in texts.iter_mut().zip(ids) {
            match self.string_argument(program, *id, function)? {
                Some(found) => *text = found,
                None => all = false,
            }
        }
        Ok(all.then_some(texts))
    }

    pub(super) fn string_value(
        &self,
        item: &Item<'d>,
        function: Function,
    ) -> Result<Text<'d>, EvaluationFault> {
        match self.value_of(item) {
            Some(Value::String(text)) => Ok(text),
            // Dates are strings to string functions, as R4's own invariants use them.
            Some(value @ Value::Temporal(_)) if item.element().is_some() => Ok(value.to_string().into()),
            _ => Err(EvaluationFault::WrongType { what: function.name(), found: self.kind_name(item) }),
        }
    }
}
