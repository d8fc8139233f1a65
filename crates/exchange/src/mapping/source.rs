//! Where in a record a value stands: a JSON pointer (RFC 6901) or a FHIRPath expression.

use fhirpath::{
    document::{Document, DocumentLimits, Element, Kind},
    evaluate::{Budget, Context, Evaluator, Item},
    model::NoModel,
    path::Program,
    value::Value as Computed,
};
use kernel::Timestamp;
use serde_json::{Map, Value};

use super::{RECORD_BYTES_MAX, STEPS_MAX, TEXT_BYTES_MAX, Unmapped, VALUES_MAX};

/// Stands before a pointer into the whole record, where `each` goes through its items.
const OF_RECORD: char = '^';
/// The variable of FHIRPath for the whole record.
const RECORD: &str = "record";
/// Objects within objects that FHIRPath looks into.
const DEPTH_MAX: usize = 60;

/// Where a value stands.
#[derive(Debug)]
pub(super) enum Expression {
    /// Of the item.
    Pointer(String),
    /// Of the whole record.
    OfRecord(String),
    Path(Program),
}

/// One value of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scalar {
    Text(String),
    /// As it was written.
    Number(String),
    Truth(bool),
}

impl Scalar {
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.trim().to_owned())),
            Value::Number(number) => Some(Self::Number(number.to_string())),
            Value::Bool(truth) => Some(Self::Truth(*truth)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Truth(true) => "true",
            Self::Truth(false) => "false",
        }
    }

    /// FHIR has no empty texts: they are no values.
    fn is_there(&self) -> bool {
        !self.text().is_empty()
    }
}

impl Expression {
    pub fn of(text: &str) -> Result<Self, String> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("must have at most {TEXT_BYTES_MAX} bytes"));
        }
        if text.is_empty() || text.starts_with('/') {
            return pointer(text).map(Self::Pointer);
        }
        if let Some(rest) = text.strip_prefix(OF_RECORD) {
            return pointer(rest).map(Self::OfRecord);
        }
        if asks_the_clock(text) {
            return Err("now(), today() and timeOfDay() would make another resource in every run".to_owned());
        }
        let program = Program::compile(text, &NoModel);
        program.map(Self::Path).map_err(|fault| format!("is neither a JSON pointer nor FHIRPath: {fault}"))
    }
}

fn pointer(text: &str) -> Result<String, String> {
    let is_escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    let is_pointer = text.is_empty() || text.starts_with('/');
    if is_escaped && is_pointer { Ok(text.to_owned()) } else { Err("is no JSON pointer".to_owned()) }
}

/// Whether a function is called that answers by the clock. Texts between quotes are none of the expression.
fn asks_the_clock(text: &str) -> bool {
    let (mut bare, mut quote, mut escaped) = (String::new(), None, false);
    for character in text.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if !character.is_whitespace() && character != '`' => bare.push(character),
            None => {}
        }
    }
    ["now(", "today(", "timeOfDay("].into_iter().any(|call| {
        bare.match_indices(call).any(|(at, _)| {
            let before = bare.get(..at).and_then(|before| before.chars().next_back());
            !before.is_some_and(|before| before.is_alphanumeric() || before == '_')
        })
    })
}

/// A value as FHIRPath can look at it.
pub(super) struct Text(Result<String, Unmapped>);

impl Text {
    pub fn of(value: &Value) -> Self {
        let plain = match seen(value, 0) {
            Some(Value::Object(members)) => Value::Object(members),
            Some(other) => Value::Object(Map::from_iter([("item".to_owned(), other)])),
            None => Value::Object(Map::new()),
        };
        let text = plain.to_string();
        if text.len() > RECORD_BYTES_MAX {
            return Self(Err(Unmapped::new("too-costly", "the record is too large for FHIRPath")));
        }
        Self(Ok(text))
    }

    pub fn document(&self) -> Result<Document<'_>, Unmapped> {
        let text = self.0.as_ref().map_err(Unmapped::clone)?;
        Document::from_json(text.as_bytes(), &DocumentLimits::default())
            .map_err(|_| Unmapped::new("structure", "the record cannot be looked at by FHIRPath"))
    }
}

/// What FHIRPath sees of JSON that is not FHIR's: no nulls, lists of lists as one, no names that begin with `_` or need an escape.
fn seen(value: &Value, depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
        Value::Array(items) => {
            let mut flat = Vec::new();
            for item in items.iter().filter_map(|item| seen(item, depth + 1)) {
                match item {
                    Value::Array(inner) => flat.extend(inner),
                    other => flat.push(other),
                }
            }
            (!flat.is_empty()).then_some(Value::Array(flat))
        }
        Value::Object(members) => {
            let named = members.iter().filter(|(name, _)| is_seen(name));
            let inner = named.filter_map(|(name, value)| Some((name.clone(), seen(value, depth + 1)?)));
            Some(Value::Object(inner.collect()))
        }
    }
}

