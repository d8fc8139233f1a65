//! From `Parameters` to operations.

use super::{Act, Operation, Patch, PatchFault, PatchProblem, limits::OPERATIONS_MAX, value::Given};
use crate::document::Element;

impl<'p> Patch<'p> {
    /// Reads a patch.
    pub fn read(parameters: Element<'p>) -> Result<Self, PatchFault> {
        let fault = |operation, problem| PatchFault { operation, problem };
        if parameters.resource_type().as_deref() != Some("Parameters") {
            return Err(fault(0, PatchProblem::NotAPatch));
        }
        let mut operations = Vec::new();
        for (at, parameter) in parameters.children().filter(|child| child.name() == "parameter").enumerate() {
            if at >= OPERATIONS_MAX {
                return Err(fault(at + 1, PatchProblem::TooMany));
            }
            operations.push(operation(parameter).map_err(|problem| fault(at + 1, problem))?);
        }
        Ok(Self { operations })
    }

    /// How many operations it has.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

fn operation(parameter: Element<'_>) -> Result<Operation<'_>, PatchProblem> {
    if text(parameter, "name").as_deref() != Some("operation") {
        return Err(PatchProblem::NotAPatch);
    }
    let mut parts = Parts::default();
    for part in parameter.children().filter(|child| child.name() == "part") {
        parts.take(part)?;
    }
    let missing = PatchProblem::Part;
    let kind = parts.text("type").ok_or(missing("type"))?;
    let path = parts.text("path").ok_or(missing("path"))?;
    let act = match kind.as_str() {
        "add" => Act::Add { name: parts.text("name").ok_or(missing("name"))?, value: parts.value()? },
        "insert" => Act::Insert { index: parts.index("index")?, value: parts.value()? },
        "delete" => Act::Delete,
        "replace" => Act::Replace { value: parts.value()? },
        "move" => Act::Move { source: parts.index("source")?, destination: parts.index("destination")? },
        _ => return Err(missing("type")),
    };
    match parts.left() {
        Some(name) => Err(PatchProblem::UnexpectedPart(name)),
        None => Ok(Operation { path, act }),
    }
}

/// The parts of an operation that were not asked for yet, by name.
#[derive(Default)]
struct Parts<'p> {
    held: Vec<(String, Element<'p>)>,
}

impl<'p> Parts<'p> {
    fn take(&mut self, part: Element<'p>) -> Result<(), PatchProblem> {
        let name = text(part, "name").ok_or(PatchProblem::Part("name"))?;
        if self.held.iter().any(|(held, _)| *held == name) {
            return Err(PatchProblem::UnexpectedPart(name));
        }
        self.held.push((name, part));
        Ok(())
    }

    fn part(&mut self, name: &str) -> Option<Element<'p>> {
        let at = self.held.iter().position(|(held, _)| held == name)?;
        Some(self.held.swap_remove(at).1)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let part = self.part(name)?;
        let value = part.children().find(|child| child.name().starts_with("value"))?;
        value.text().map(|text| text.into_owned())
    }

    fn index(&mut self, name: &'static str) -> Result<usize, PatchProblem> {
        self.text(name).and_then(|text| text.parse().ok()).ok_or(PatchProblem::Part(name))
    }

    fn value(&mut self) -> Result<Given<'p>, PatchProblem> {
        let part = self.part("value").ok_or(PatchProblem::Part("value"))?;
        Given::of_part(part, 0)
    }

    fn left(&mut self) -> Option<String> {
        self.held.pop().map(|(name, _)| name)
    }
}

pub(super) fn text(of: Element<'_>, name: &str) -> Option<String> {
    of.child(name).and_then(|child| child.text()).map(|text| text.into_owned())
}
