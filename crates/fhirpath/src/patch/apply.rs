//! Operations, one after the other.

use kernel::Timestamp;

use super::{Act, Operation, Patch, PatchFault, PatchProblem, value::Given};
use crate::{
    document::{Change, Content, Document, DocumentLimits, Element, Member, Repeats},
    evaluate::{Context, Evaluator, Item},
    model::{Model, TypeId},
    path::Program,
};

impl Patch<'_> {
    /// Applies all operations or none; answers the resource in JSON.
    pub fn apply(
        &self,
        document: &Document<'_>,
        model: &dyn Model,
        limits: &DocumentLimits,
        now: Timestamp,
    ) -> Result<String, PatchFault> {
        let mut text = document.to_json();
        for (at, operation) in self.operations.iter().enumerate() {
            let changed = changed(operation, &text, model, limits, now);
            let changed = changed.map_err(|problem| PatchFault { operation: at + 1, problem })?;
            text = changed.unwrap_or(text);
        }
        Ok(text)
    }
}

/// The resource after one operation; nothing if that had nothing to do.
fn changed(
    operation: &Operation<'_>,
    text: &str,
    model: &dyn Model,
    limits: &DocumentLimits,
    now: Timestamp,
) -> Result<Option<String>, PatchProblem> {
    let document = Document::from_json(text.as_bytes(), limits)?;
    let program = Program::compile(&operation.path, model)?;
    let mut target = Target { run: Evaluator::new(Context::new(model, now)), model, root: document.root() };
    let found = target.elements(&program)?;
    let change = match &operation.act {
        Act::Add { name, value } => target.add(single(&found)?, name, value)?,
        Act::Delete if found.is_empty() => return Ok(None),
        Act::Delete => target.delete(single(&found)?)?,
        Act::Replace { value } => target.replace(single(&found)?, value)?,
        Act::Insert { index, value } => target.insert(&program, &found, *index, value)?,
        Act::Move { source, destination } => target.shift(&found, *source, *destination)?,
    };
    let changed = change.to_json();
    // What came out has to be a document, with all its limits.
    Document::from_json(changed.as_bytes(), limits)?;
    Ok(Some(changed))
}

fn single<'d>(found: &[Element<'d>]) -> Result<Element<'d>, PatchProblem> {
    match found {
        [element] => Ok(*element),
        _ => Err(PatchProblem::NotSingle(found.len())),
    }
}

struct Target<'d> {
    run: Evaluator<'d>,
    model: &'d dyn Model,
    root: Element<'d>,
}