fn is_seen(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= DocumentLimits::NAME_BYTES_MAX
        && !name.starts_with('_')
        && !name.contains(|character: char| character.is_control() || matches!(character, '"' | '\\'))
}

/// A document, or why there is none.
pub(super) type Lent<'d> = Result<&'d Document<'d>, Unmapped>;

/// What an expression is asked of: the item, and the record that it stands in.
pub(super) struct View<'d> {
    pub record: &'d Value,
    pub item: &'d Value,
    /// None where no expression of the rule is FHIRPath.
    pub documents: Option<(Lent<'d>, Lent<'d>)>,
}

impl<'d> View<'d> {
    /// The values, none of them empty.
    pub fn values(&self, expression: &Expression) -> Result<Vec<Scalar>, Unmapped> {
        let program = match expression {
            Expression::Pointer(pointer) => return scalars(self.item.pointer(pointer)),
            Expression::OfRecord(pointer) => return scalars(self.record.pointer(pointer)),
            Expression::Path(program) => program,
        };
        let found = self.evaluate(program, |evaluator, program, on| {
            let items = evaluator.evaluate(program, on).map_err(|fault| costly(&fault))?;
            if items.len() > VALUES_MAX {
                return Err(too_many());
            }
            items.iter().filter_map(|item| scalar(item).transpose()).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(found.into_iter().filter(Scalar::is_there).collect())
    }

    /// Whether a condition holds: for a pointer, that there is something which is not false.
    pub fn holds(&self, expression: &Expression) -> Result<bool, Unmapped> {
        let there = match expression {
            Expression::Pointer(pointer) => self.item.pointer(pointer),
            Expression::OfRecord(pointer) => self.record.pointer(pointer),
            Expression::Path(program) => {
                let held = self.evaluate(program, |evaluator, program, on| {
                    evaluator.holds(program, on).map_err(|fault| costly(&fault))
                });
                return Ok(held? == Some(true));
            }
        };
        Ok(there.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)) && value != ""))
    }

    fn evaluate<T>(
        &self,
        program: &Program,
        run: impl FnOnce(&mut Evaluator<'d>, &Program, Item<'d>) -> Result<T, Unmapped>,
    ) -> Result<T, Unmapped> {
        let Some((item, record)) = &self.documents else {
            return Err(Unmapped::new("structure", "the record cannot be looked at by FHIRPath"));
        };
        let (item, record) = (item.clone()?, record.clone()?);
        let budget = Budget { steps_max: STEPS_MAX, items_max: 10 * VALUES_MAX, until: None };
        let mut context = Context::new(&NoModel, Timestamp::from_seconds(0)).with_budget(budget);
        context.variables.push((RECORD.to_owned(), vec![Item::Element(record.root())]));
        run(&mut Evaluator::new(context), program, Item::Element(item.root()))
    }
}

fn costly(fault: &fhirpath::evaluate::EvaluationFault) -> Unmapped {
    Unmapped::new("too-costly", fault.to_string())
}

fn too_many() -> Unmapped {
    Unmapped::new("too-costly", format!("there are more than {VALUES_MAX} values"))
}

fn scalars(found: Option<&Value>) -> Result<Vec<Scalar>, Unmapped> {
    const NO_VALUE: &str = "there is an object or a list of lists where a value is expected";
    let one = |value: &Value| match value {
        Value::Null => Ok(None),
        value => Scalar::of(value).map(Some).ok_or(Unmapped::new("value", NO_VALUE)),
    };
    let values = match found {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() > VALUES_MAX => return Err(too_many()),
        Some(Value::Array(items)) => items.iter().filter_map(|item| one(item).transpose()).collect(),
        Some(value) => one(value).map(Vec::from_iter),
    };
    values.map(|values: Vec<Scalar>| values.into_iter().filter(Scalar::is_there).collect())
}

fn scalar(item: &Item<'_>) -> Result<Option<Scalar>, Unmapped> {
    match item {
        Item::Element(element) => of_element(*element),
        Item::Value(Computed::Boolean(truth)) => Ok(Some(Scalar::Truth(*truth))),
        Item::Value(value @ (Computed::Integer(_) | Computed::Decimal(_))) => {
            Ok(Some(Scalar::Number(value.to_string())))
        }
        Item::Value(Computed::Type(_)) => {
            Err(Unmapped::new("value", "the expression tells a type and no value"))
        }
        Item::Value(value) => Ok(Some(Scalar::Text(value.to_string().trim().to_owned()))),
    }
}

fn of_element(element: Element<'_>) -> Result<Option<Scalar>, Unmapped> {
    let text = || element.text().map(|text| text.trim().to_owned());
    Ok(match element.kind() {
        Kind::String => text().map(Scalar::Text),
        Kind::Number => text().map(Scalar::Number),
        Kind::Boolean => text().map(|text| Scalar::Truth(text == "true")),
        Kind::Absent | Kind::Null => None,
        _ => return Err(Unmapped::new("value", "the expression leads to an object, not to a value")),
    })
}
