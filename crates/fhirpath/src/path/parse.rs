//! The grammar of N1, Appendix B, by precedence.

use regex::RegexBuilder;

use super::{
    BinaryOperator, Function, Op, OpId, Step, SyntaxFault, TypeSpecifier, TypeTest,
    lex::{Lexer, Quoting, Token},
    limits::{EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, REGEX_BYTES_MAX},
};
use crate::{
    document::Name,
    model::Model,
    value::{Quantity, Text, Unit, Value},
};

pub(super) fn parse(text: &str, model: &dyn Model) -> Result<(Vec<Op>, OpId), SyntaxFault> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(SyntaxFault { problem: "the expression is too long".to_owned(), at: 0 });
    }
    let mut lexer = Lexer::new(text);
    let (token, at) = lexer.next()?;
    let mut parser = Parser { lexer, token, at, model, ops: Vec::new(), depths: Vec::new(), nesting: 0 };
    let root = parser.expression(0)?;
    match parser.token {
        Token::End => Ok((parser.ops, root)),
        _ => Err(parser.fault("something follows the expression")),
    }
}

/// Binds tighter than every operator with two operands.
const POLARITY: u8 = 11;
const TYPE: u8 = 8;

struct Parser<'t, 'm> {
    lexer: Lexer<'t>,
    token: Token,
    at: usize,
    model: &'m dyn Model,
    ops: Vec<Op>,
    depths: Vec<usize>,
    nesting: usize,
}

impl Parser<'_, '_> {
    fn fault(&self, problem: &str) -> SyntaxFault {
        self.lexer.fault(problem, self.at)
    }

    fn advance(&mut self) -> Result<Token, SyntaxFault> {
        let (token, at) = self.lexer.next()?;
        self.at = at;
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(&self.token, Token::Symbol(found) if *found == symbol)
    }

    fn take(&mut self, symbol: &str) -> Result<bool, SyntaxFault> {
        let found = self.is(symbol);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, symbol: &str) -> Result<(), SyntaxFault> {
        if self.take(symbol)? { Ok(()) } else { Err(self.fault(&format!("expected `{symbol}`"))) }
    }

    fn push(&mut self, op: Op) -> Result<OpId, SyntaxFault> {
        let below = |id: &OpId| self.depths.get(id.0 as usize).copied().unwrap_or(0);
        let deepest = match &op {
            Op::Member(on, _) | Op::Type { on, .. } | Op::Positive(on) | Op::Negative(on) => below(on),
            Op::At(a, b) | Op::Binary(_, a, b) => below(a).max(below(b)),
            Op::Call { on, arguments, .. } => arguments.iter().map(below).max().unwrap_or(0).max(below(on)),
            _ => 0,
        };
        if deepest >= EXPRESSION_DEPTH_MAX {
            return Err(self.fault("the expression is nested too deep"));
        }
        let id = OpId(u32::try_from(self.ops.len()).unwrap_or(u32::MAX));
        self.ops.push(op);
        self.depths.push(deepest + 1);
        Ok(id)
    }

    fn expression(&mut self, least: u8) -> Result<OpId, SyntaxFault> {
        self.nesting += 1;
        if self.nesting > EXPRESSION_DEPTH_MAX {
            return Err(self.fault("the expression is nested too deep"));
        }
        let mut left = self.polarity()?;
        loop {
            if let Some(test) = self.type_operator().filter(|_| TYPE >= least) {
                self.advance()?;
                let of = self.type_specifier()?;
                left = self.push(Op::Type { on: left, test, of })?;
                continue;
            }
            let Some((operator, power)) = self.binary_operator().filter(|(_, power)| *power >= least) else {
                break;
            };
            self.advance()?;
            let right = self.expression(power + 1)?;
            left = match self.folded(operator, left, right) {
                Some(literals) => self.push(literals)?,
                None => self.push(Op::Binary(operator, left, right))?,
            };
        }
        self.nesting -= 1;
        Ok(left)
    }

    /// `'a' | 'b'`: written texts are joined here, once.
    fn folded(&self, operator: BinaryOperator, left: OpId, right: OpId) -> Option<Op> {
        let texts = |id: OpId| match self.ops.get(id.0 as usize) {
            Some(Op::Literal(value @ Value::String(_))) => Some(vec![value.clone()]),
            Some(Op::Literals(values)) => Some(values.to_vec()),
            _ => None,
        };
        let mut all = (operator == BinaryOperator::Union).then(|| texts(left)).flatten()?;
        for value in texts(right)? {
            let text = value.to_string();
            if all.iter().all(|known| known.to_string() != text) {
                all.push(value);
            }
        }
        Some(Op::Literals(all.into()))
    }

