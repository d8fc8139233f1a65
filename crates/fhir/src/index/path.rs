//! The expressions of search parameters are nearly all paths: names, types, and conditions of two kinds. As paths they are walked all at
//! once; what is none is run by FHIRPath.

/// One alternative of an expression.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Branch {
    /// The type that it begins with: `Patient` of `Patient.name`; or [`RECORD`].
    pub(super) root: Option<Box<str>>,
    pub(super) steps: Vec<Step>,
}

/// The root of a path that begins with the record, wherever it stands.
pub(super) const RECORD: &str = "%resource";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Child(Box<str>),
    As(Box<str>),
    Where(Filter),
}

/// What an element has to be to be walked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    /// `where(resolve() is Patient)`
    ResolvesTo(Box<str>),
    /// `where(system = 'phone')`
    Says { name: Box<str>, text: Box<str> },
    /// `[0]`
    First,
}

/// The alternatives of an expression, if it is made of paths alone.
pub(super) fn branches(expression: &str) -> Option<Vec<Branch>> {
    let mut reader = Reader { rest: expression, depth: 0 };
    let branches = reader.union()?;
    reader.skip_space();
    reader.rest.is_empty().then_some(branches)
}

/// Parentheses within parentheses; deeper ones are left to FHIRPath, which has its own limit.
const DEPTH_MAX: usize = 8;
/// Alternatives within alternatives multiply.
const BRANCHES_MAX: usize = 256;

struct Reader<'e> {
    rest: &'e str,
    depth: usize,
}

impl<'e> Reader<'e> {
    fn union(&mut self) -> Option<Vec<Branch>> {
        let mut all = self.term()?;
        while self.take("|") {
            all.extend(self.term()?);
        }
        (all.len() <= BRANCHES_MAX).then_some(all)
    }

    fn term(&mut self) -> Option<Vec<Branch>> {
        let mut branches = self.postfix()?;
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix("as ") {
            self.rest = rest;
            let of = self.name()?;
            push(&mut branches, &Step::As(of.into()));
        }
        Some(branches)
    }

    fn postfix(&mut self) -> Option<Vec<Branch>> {
        let mut branches = self.primary()?;
        loop {
            if self.take("[") {
                let is_first = self.take("0") && self.take("]");
                is_first.then_some(())?;
                push(&mut branches, &Step::Where(Filter::First));
            } else if self.take(".") {
                let step = self.step()?;
                push(&mut branches, &step);
            } else {
                return Some(branches);
            }
        }
    }

    fn primary(&mut self) -> Option<Vec<Branch>> {
        if self.take("(") {
            self.depth += 1;
            let inner = (self.depth <= DEPTH_MAX).then(|| self.union()).flatten()?;
            self.depth -= 1;
            return self.take(")").then_some(inner);
        }
        if self.take("$this") {
            return Some(vec![Branch::default()]);
        }
        if self.take(RECORD) {
            return Some(vec![Branch { root: Some(RECORD.into()), steps: Vec::new() }]);
        }
        let name = self.name()?;
        if name.starts_with(|first: char| first.is_ascii_uppercase()) {
            return Some(vec![Branch { root: Some(name.into()), steps: Vec::new() }]);
        }
        Some(vec![Branch { root: None, steps: vec![self.named(name)?] }])
    }

    fn step(&mut self) -> Option<Step> {
        let name = self.name()?;
        self.named(name)
    }

    /// A name, or a call of one of the functions that choose.
    fn named(&mut self, name: &str) -> Option<Step> {
        if !self.take("(") {
            return Some(Step::Child(name.into()));
        }
        let step = match name {
            "as" | "ofType" => Step::As(self.name()?.into()),
            "where" => Step::Where(self.condition()?),
            "first" => Step::Where(Filter::First),
            _ => return None,
        };
        self.take(")").then_some(step)
    }

    fn condition(&mut self) -> Option<Filter> {
        let name = self.name()?;
        if name == "resolve" {
            let asked = self.take("(") && self.take(")") && self.take("is ");
            return asked.then(|| self.name()).flatten().map(|of| Filter::ResolvesTo(of.into()));
        }
        if !(self.take("=") && self.take("'")) {
            return None;
        }
        let (text, rest) = self.rest.split_once('\'').filter(|(text, _)| !text.contains('\\'))?;
        self.rest = rest;
        Some(Filter::Says { name: name.into(), text: text.into() })
    }

    fn name(&mut self) -> Option<&'e str> {
        self.skip_space();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        let good = name.starts_with(|first: char| first.is_ascii_alphabetic());
        // A word that is an operator elsewhere is no name here.
        let good = good && !matches!(name, "and" | "or" | "is" | "in" | "not" | "as" | "true" | "false")
            || name == "as" && rest.starts_with('(');
        self.rest = if good { rest } else { self.rest };
        good.then_some(name)
    }

    fn take(&mut self, what: &str) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(what);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

fn push(branches: &mut [Branch], step: &Step) {
    branches.iter_mut().for_each(|branch| branch.steps.push(step.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(expression: &str) -> Option<String> {
        let branch = |branch: &Branch| {
            let steps = branch.steps.iter().map(|step| match step {
                Step::Child(name) => name.to_string(),
                Step::As(of) => format!("<{of}>"),
                Step::Where(Filter::ResolvesTo(of)) => format!("->{of}"),
                Step::Where(Filter::Says { name, text }) => format!("?{name}={text}"),
                Step::Where(Filter::First) => "#0".to_owned(),
            });
            branch.root.iter().map(ToString::to_string).chain(steps).collect::<Vec<_>>().join(" ")
        };
        Some(branches(expression)?.iter().map(branch).collect::<Vec<_>>().join(" | "))
    }

    #[test]
    fn paths_are_read_and_the_rest_is_left() {
        for (expression, expected) in [
            ("Patient.name", Some("Patient name")),
            ("A.b | A.c.d", Some("A b | A c d")),
            ("(A.b as T) | (A.c as U)", Some("A b <T> | A c <U>")),
            ("(A.b as T).text", Some("A b <T> text")),
            ("A.b as T", Some("A b <T>")),
            ("A.b.as(T)", Some("A b <T>")),
            ("value.ofType(T) | value.as(U)", Some("value <T> | value <U>")),
            ("(A.b | A.c).d", Some("A b d | A c d")),
            ("A.b.where(resolve() is P)", Some("A b ->P")),
            ("A.b.where(system='x y').c", Some("A b ?system=x y c")),
            ("A.b[0].c", Some("A b #0 c")),
            ("$this", Some("")),
            ("%resource.a", Some("%resource a")),
            ("A.b.exists() and A.b != false", None),
            ("A.b[1]", None),
            ("A.b.where(c = d)", None),
            ("A.b +", None),
            ("A.b.where(c.d = 'x')", None),
            ("", None),
            ("(A.b", None),
        ] {
            assert_eq!(told(expression).as_deref(), expected, "{expression}");
        }
    }
}
