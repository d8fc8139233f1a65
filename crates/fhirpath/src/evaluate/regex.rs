//! `matches`, `matchesFull` and `replaceMatches`: linear in the text, whatever the pattern. N1 §5.6.9, §5.6.10

use std::borrow::Cow;

use regex::Regex;

use super::{Answer, EvaluationFault, Evaluator};
use crate::path::{Function, OpId, Program};

impl Evaluator<'_> {
    pub(super) fn by_pattern(
        &mut self,
        program: &Program,
        base: usize,
        function: Function,
        arguments: &[OpId],
        pattern: Option<&Regex>,
    ) -> Answer {
        let texts = self.string_arguments(program, arguments, function)?;
        let Some(item) = self.pop_single(base, function.name())? else { return Ok(()) };
        let on = self.string_value(&item, function)?;
        let on = on.as_str();
        self.spend_text(on.len())?;
        let Some([source, with]) = texts else { return Ok(()) };
        let (source, with) = (source.as_str(), with.as_str());
        let regex = match pattern {
            Some(regex) => Cow::Borrowed(regex),
            None => Cow::Owned(crate::path::regex(source, function).ok_or(EvaluationFault::Regex)?),
        };
        if function != Function::ReplaceMatches {
            return self.push_truth(Some(regex.is_match(on)));
        }
        // An empty pattern would match between all characters; HL7's tests leave the text as it is.
        if source.is_empty() {
            return self.push_string(on.to_owned());
        }
        self.spend_text(on.len().saturating_add(1).saturating_mul(with.len()))?;
        let replaced = regex.replace_all(on, with).into_owned();
        self.push_string(replaced)
    }
}