    fn type_operator(&self) -> Option<TypeTest> {
        match &self.token {
            Token::Name(name, Quoting::Plain) if name == "is" => Some(TypeTest::Is),
            Token::Name(name, Quoting::Plain) if name == "as" => Some(TypeTest::As),
            _ => None,
        }
    }

    fn binary_operator(&self) -> Option<(BinaryOperator, u8)> {
        use BinaryOperator as B;
        let word = match &self.token {
            Token::Symbol(symbol) => symbol,
            Token::Name(name, Quoting::Plain) => name.as_str(),
            _ => return None,
        };
        Some(match word {
            "implies" => (B::Implies, 1),
            "or" => (B::Or, 2),
            "xor" => (B::Xor, 2),
            "and" => (B::And, 3),
            "in" => (B::In, 4),
            "contains" => (B::Contains, 4),
            "=" => (B::Equal, 5),
            "!=" => (B::NotEqual, 5),
            "~" => (B::Equivalent, 5),
            "!~" => (B::NotEquivalent, 5),
            "<" => (B::Less, 6),
            "<=" => (B::LessOrEqual, 6),
            ">" => (B::Greater, 6),
            ">=" => (B::GreaterOrEqual, 6),
            "|" => (B::Union, 7),
            "+" => (B::Add, 9),
            "-" => (B::Subtract, 9),
            "&" => (B::Concatenate, 9),
            "*" => (B::Multiply, 10),
            "/" => (B::Divide, 10),
            "div" => (B::DivideWhole, 10),
            "mod" => (B::Modulo, 10),
            _ => return None,
        })
    }

    fn polarity(&mut self) -> Result<OpId, SyntaxFault> {
        if self.take("+")? {
            let of = self.expression(POLARITY)?;
            return self.push(Op::Positive(of));
        }
        if self.take("-")? {
            let of = self.expression(POLARITY)?;
            // A number with its sign is one number.
            let number = match self.ops.get(of.0 as usize) {
                Some(Op::Literal(Value::Integer(number))) => number.checked_neg().map(Value::Integer),
                Some(Op::Literal(Value::Decimal(number))) => number.checked_neg().map(Value::Decimal),
                _ => None,
            };
            return self.push(number.map_or(Op::Negative(of), Op::Literal));
        }
        let mut on = self.term()?;
        loop {
            if self.take(".")? {
                on = self.invocation(Some(on))?;
            } else if self.take("[")? {
                let index = self.expression(0)?;
                self.expect("]")?;
                on = self.push(Op::At(on, index))?;
            } else {
                return Ok(on);
            }
        }
    }

