//! The grammar of UCUM §2 to §12:
//! `main = [/] term`, `term = component {(. | /) component}`, `component = symbol [annotation] | annotation | (term)`,
//! `symbol = number | [prefix] unit [exponent]`.

use super::{
    Measure, Scale, UnitFault, UnitProblem,
    limits::{UNIT_BYTES_MAX, UNIT_DEPTH_MAX, UNIT_EXPONENT_MAX},
    table::{PREFIXES, Units, units},
};

/// Reads a code: nothing where it is well-formed, but no measure.
pub(super) fn read(code: &str, units: &Units) -> Result<Option<Measure>, UnitFault> {
    let fault = |problem, at| Err(UnitFault { problem, at });
    if code.is_empty() {
        return fault(UnitProblem::Empty, 0);
    }
    if code.len() > UNIT_BYTES_MAX {
        return fault(UnitProblem::TooLong, UNIT_BYTES_MAX);
    }
    // All characters are graphic ones of ASCII (UCUM §2), in annotations too.
    if let Some((at, character)) = code.char_indices().find(|(_, character)| !character.is_ascii_graphic()) {
        return fault(UnitProblem::Character(character), at);
    }
    let mut reader = Reader { code, at: 0, depth: 0, units };
    let one = Some(Measure::ONE);
    let measure = if reader.peek() == Some('/') { reader.joined(one) } else { reader.term() }?;
    match reader.peek() {
        None => Ok(measure),
        Some(character) => Err(reader.fault(UnitProblem::Character(character))),
    }
}

/// What a code measures; nothing if it is no unit, or measures nothing.
pub(crate) fn measure(code: &str) -> Option<Measure> {
    read(code, units()).ok().flatten()
}

struct Reader<'c> {
    code: &'c str,
    at: usize,
    depth: usize,
    units: &'c Units,
}

type Read = Result<Option<Measure>, UnitFault>;

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.code.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn fault(&self, problem: UnitProblem) -> UnitFault {
        UnitFault { problem, at: self.at }
    }

    fn term(&mut self) -> Read {
        let first = self.component()?;
        self.joined(first)
    }

    /// From left to right: `/` turns only what follows it at once.
    fn joined(&mut self, first: Option<Measure>) -> Read {
        let mut total = first;
        loop {
            let exponent = match self.peek() {
                Some('.') => 1,
                Some('/') => -1,
                Some('(' | '{') => return Err(self.fault(UnitProblem::NotJoined)),
                _ => return Ok(total),
            };
            self.at += 1;
            let next = self.component()?.and_then(|next| next.power(exponent));
            total = total.zip(next).and_then(|(total, next)| total.times(next));
        }
    }

    fn component(&mut self) -> Read {
        match self.peek() {
            Some('(') => self.parenthesis(),
            Some('{') => {
                self.annotation()?;
                match self.peek() {
                    None | Some('.' | '/' | ')') => Ok(Some(Measure::ONE)),
                    Some(_) => Err(self.fault(UnitProblem::NotJoined)),
                }
            }
            _ => {
                let measure = self.symbol()?;
                if self.peek() == Some('{') {
                    self.annotation()?;
                    if !matches!(self.peek(), None | Some('.' | '/' | ')')) {
                        return Err(self.fault(UnitProblem::NotJoined));
                    }
                }
                Ok(measure)
            }
        }
    }

    fn parenthesis(&mut self) -> Read {
        let open = self.at;
        self.depth += 1;
        if self.depth > UNIT_DEPTH_MAX {
            return Err(self.fault(UnitProblem::TooDeep));
        }
        self.at += 1;
        let inner = self.term()?;
        if self.peek() != Some(')') {
            return Err(UnitFault { problem: UnitProblem::NotClosed('('), at: open });
        }
        self.at += 1;
        self.depth -= 1;
        match self.peek() {
            None | Some('.' | '/' | ')') => Ok(inner),
            Some(_) => Err(self.fault(UnitProblem::NotJoined)),
        }
    }

    fn annotation(&mut self) -> Result<(), UnitFault> {
        let inner = self.rest().get(1..).unwrap_or_default();
        match inner.find(['{', '}']) {
            Some(end) if inner.get(end..=end) == Some("}") => {
                self.at += end + 2;
                Ok(())
            }
            _ => Err(self.fault(UnitProblem::NotClosed('{'))),
        }
    }

    /// A number, or a unit with an exponent. Within square brackets anything is part of the unit.
    fn symbol(&mut self) -> Read {
        let end = self.end_of_symbol()?;
        let symbol = self.rest().get(..end).unwrap_or_default();
        let measure =
            symbol_of(symbol, self.units).map_err(|(problem, at)| UnitFault { problem, at: self.at + at })?;
        self.at += end;
        Ok(measure)
    }

    fn end_of_symbol(&self) -> Result<usize, UnitFault> {
        let mut opened = None;
        for (at, character) in self.rest().char_indices() {
            match (opened, character) {
                (None, '[') => opened = Some(at),
                (Some(_), ']') => opened = None,
                (None, '.' | '/' | '(' | ')' | '{' | '}') if at == 0 => {
                    return Err(self.fault(UnitProblem::Missing));
                }
                (None, '.' | '/' | '(' | ')' | '{' | '}') => return Ok(at),
                (None, ']' | '"' | '=') => {
                    return Err(UnitFault { problem: UnitProblem::Character(character), at: self.at + at });
                }
                _ => {}
            }
        }
        match opened {
            Some(at) => Err(UnitFault { problem: UnitProblem::NotClosed('['), at: self.at + at }),
            None if self.rest().is_empty() => Err(self.fault(UnitProblem::Missing)),
            None => Ok(self.rest().len()),
        }
    }
}

