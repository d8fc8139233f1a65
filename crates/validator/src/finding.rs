//! What was found: a kind of message, its arguments and a place. The text is made when somebody reads it.
//! <https://hl7.org/fhir/R4/operationoutcome.html>

use std::sync::Arc;

/// How bad it is. <https://hl7.org/fhir/R4/valueset-issue-severity.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Information,
    /// The resource is valid, but something should be better, or could not be checked.
    Warning,
    /// The resource is not valid.
    Error,
    /// The resource could not be read at all.
    Fatal,
}

impl Severity {
    /// The code of `OperationOutcome.issue.severity`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// One kind of message. Each is a constant, so that a finding carries a pointer instead of a text.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// The name that HL7's validator gives to the same finding, so that tools know it.
    pub id: &'static str,
    /// The code of `OperationOutcome.issue.code`.
    pub code: &'static str,
    /// Our own wording; `{0}` stands for the first argument.
    pub template: &'static str,
}

impl Message {
    /// A kind of message.
    pub const fn new(id: &'static str, code: &'static str, template: &'static str) -> Self {
        Self { id, code, template }
    }

    fn text(&self, arguments: &[Box<str>]) -> String {
        let mut text = String::with_capacity(self.template.len() + 64);
        let mut rest = self.template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((number, behind)) = after.split_once('}') else { break };
            let argument = number.parse().ok().and_then(|at: usize| arguments.get(at));
            text.push_str(argument.map_or("", |argument| argument));
            rest = behind;
        }
        text.push_str(rest);
        text
    }
}

/// A finding about one place of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind it is.
    pub message: &'static Message,
    /// What the message speaks of.
    pub arguments: Box<[Box<str>]>,
    /// Where, in FHIRPath: `Patient.name[0].given[1]`.
    pub expression: String,
    /// From 1, as HL7's validator counts; 0 where there is none.
    pub line: u32,
    /// From 1, as HL7's validator counts; 0 where there is none.
    pub column: u32,
    /// The profile whose rule it is, with its version.
    pub profile: Option<Arc<str>>,
}

impl Finding {
    /// What was found, what was expected, which profile asked.
    pub fn text(&self) -> String {
        self.message.text(&self.arguments)
    }

    /// The name that HL7's validator gives to the same finding.
    pub fn message_id(&self) -> &'static str {
        self.message.id
    }
}

/// Everything that was found about one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In the order in which they were found; of one element none twice.
    pub findings: Vec<Finding>,
}

impl Outcome {
    /// Whether nothing worse than a warning was found.
    pub fn is_valid(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity < Severity::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_its_arguments_where_the_template_says() {
        static MESSAGE: Message = Message::new("Id", "structure", "found {1}, expected {0} ({1}){2}");
        let text = MESSAGE.text(&["1".into(), "{0}".into()]);
        assert_eq!(text, "found {0}, expected 1 ({0})");
    }
}
