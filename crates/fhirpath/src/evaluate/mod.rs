//! Running a program over a document: a stack of items that every operation pushes to, and budgets that hold.

mod boundary;
mod budget;
mod call;
mod collection;
mod compare;
mod context;
mod convert;
mod equal;
mod fault;
mod fhir;
mod html;
mod item;
mod lambda;
mod math;
mod operate;
mod regex;
mod string;
mod truth;
mod types;

pub use budget::Budget;
pub use context::{Context, NoPorts, PortFault, Ports};
pub use fault::EvaluationFault;
pub use item::Item;

use crate::{
    document::Element,
    path::{Op, OpId, Program, Step},
    value::{Text, Value},
};
use budget::Spent;
use types::KnownTypes;

/// Runs programs; keep one per thread, so that its stack is made once.
pub struct Evaluator<'d> {
    context: Context<'d>,
    stack: Vec<Item<'d>>,
    this: Option<Item<'d>>,
    root: Option<Item<'d>>,
    index: i64,
    total: Vec<Item<'d>>,
    spent: Spent,
    types: KnownTypes,
}

type Answer = Result<(), EvaluationFault>;

impl<'d> Evaluator<'d> {
    /// With what expressions may ask for.
    pub fn new(context: Context<'d>) -> Self {
        let spent = Spent::new(&context.budget);
        Self {
            context,
            stack: Vec::with_capacity(64),
            this: None,
            root: None,
            index: 0,
            total: Vec::new(),
            spent,
            types: KnownTypes::default(),
        }
    }