type Symbol = Result<Option<Measure>, (UnitProblem, usize)>;

fn symbol_of(symbol: &str, units: &Units) -> Symbol {
    let digits = symbol.bytes().take_while(u8::is_ascii_digit).count();
    if digits == symbol.len() {
        let number = symbol.parse().ok().and_then(super::Factor::whole);
        let factor = number.ok_or_else(|| (UnitProblem::Number(symbol.to_owned()), 0))?;
        return Ok(Some(Measure { factor, ..Measure::ONE }));
    }
    let base = symbol.trim_end_matches(|last: char| last.is_ascii_digit());
    let (base, exponent) = match base.strip_suffix(['+', '-']) {
        Some(unit) if base.len() < symbol.len() => (unit, symbol.get(unit.len()..).unwrap_or_default()),
        _ => (base, symbol.get(base.len()..).unwrap_or_default()),
    };
    let measure = unit(base, units).map_err(|problem| {
        // `12h` is a number and a unit that were not joined.
        let (number, rest) = symbol.split_at_checked(digits).unwrap_or(("", symbol));
        let joined = digits > 0 && symbol_of(rest, units).is_ok();
        let unit = || rest.to_owned();
        let joined =
            joined.then(|| UnitProblem::NumberBeforeUnit { number: number.to_owned(), unit: unit() });
        (joined.unwrap_or(problem), 0)
    })?;
    if exponent.is_empty() {
        return Ok(Some(measure));
    }
    let power = exponent.strip_prefix('+').unwrap_or(exponent).parse::<i8>().ok();
    let power = power.filter(|power| power.unsigned_abs() <= UNIT_EXPONENT_MAX.unsigned_abs());
    let power = power.ok_or_else(|| (UnitProblem::Exponent(exponent.to_owned()), base.len()))?;
    Ok(measure.power(power))
}

/// A unit, or one with a prefix.
fn unit(symbol: &str, units: &Units) -> Result<Measure, UnitProblem> {
    if let Some(atom) = units.get(symbol) {
        return Ok(atom.measure);
    }
    let mut problem = None;
    for (prefix, power) in PREFIXES {
        let Some(rest) = symbol.strip_prefix(prefix) else { continue };
        match units.get(rest) {
            Some(atom) if atom.metric => {
                let mut measure = atom.measure;
                let factor = power.factor();
                let prefixed = match measure.scale {
                    Scale::Ratio => {
                        factor.and_then(|by| measure.factor.times(by)).map(|own| measure.factor = own)
                    }
                    Scale::Special(function, own) => factor
                        .and_then(|by| own.times(by))
                        .map(|own| measure.scale = Scale::Special(function, own)),
                };
                return prefixed.map(|()| measure).ok_or(UnitProblem::TooLong);
            }
            Some(_) => problem = Some(UnitProblem::NotMetric { prefix, unit: rest.to_owned() }),
            None => {}
        }
    }
    Err(problem.unwrap_or_else(|| UnitProblem::Unknown(symbol.to_owned())))
}
