//! A resource that is being made: elements are set in any order, and what stayed empty is not written.

use std::collections::BTreeMap;

use super::{
    target::{Nth, Step},
    value::quoted,
};

/// An element that is being made.
#[derive(Debug)]
pub(super) enum Node {
    Object(BTreeMap<String, Node>),
    List(Vec<Option<Node>>),
    /// JSON.
    Leaf(String),
}

impl Node {
    pub fn new() -> Self {
        Self::Object(BTreeMap::new())
    }

    /// Puts texts of JSON where the path leads; of several all but the first only where the last step takes as many as come.
    pub fn put(&mut self, path: &[Step], values: Vec<String>) {
        let Some((step, rest)) = path.split_first() else {
            if let Some(value) = values.into_iter().next() {
                *self = Self::Leaf(value);
            }
            return;
        };
        let Self::Object(members) = self else { return };
        match step.nth {
            Nth::Only => members.entry(step.name.clone()).or_insert_with(Self::new).put(rest, values),
            Nth::At(nth) => {
                let list = members.entry(step.name.clone()).or_insert_with(|| Self::List(Vec::new()));
                let Self::List(items) = list else { return };
                if items.len() <= nth {
                    items.resize_with(nth + 1, || None);
                }
                if let Some(slot) = items.get_mut(nth) {
                    slot.get_or_insert_with(Self::new).put(rest, values);
                }
            }
            Nth::Each => {
                let list = members.entry(step.name.clone()).or_insert_with(|| Self::List(Vec::new()));
                if let Self::List(items) = list {
                    items.extend(values.into_iter().map(|value| Some(Self::Leaf(value))));
                }
            }
        }
    }

    /// The resource in JSON, its type and id first.
    pub fn resource(&self, of: &str, id: &str) -> String {
        let mut text = format!("{{\"resourceType\":{},\"id\":{}", quoted(of), quoted(id));
        if let Self::Object(members) = self {
            for (name, node) in members.iter().filter(|(_, node)| !node.is_empty()) {
                text.push(',');
                text.push_str(&quoted(name));
                text.push(':');
                node.write(&mut text);
            }
        }
        text.push('}');
        text
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Object(members) => members.values().all(Self::is_empty),
            Self::List(items) => items.iter().flatten().all(Self::is_empty),
            Self::Leaf(text) => text.is_empty(),
        }
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Leaf(value) => text.push_str(value),
            Self::List(items) => {
                text.push('[');
                for (nth, item) in items.iter().flatten().filter(|item| !item.is_empty()).enumerate() {
                    if nth > 0 {
                        text.push(',');
                    }
                    item.write(text);
                }
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                let filled = members.iter().filter(|(_, node)| !node.is_empty());
                for (nth, (name, node)) in filled.enumerate() {
                    if nth > 0 {
                        text.push(',');
                    }
                    text.push_str(&quoted(name));
                    text.push(':');
                    node.write(text);
                }
                text.push('}');
            }
        }
    }
}
