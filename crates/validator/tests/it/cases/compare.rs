//! Two outcomes of one step, measured against each other.

use super::step::{Issue, Step};

/// One step with both outcomes.
pub(super) struct Compared {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) module: String,
    /// Errors of HL7's validator that we do not have.
    pub(super) missing: Vec<Issue>,
    /// Errors of ours that HL7's validator does not have.
    pub(super) extra: Vec<Issue>,
    pub(super) expected: Vec<Issue>,
    pub(super) found: Vec<Issue>,
    pub(super) agreed: Agreed,
}

/// On what two outcomes agree, each including the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Agreed {
    Nothing,
    /// Whether the resource is valid.
    Validity,
    /// And every error: severity and expression, as often as it is there.
    Errors,
    /// And the line and column of each.
    Places,
}

impl Agreed {
    /// How `agreed.txt` says it.
    pub(super) const LEVELS: [(Self, &str); 3] =
        [(Self::Validity, "validity"), (Self::Errors, "errors"), (Self::Places, "places")];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::LEVELS.iter().find(|(_, text)| *text == name).map(|(level, _)| *level)
    }

    pub(super) fn name(self) -> &'static str {
        Self::LEVELS.iter().find(|(level, _)| *level == self).map_or("nothing", |(_, text)| text)
    }
}

impl Compared {
    pub(super) fn new(step: &Step, found: Vec<Issue>) -> Self {
        let expected = step.expected();
        let errors = |issues: &[Issue]| -> Vec<Issue> {
            issues.iter().filter(|issue| issue.is_error()).cloned().collect()
        };
        let (theirs, ours) = (errors(&expected), errors(&found));
        let missing = without(&theirs, &ours, same_error);
        let extra = without(&ours, &theirs, same_error);
        let agreed = if theirs.is_empty() != ours.is_empty() {
            Agreed::Nothing
        } else if !missing.is_empty() || !extra.is_empty() {
            Agreed::Validity
        } else if !without(&theirs, &ours, |a, b| same_error(a, b) && same_place(a, b)).is_empty() {
            Agreed::Errors
        } else {
            Agreed::Places
        };
        let (name, kind, module) = (step.name.clone(), step.kind.clone(), step.module.clone());
        Self { name, kind, module, missing, extra, expected, found, agreed }
    }
}

fn same_error(a: &Issue, b: &Issue) -> bool {
    a.severity == b.severity && a.expression == b.expression
}

fn same_place(a: &Issue, b: &Issue) -> bool {
    (a.line, a.column) == (b.line, b.column)
}

/// What is left of `all` when each of `others` has taken one that is the same.
fn without(all: &[Issue], others: &[Issue], is_same: impl Fn(&Issue, &Issue) -> bool) -> Vec<Issue> {
    let mut left = all.to_vec();
    for other in others {
        if let Some(at) = left.iter().position(|one| is_same(one, other)) {
            left.remove(at);
        }
    }
    left
}

#[test]
fn an_outcome_agrees_as_far_as_it_does() {
    let issue = |severity: &str, expression: &str, column| Issue {
        severity: severity.to_owned(),
        expression: expression.to_owned(),
        line: 1,
        column,
        text: String::new(),
    };
    let agreed = |theirs: &[Issue], ours: Vec<Issue>| {
        let text = serde_json::json!({"name": "n", "kind": "base", "module": "m", "file": "f", "supporting": [], "source": null, "packages": [],
            "issues": theirs.iter().map(|issue| serde_json::json!({"severity": issue.severity, "expression": [issue.expression],
                "text": "", "diag": format!("[{},{}]", issue.line, issue.column)})).collect::<Vec<_>>()});
        Compared::new(&serde_json::from_value(text).unwrap(), ours).agreed
    };
    let error = issue("error", "a", 1);
    assert_eq!(agreed(&[], vec![]), Agreed::Places);
    assert_eq!(agreed(&[], vec![issue("warning", "a", 1)]), Agreed::Places);
    assert_eq!(agreed(std::slice::from_ref(&error), vec![]), Agreed::Nothing);
    assert_eq!(agreed(&[], vec![error.clone()]), Agreed::Nothing);
    assert_eq!(agreed(std::slice::from_ref(&error), vec![issue("error", "b", 1)]), Agreed::Validity);
    assert_eq!(agreed(std::slice::from_ref(&error), vec![error.clone(), error.clone()]), Agreed::Validity);
    assert_eq!(agreed(std::slice::from_ref(&error), vec![issue("error", "a", 2)]), Agreed::Errors);
    assert_eq!(agreed(std::slice::from_ref(&error), vec![error.clone()]), Agreed::Places);
}
