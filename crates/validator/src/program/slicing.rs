//! Slicing. <https://hl7.org/fhir/R4/profiling.html#slicing>

/// `ElementDefinition.slicing`
#[derive(Debug, Clone, Default)]
pub struct Slicing {
    /// What tells slices apart; without any, nothing does.
    pub discriminators: Box<[Discriminator]>,
    /// Whether there may be elements of no slice.
    pub rules: SlicingRules,
    /// Elements of slices stand in the order of the slices.
    pub is_ordered: bool,
}

/// `ElementDefinition.slicing.rules`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SlicingRules {
    /// Elements of no slice may stand anywhere.
    #[default]
    Open,
    /// There are none.
    Closed,
    /// They stand behind those of slices.
    OpenAtEnd,
}

/// `ElementDefinition.slicing.discriminator`
#[derive(Debug, Clone)]
pub struct Discriminator {
    /// What is compared.
    pub kind: DiscriminatorKind,
    /// As it is written.
    pub path: Box<str>,
    /// Its steps.
    pub steps: Box<[Step]>,
}

/// `ElementDefinition.slicing.discriminator.type`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscriminatorKind {
    /// The value.
    Value,
    /// Whether it is there.
    Exists,
    /// A pattern of the value.
    Pattern,
    /// The type.
    Type,
    /// Whether it conforms to a profile.
    Profile,
}

/// One step of a discriminator's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A child.
    Child(Box<str>),
    /// What a reference points to.
    Resolve,
    /// The extension of this url.
    Extension(Box<str>),
    /// Of these, those of the type.
    OfType(Box<str>),
}

impl Discriminator {
    /// Reads one; `None` where its path has something that discriminators may not have.
    pub(super) fn new(kind: &str, path: &str) -> Option<Self> {
        let kind = match kind {
            "value" => DiscriminatorKind::Value,
            "exists" => DiscriminatorKind::Exists,
            "pattern" => DiscriminatorKind::Pattern,
            "type" => DiscriminatorKind::Type,
            "profile" => DiscriminatorKind::Profile,
            _ => return None,
        };
        Some(Self { kind, path: path.into(), steps: steps(path)?.into() })
    }
}

fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        let end = end_of_step(rest);
        let (step, behind) = rest.split_at_checked(end)?;
        rest = behind.strip_prefix('.').unwrap_or(behind);
        let argument = |name: &str| {
            let inner = step.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?;
            Some(inner.trim_matches(['\'', '"']))
        };
        match step {
            "$this" => {}
            "resolve()" => steps.push(Step::Resolve),
            _ => {
                if let Some(url) = argument("extension") {
                    steps.push(Step::Extension(url.into()));
                } else if let Some(name) = argument("ofType").or_else(|| argument("as")) {
                    steps.push(Step::OfType(name.into()));
                } else if step.contains('(') || step.is_empty() {
                    return None;
                } else {
                    steps.push(Step::Child(step.trim_end_matches("[x]").into()));
                }
            }
        }
    }
    Some(steps)
}

/// A step ends at a dot that stands outside of brackets.
fn end_of_step(text: &str) -> usize {
    let mut depth = 0_u32;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_steps() {
        let child = |name: &str| Step::Child(name.into());
        assert_eq!(steps("$this"), Some(vec![]));
        assert_eq!(steps("code.coding"), Some(vec![child("code"), child("coding")]));
        assert_eq!(
            steps("extension('http://a.b/c').value.ofType(Coding).resolve()"),
            Some(vec![
                Step::Extension("http://a.b/c".into()),
                child("value"),
                Step::OfType("Coding".into()),
                Step::Resolve
            ])
        );
        assert_eq!(steps("where(a = 'b')"), None);
    }
}