    /// What expressions may ask for, to change it between runs.
    pub fn context_mut(&mut self) -> &mut Context<'d> {
        &mut self.context
    }

    /// Runs a program over one item, which is its `%context` and outermost `$this`.
    pub fn evaluate(&mut self, program: &Program, on: Item<'d>) -> Result<&[Item<'d>], EvaluationFault> {
        self.begin(on);
        self.run(program, program.root())?;
        Ok(&self.stack)
    }

    /// What the last step of a path is taken from, and the name of that step; nothing for what is no path.
    pub(crate) fn evaluate_but_last<'p>(
        &mut self,
        program: &'p Program,
        on: Item<'d>,
    ) -> Result<(&[Item<'d>], Option<&'p str>), EvaluationFault> {
        self.begin(on.clone());
        let name = match program.op(program.root()) {
            Op::Head(step) if !step.names_a_type => {
                self.push(on)?;
                Some(step.name.as_str())
            }
            Op::Member(of, step) => {
                self.run(program, *of)?;
                Some(step.name.as_str())
            }
            _ => None,
        };
        Ok((&self.stack, name))
    }

    fn begin(&mut self, on: Item<'d>) {
        self.stack.clear();
        self.total.clear();
        self.spent = Spent::new(&self.context.budget);
        self.types.are_of(self.context.model);
        self.this = Some(on.clone());
        self.root = Some(on);
        self.index = 0;
    }

    /// Steps of the last run: for callers that give many runs one budget.
    pub fn steps_spent(&self) -> u64 {
        self.spent.so_far()
    }

    /// Whether a program answers `true`; nothing and non-Booleans as N1 §4.5 takes them.
    pub fn holds(&mut self, program: &Program, on: Item<'d>) -> Result<Option<bool>, EvaluationFault> {
        self.begin(on);
        self.truth(program, program.root())
    }

    fn run(&mut self, program: &Program, id: OpId) -> Answer {
        self.spend(1)?;
        match program.op(id) {
            Op::Literal(value) => self.push(Item::Value(literal(value)))?,
            Op::Literals(values) => {
                values.iter().try_for_each(|value| self.push(Item::Value(literal(value))))?;
            }
            Op::Empty => {}
            Op::This => {
                if let Some(this) = self.this.clone() {
                    self.push(this)?;
                }
            }
            Op::Index => self.push(Item::Value(Value::Integer(self.index)))?,
            Op::Total => {
                for item in self.total.clone() {
                    self.push(item)?;
                }
            }
            Op::Head(step) => match &self.this {
                Some(Item::Element(this)) => {
                    let this = *this;
                    self.head(this, step)?;
                }
                Some(Item::Value(this)) => {
                    let this = this.clone();
                    self.parts_named(&this, step)?;
                }
                None => {}
            },
            Op::Member(on, step) => {
                if let (Op::Head(head), Some(Item::Element(this))) = (program.op(*on), &self.this)
                    && !head.names_a_type
                    && !head.may_be_choice
                {
                    let this = *this;
                    let passed = this.visit_named(&head.name, |child| self.elements_named(child, step))?;
                    return self.spend(passed + 1);
                }
                let base = self.stack.len();
                self.run(program, *on)?;
                let end = self.stack.len();
                for at in base..end {
                    match self.stack.get(at) {
                        Some(Item::Element(element)) => {
                            let element = *element;
                            self.elements_named(element, step)?;
                        }
                        Some(Item::Value(value)) => {
                            let value = value.clone();
                            self.parts_named(&value, step)?;
                        }
                        None => {}
                    }
                }
                self.stack.drain(base..end);
            }
            Op::Variable(name) => self.variable(name)?,
            Op::Call { on, function, arguments, pattern } => {
                if let Some(told) = self.quick_truth(program, id)? {
                    return self.push_truth(told.into());
                }
                self.call(program, *on, *function, arguments, pattern.as_deref())?;
            }
            Op::Type { on, test, of } => {
                let base = self.stack.len();
                self.run(program, *on)?;
                self.test_type(base, *test, of)?;
            }
            Op::At(on, index) => {
                let base = self.stack.len();
                self.run(program, *on)?;
                let index = self.integer_argument(program, *index)?;
                let item = index.and_then(|index| base.checked_add(usize::try_from(index).ok()?));
                let item = item.and_then(|at| self.stack.get(at).cloned());
                self.stack.truncate(base);
                if let Some(item) = item {
                    self.push(item)?;
                }
            }
            Op::Positive(on) => {
                let base = self.stack.len();
                self.run(program, *on)?;
                self.polarity(base, 1)?;
            }
            Op::Negative(on) => {
                let base = self.stack.len();
                self.run(program, *on)?;
                self.polarity(base, -1)?;
            }
            Op::Binary(operator, left, right) => match self.quick_truth(program, id)? {
                Some(told) => self.push_truth(told.into())?,
                None => self.binary(program, *operator, *left, *right)?,
            },
        }
        Ok(())
    }

    fn spend(&mut self, steps: u64) -> Answer {
        self.spent.steps(steps, self.context.now_during.as_ref())
    }

    /// Characters that are made or looked through.
    fn spend_text(&mut self, bytes: usize) -> Answer {
        self.spend(1 + bytes as u64 / 64)
    }

    fn push(&mut self, item: Item<'d>) -> Answer {
        if self.stack.len() >= self.context.budget.items_max {
            return Err(EvaluationFault::TooManyItems { items_max: self.context.budget.items_max });
        }
        self.stack.push(item);
        Ok(())
    }

    fn push_value(&mut self, value: Value<'d>) -> Answer {
        self.push(Item::Value(value))
    }

    fn push_string(&mut self, text: String) -> Answer {
        self.spend_text(text.len())?;
        self.push_value(Value::String(Text::from(text)))
    }

    fn push_truth(&mut self, truth: Option<bool>) -> Answer {
        truth.map_or(Ok(()), |truth| self.push_value(Value::Boolean(truth)))
    }

    /// Takes what stands on the stack from `base` on.
    fn pop_all(&mut self, base: usize) -> Vec<Item<'d>> {
        self.stack.split_off(base.min(self.stack.len()))
    }

    /// Takes the one item; nothing if there is none.
    fn pop_single(&mut self, base: usize, what: &'static str) -> Result<Option<Item<'d>>, EvaluationFault> {
        let count = self.stack.len().saturating_sub(base);
        if count > 1 {
            return Err(EvaluationFault::NotSingle { what, count });
        }
        Ok(if count == 1 { self.stack.pop() } else { None })
    }

    /// N1 §4.5: one Boolean is itself, one of anything else is true, several are a fault.
    fn pop_truth(&mut self, base: usize) -> Result<Option<bool>, EvaluationFault> {
        let item = self.pop_single(base, "a condition")?;
        Ok(item.map(|item| match self.value_of(&item) {
            Some(Value::Boolean(truth)) => truth,
            _ => true,
        }))
    }

    /// A step from `$this`; at the very beginning the name of its type stands for itself.
    fn head(&mut self, this: Element<'d>, step: &Step) -> Answer {
        if self.is_own_type(this, step) {
            return self.push(Item::Element(this));
        }
        self.elements_named(this, step)
    }

    fn is_own_type(&self, this: Element<'d>, step: &Step) -> bool {
        step.names_a_type && self.is_called(this, step.name.as_str())
    }

    /// The only values with parts are those of `type()`.
    fn parts_named(&mut self, value: &Value<'d>, step: &Step) -> Answer {
        match (value, step.name.as_str()) {
            (Value::Type(info), "name") => self.push_string(info.name.to_string()),
            (Value::Type(info), "namespace") => self.push_string(info.namespace.to_owned()),
            _ => Ok(()),
        }
    }

    fn elements_named(&mut self, element: Element<'d>, step: &Step) -> Answer {
        let before = self.stack.len();
        let items_max = self.context.budget.items_max;
        let stack = &mut self.stack;
        let passed = element.visit_named(&step.name, |child| {
            if stack.len() >= items_max {
                return Err(EvaluationFault::TooManyItems { items_max });
            }
            stack.push(Item::Element(child));
            Ok(())
        })?;
        self.spend(passed)?;
        if step.may_be_choice && self.stack.len() == before {
            for child in element.children() {
                if self.is_choice(element, child, step) {
                    self.push(Item::Element(child))?;
                }
            }
        }
        Ok(())
    }

    /// `valueQuantity` is the choice `value`, if the definition agrees.
    fn is_choice(&self, of: Element<'d>, child: Element<'d>, step: &Step) -> bool {
        is_choice_of(child.name(), step.name.as_str()) && self.is_element(of, child.name())
    }
}

/// Whether a name is another with a type behind it.
fn is_choice_of(written: &str, name: &str) -> bool {
    let rest = written.strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}

/// A literal lives as long as its program, a run perhaps longer: what it borrows is shared.
fn literal<'d>(value: &Value<'static>) -> Value<'d> {
    value.clone()
}