    fn term(&mut self) -> Result<OpId, SyntaxFault> {
        let literal = match &self.token {
            Token::Symbol("(") => {
                self.advance()?;
                let inner = self.expression(0)?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Symbol("{") => {
                self.advance()?;
                self.expect("}")?;
                return self.push(Op::Empty);
            }
            Token::Symbol("%") => return self.variable(),
            Token::Name(name, Quoting::Plain) if name == "true" => Value::Boolean(true),
            Token::Name(name, Quoting::Plain) if name == "false" => Value::Boolean(false),
            Token::Text(text) => Value::String(Text::Made(text.as_str().into())),
            Token::Integer(number) => return self.number(Value::Integer(*number)),
            Token::Decimal(number) => return self.number(Value::Decimal(*number)),
            Token::Temporal(at) => Value::Temporal(Box::new(at.0)),
            _ => return self.invocation(None),
        };
        self.advance()?;
        self.push(Op::Literal(literal))
    }

    /// A number, with a unit if one follows.
    fn number(&mut self, number: Value<'static>) -> Result<OpId, SyntaxFault> {
        self.advance()?;
        let unit = match &self.token {
            Token::Text(code) => {
                Some(Unit::calendar(code).unwrap_or_else(|| Unit::Ucum(code.as_str().into())))
            }
            Token::Name(word, Quoting::Plain) => Unit::calendar(word),
            _ => None,
        };
        let value = match &number {
            Value::Integer(whole) => (*whole).into(),
            Value::Decimal(decimal) => *decimal,
            _ => return Err(self.fault("expected a number")),
        };
        let Some(unit) = unit else { return self.push(Op::Literal(number)) };
        self.advance()?;
        self.push(Op::Literal(Value::Quantity(Box::new(Quantity { value, unit }))))
    }

    fn variable(&mut self) -> Result<OpId, SyntaxFault> {
        self.advance()?;
        match self.advance()? {
            Token::Name(name, _) | Token::Text(name) => self.push(Op::Variable(name.into())),
            _ => Err(self.fault("expected the name of a variable")),
        }
    }

    /// A member or function, of what stands before the dot, or else of `$this`.
    fn invocation(&mut self, on: Option<OpId>) -> Result<OpId, SyntaxFault> {
        let special = match &self.token {
            Token::Symbol("$this") => Some(Op::This),
            Token::Symbol("$index") => Some(Op::Index),
            Token::Symbol("$total") => Some(Op::Total),
            _ => None,
        };
        if let Some(op) = special {
            self.advance()?;
            return self.push(op);
        }
        let Token::Name(name, quoting) = self.token.clone() else {
            return Err(self.fault("expected a value"));
        };
        self.advance()?;
        if quoting == Quoting::Plain && self.take("(")? {
            return self.call(on, &name);
        }
        let step = Step {
            may_be_choice: self.model.is_choice(&name),
            names_a_type: name.starts_with(|first: char| first.is_ascii_uppercase()),
            name: Name::new(&name),
        };
        match on {
            Some(on) => self.push(Op::Member(on, step)),
            None => self.push(Op::Head(step)),
        }
    }

    fn call(&mut self, on: Option<OpId>, name: &str) -> Result<OpId, SyntaxFault> {
        let at = self.at;
        let on = on.map_or_else(|| self.push(Op::This), Ok)?;
        let test = match name {
            "is" => Some(TypeTest::Is),
            "as" => Some(TypeTest::As),
            "ofType" => Some(TypeTest::OfType),
            _ => None,
        };
        if let Some(test) = test {
            let of = self.type_specifier()?;
            self.expect(")")?;
            return self.push(Op::Type { on, test, of });
        }
        let Some((function, least, most)) = Function::named(name) else {
            return Err(self.lexer.fault(&format!("there is no function `{name}`"), at));
        };
        let mut arguments = Vec::new();
        while !self.is(")") {
            arguments.push(self.expression(0)?);
            if !self.take(",")? {
                break;
            }
        }
        self.expect(")")?;
        if arguments.len() < least || arguments.len() > most {
            return Err(self.lexer.fault(&format!("`{name}` takes {least} to {most} arguments"), at));
        }
        let pattern = self.pattern(function, &arguments)?;
        self.push(Op::Call { on, function, arguments: arguments.into(), pattern })
    }

    /// A pattern that the expression spells out is compiled with it.
    fn pattern(
        &self,
        function: Function,
        arguments: &[OpId],
    ) -> Result<Option<Box<regex::Regex>>, SyntaxFault> {
        let used = matches!(function, Function::Matches | Function::MatchesFull | Function::ReplaceMatches);
        let literal = arguments.first().and_then(|id| self.ops.get(id.0 as usize));
        let Some(Op::Literal(Value::String(pattern))) = literal.filter(|_| used) else { return Ok(None) };
        let regex = regex(pattern.as_str(), function);
        regex
            .map(|regex| Some(Box::new(regex)))
            .ok_or_else(|| self.fault("a regular expression is wrong or too large"))
    }

    fn type_specifier(&mut self) -> Result<TypeSpecifier, SyntaxFault> {
        let Token::Name(first, _) = self.advance()? else { return Err(self.fault("expected a type")) };
        if self.is(".") && matches!(first.as_str(), "FHIR" | "System") {
            self.advance()?;
            let Token::Name(second, _) = self.advance()? else { return Err(self.fault("expected a type")) };
            return Ok(TypeSpecifier { namespace: Some(first.into()), name: second.into() });
        }
        Ok(TypeSpecifier { namespace: None, name: first.into() })
    }
}

/// N1 §5.6.9: a dot is also a line break. `matchesFull` is anchored at both ends.
pub(crate) fn regex(pattern: &str, function: Function) -> Option<regex::Regex> {
    let anchored = match function {
        Function::MatchesFull => format!("^(?:{pattern})$"),
        _ => pattern.to_owned(),
    };
    let mut builder = RegexBuilder::new(&anchored);
    builder
        .dot_matches_new_line(true)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .build()
        .ok()
}
