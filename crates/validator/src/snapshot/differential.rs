//! A differential as a tree. An element's place is told by its id where that agrees with its path, and otherwise by the order, as HL7's
//! tool does: `Observation.component.code` belongs to the last `Observation.component` before it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{PATH_PARTS_MAX, SnapshotFound, tree::take_text};

/// One element of a differential with what is below it; an element that is only walked through has no fields.
#[derive(Debug, Default)]
pub(super) struct Differential {
    pub(super) path: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) slice: Option<Arc<str>>,
    pub(super) fields: Option<Map<String, Value>>,
    pub(super) children: Vec<Differential>,
}

struct Part {
    name: Arc<str>,
    /// `None` where only the order tells.
    slice: Option<Option<Arc<str>>>,
}

impl Differential {
    pub(super) fn read(elements: Vec<Value>, tell: &mut dyn FnMut(&str, SnapshotFound)) -> Self {
        let mut root = Self::default();
        for element in elements {
            let Value::Object(mut fields) = element else { continue };
            let (id, path) = (take_text(&mut fields, "id"), take_text(&mut fields, "path"));
            let path = path.unwrap_or_default();
            let slice = take_text(&mut fields, "sliceName");
            let parts = parts(&path, id.as_deref(), slice);
            let is_outside = !root.name.is_empty() && parts.first().is_none_or(|part| part.name != root.name);
            if path.is_empty() || parts.len() > PATH_PARTS_MAX || is_outside {
                tell(&path, SnapshotFound::BadPath);
                continue;
            }
            if root.place(&parts, &path, fields).is_err() {
                tell(&path, SnapshotFound::Twice);
            }
        }
        root
    }

    fn place(&mut self, parts: &[Part], path: &Arc<str>, fields: Map<String, Value>) -> Result<(), ()> {
        let Some((root, below)) = parts.split_first() else { return Err(()) };
        self.name = root.name.clone();
        self.path = root.name.clone();
        self.place_below(below, path, fields)
    }

    /// Walks down, making what is missing on the way.
    fn place_below(&mut self, parts: &[Part], path: &Arc<str>, fields: Map<String, Value>) -> Result<(), ()> {
        let Some((part, below)) = parts.split_first() else {
            let is_new = self.fields.is_none();
            self.fields.get_or_insert(fields);
            return if is_new { Ok(()) } else { Err(()) };
        };
        let is_it = |child: &Self| {
            child.name == part.name && part.slice.as_ref().is_none_or(|slice| *slice == child.slice)
        };
        let at = self.children.iter().rposition(is_it).unwrap_or_else(|| {
            let slice = part.slice.clone().flatten();
            self.children.push(Self {
                path: path.clone(),
                name: part.name.clone(),
                slice,
                ..Self::default()
            });
            self.children.len() - 1
        });
        self.children.get_mut(at).map_or(Err(()), |child| child.place_below(below, path, fields))
    }

    /// A field of the element itself.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.as_ref()?.get(name)
    }
}

fn parts(path: &str, id: Option<&str>, slice: Option<Arc<str>>) -> Vec<Part> {
    let names: Vec<&str> = path.split('.').collect();
    let mut parts = id.and_then(|id| by_id(&names, id)).unwrap_or_else(|| {
        let known = |name: &&str| Part { name: (*name).into(), slice: None };
        names.iter().map(known).collect()
    });
    if let Some(last) = parts.last_mut() {
        last.slice = Some(slice.or_else(|| last.slice.take().flatten()));
    }
    parts
}

/// The parts of an id, where it says the same as the path.
fn by_id(names: &[&str], id: &str) -> Option<Vec<Part>> {
    let parts: Vec<(&str, Option<&str>)> = id
        .split('.')
        .map(|part| part.split_once(':').map_or((part, None), |(name, slice)| (name, Some(slice))))
        .collect();
    // Tools write `value[x]:valueQuantity` in the id of what has `valueQuantity` in its path.
    let agree = |id: &str, path: &str| {
        id == path || id.strip_suffix("[x]").is_some_and(|stem| path.starts_with(stem))
    };
    let is_same =
        parts.len() == names.len() && parts.iter().zip(names).all(|((id, _), path)| agree(id, path));
    is_same.then(|| {
        let part = |(name, slice): &(&str, Option<&str>)| Part {
            name: (*name).into(),
            slice: Some(slice.map(Into::into)),
        };
        parts.iter().map(part).collect()
    })
}