impl<'d> Target<'d> {
    fn elements(&mut self, program: &Program) -> Result<Vec<Element<'d>>, PatchProblem> {
        let items = self.run.evaluate(program, self.root.into())?;
        let own = |item: &Item<'d>| item.element().filter(|found| found.is_of(self.root.document()));
        items.iter().map(|item| own(item).ok_or(PatchProblem::Elsewhere)).collect()
    }

    fn add<'e>(&self, to: Element<'d>, name: &str, value: &Given<'e>) -> Result<Change<'e>, PatchProblem>
    where
        'd: 'e,
    {
        let (place, content) = value.placed(self.model, self.run.type_of(to), name)?;
        let mut items = siblings(to, &place.name);
        let repeats = self.repeats(&items, place.repeats());
        if !items.is_empty() && repeats == Repeats::No {
            return Err(PatchProblem::Exists(place.name));
        }
        if self.other_choice(to, name, &place.name) {
            return Err(PatchProblem::Exists(name.to_owned()));
        }
        items.push(content);
        Ok(Change::new(to, &place.name.clone(), Member { name: place.name, repeats, items }))
    }

    /// `valueString` where there is a `valueQuantity`.
    fn other_choice(&self, of: Element<'d>, name: &str, written: &str) -> bool {
        let choices = self.run.type_of(of).map(|id| self.model.choices(id, name)).unwrap_or_default();
        choices.iter().any(|(own, _)| own != written && of.child(own).is_some())
    }

    fn delete<'e>(&self, element: Element<'d>) -> Result<Change<'e>, PatchProblem>
    where
        'd: 'e,
    {
        let parent = element.parent().ok_or(PatchProblem::Elsewhere)?;
        let left = parent.children().filter(|other| other.name() == element.name() && *other != element);
        let items: Vec<Content<'e>> = left.map(Content::Element).collect();
        let repeats = if element.repeats() { Repeats::Yes } else { Repeats::No };
        let member = Member { name: element.name().to_owned(), repeats, items };
        Ok(Change::new(parent, element.name(), member))
    }

    fn replace<'e>(&self, element: Element<'d>, value: &Given<'e>) -> Result<Change<'e>, PatchProblem>
    where
        'd: 'e,
    {
        let parent = element.parent().ok_or(PatchProblem::Elsewhere)?;
        let of = self.run.type_of(parent);
        let name = self.choice(of, element.name()).unwrap_or_else(|| element.name().to_owned());
        let (place, content) = value.placed(self.model, of, &name)?;
        let same =
            |other: Element<'d>| if other == element { content.clone() } else { Content::Element(other) };
        let items: Vec<Content<'e>> =
            parent.children().filter(|other| other.name() == element.name()).map(same).collect();
        let repeats = if element.repeats() { Repeats::Yes } else { place.repeats() };
        Ok(Change::new(parent, element.name(), Member { name: place.name, repeats, items }))
    }

    fn insert<'e>(
        &mut self,
        program: &Program,
        found: &[Element<'d>],
        index: usize,
        value: &Given<'e>,
    ) -> Result<Change<'e>, PatchProblem>
    where
        'd: 'e,
    {
        let (parent, name) = match found.first() {
            Some(_) => list(found)?,
            None => self.empty_list(program)?,
        };
        let (place, content) = value.placed(self.model, self.run.type_of(parent), &name)?;
        let mut items = siblings(parent, &place.name);
        let repeats = self.repeats(&items, place.repeats());
        if index > items.len() {
            return Err(PatchProblem::Index { index, count: items.len() });
        }
        if !items.is_empty() && repeats == Repeats::No {
            return Err(PatchProblem::Exists(place.name));
        }
        items.insert(index, content);
        Ok(Change::new(parent, &place.name.clone(), Member { name: place.name, repeats, items }))
    }

    fn shift<'e>(&self, found: &[Element<'d>], from: usize, to: usize) -> Result<Change<'e>, PatchProblem>
    where
        'd: 'e,
    {
        let (parent, name) = list(found)?;
        let mut items: Vec<Content<'e>> = siblings(parent, &name);
        let count = items.len();
        for index in [from, to] {
            if index >= count {
                return Err(PatchProblem::Index { index, count });
            }
        }
        let moved = items.remove(from);
        items.insert(to, moved);
        Ok(Change::new(parent, &name.clone(), Member { name, repeats: Repeats::Yes, items }))
    }

    /// Where a list would stand that has no items yet: what the path leads to but for its last step.
    fn empty_list(&mut self, program: &Program) -> Result<(Element<'d>, String), PatchProblem> {
        let (parents, name) = self.run.evaluate_but_last(program, self.root.into())?;
        let mut parents =
            parents.iter().filter_map(Item::element).filter(|found| found.is_of(self.root.document()));
        match (parents.next(), parents.next(), name) {
            (Some(parent), None, Some(name)) => Ok((parent, name.to_owned())),
            _ => Err(PatchProblem::NotAList),
        }
    }

    fn repeats(&self, items: &[Content<'_>], place: Repeats) -> Repeats {
        let listed = items.iter().any(|item| matches!(item, Content::Element(element) if element.repeats()));
        if listed { Repeats::Yes } else { place }
    }

    /// The name of the choice that an instance writes so.
    fn choice(&self, of: Option<TypeId>, written: &str) -> Option<String> {
        let of = of?;
        let capitals = written.char_indices().filter(|(_, character)| character.is_ascii_uppercase());
        capitals.filter_map(|(at, _)| written.get(..at)).find_map(|name| {
            let choices = self.model.choices(of, name);
            choices.iter().any(|(own, _)| own == written).then(|| name.to_owned())
        })
    }
}

fn siblings<'e>(parent: Element<'e>, name: &str) -> Vec<Content<'e>> {
    parent.children().filter(|child| child.name() == name).map(Content::Element).collect()
}

/// The one list that elements are of.
fn list<'d>(found: &[Element<'d>]) -> Result<(Element<'d>, String), PatchProblem> {
    let first = found.first().ok_or(PatchProblem::NotAList)?;
    let parent = first.parent().ok_or(PatchProblem::Elsewhere)?;
    let same = found.iter().all(|other| other.parent() == Some(parent) && other.name() == first.name());
    if same { Ok((parent, first.name().to_owned())) } else { Err(PatchProblem::NotAList) }
}
