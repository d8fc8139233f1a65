//! Value sets and hierarchies of codes in a search: told as the codes that they have before anything is looked for.
//! <https://hl7.org/fhir/R4/search.html#modifiers>

use validator::Codes;

use super::{
    Match, Problem, Query, QueryFault, SystemMatch, TerminologyMatch, Test, TokenMatch, read::shown,
};

/// What codes there are.
pub trait Terminology: Send + Sync {
    /// The codes that are asked for; nothing, where that cannot be told.
    fn codes(&self, asked: &TerminologyMatch) -> Option<Vec<TokenMatch>>;
}

impl Terminology for Codes<'_> {
    fn codes(&self, asked: &TerminologyMatch) -> Option<Vec<TokenMatch>> {
        let of = |system: &str, code: Option<Box<str>>| TokenMatch {
            system: SystemMatch::Is(system.into()),
            code,
        };
        let all = |system: &str, codes: Vec<Box<str>>| {
            codes.into_iter().map(|code| of(system, Some(code))).collect()
        };
        Some(match asked {
            TerminologyMatch::In(value_set) => {
                self.listed(value_set)?.into_iter().map(|one| of(&one.system, one.code)).collect()
            }
            TerminologyMatch::Above { system, code } => all(system, self.above(system, code)?),
            TerminologyMatch::Below { system, code } => all(system, self.below(system, code)?),
        })
    }
}

impl Query {
    /// With the codes that its value sets and hierarchies have.
    ///
    /// # Errors
    /// [`Problem::Terminology`] where they cannot be told.
    pub fn with_codes(mut self, terminology: Option<&dyn Terminology>) -> Result<Self, QueryFault> {
        for criterion in &mut self.criteria {
            let test = std::mem::replace(&mut criterion.test, Test::NONE);
            let told = tell(test, terminology);
            criterion.test =
                told.map_err(|problem| QueryFault { parameter: shown(&criterion.name), problem })?;
        }
        Ok(self)
    }
}

fn tell(test: Test, codes: Option<&dyn Terminology>) -> Result<Test, Problem> {
    let each =
        |tests: Vec<Test>| tests.into_iter().map(|test| tell(test, codes)).collect::<Result<Vec<_>, _>>();
    Ok(match test {
        Test::Any { parameter, values } => Test::Any { parameter, values: told(values, codes)? },
        Test::NotAny { parameter, values } => Test::NotAny { parameter, values: told(values, codes)? },
        Test::Chain { parameter, targets } => {
            let targets = targets.into_iter().map(|(of, test)| Ok((of, tell(test, codes)?)));
            Test::Chain { parameter, targets: targets.collect::<Result<_, Problem>>()? }
        }
        Test::Has { source, parameter, test } => {
            Test::Has { source, parameter, test: Box::new(tell(*test, codes)?) }
        }
        Test::All(tests) => Test::All(each(tests)?),
        Test::AnyOf(tests) => Test::AnyOf(each(tests)?),
        Test::Not(test) => Test::Not(Box::new(tell(*test, codes)?)),
        test => test,
    })
}

fn told(values: Vec<Match>, codes: Option<&dyn Terminology>) -> Result<Vec<Match>, Problem> {
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Match::Terminology(asked) => {
                let found = codes.and_then(|codes| codes.codes(&asked));
                let found = found.ok_or_else(|| Problem::Terminology(name(&asked)))?;
                all.extend(found.into_iter().map(Match::Token));
            }
            value => all.push(value),
        }
    }
    Ok(all)
}

/// A value set's or a system's URL is no datum of a person.
fn name(asked: &TerminologyMatch) -> Box<str> {
    match asked {
        TerminologyMatch::In(url) => shown(url),
        TerminologyMatch::Above { system, .. } | TerminologyMatch::Below { system, .. } => shown(system),
    }
}
