//! A snapshot as a tree. Paths and ids are not kept: they follow from where a node stands, so that a subtree that nobody
//! changes is shared by all snapshots that have it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{PATH_PARTS_MAX, SnapshotFound};

/// One element of a snapshot with what is below it.
#[derive(Debug, Clone)]
pub struct Node {
    /// The last part of the path.
    pub name: Arc<str>,
    /// `sliceName`
    pub slice: Option<Arc<str>>,
    /// The `ElementDefinition` without `id`, `path` and `sliceName`.
    pub fields: Map<String, Value>,
    /// Slices stand behind the element that they slice.
    pub children: Vec<Arc<Node>>,
    /// This element and all below.
    pub size: usize,
}

impl Node {
    pub(super) fn new(
        name: Arc<str>,
        slice: Option<Arc<str>>,
        fields: Map<String, Value>,
        children: Vec<Arc<Self>>,
    ) -> Self {
        let size = children.iter().fold(1_usize, |sum, child| sum.saturating_add(child.size));
        Self { name, slice, fields, children, size }
    }

    pub(super) fn is_choice(&self) -> bool {
        self.name.ends_with("[x]")
    }

    pub(super) fn elements(&self) -> Vec<Map<String, Value>> {
        let mut elements = Vec::with_capacity(self.size);
        self.write(&self.name, &self.name, &mut elements);
        elements
    }

    fn write(&self, path: &str, id: &str, elements: &mut Vec<Map<String, Value>>) {
        let mut element = self.fields.clone();
        element.insert("id".to_owned(), id.into());
        element.insert("path".to_owned(), path.into());
        if let Some(slice) = &self.slice {
            element.insert("sliceName".to_owned(), Value::from(&**slice));
        }
        elements.push(element);
        for child in &self.children {
            let path = format!("{path}.{}", child.name);
            let id = match &child.slice {
                Some(slice) => format!("{id}.{}:{slice}", child.name),
                None => format!("{id}.{}", child.name),
            };
            child.write(&path, &id, elements);
        }
    }

    /// The node of an id such as `Bundle.link`.
    pub(super) fn find<'a>(&'a self, id: &str) -> Option<&'a Self> {
        let mut parts = id.split('.');
        parts.next().filter(|root| **root == *self.name)?;
        parts.try_fold(self, |node, part| {
            let (name, slice) =
                part.split_once(':').map_or((part, None), |(name, slice)| (name, Some(slice)));
            let is_it = |child: &&Arc<Self>| *child.name == *name && child.slice.as_deref() == slice;
            node.children.iter().find(is_it).map(|child| &**child)
        })
    }
}

type Tell<'a> = &'a mut dyn FnMut(&str, SnapshotFound);

struct Open {
    depth: usize,
    node: Node,
}

/// A published snapshot, or the differential of a type that has no base.
pub(super) fn read(elements: Vec<Value>, tell: Tell<'_>) -> Option<Arc<Node>> {
    let mut open: Vec<Open> = Vec::new();
    for element in elements {
        let Value::Object(mut fields) = element else { continue };
        let path = match fields.remove("path") {
            Some(Value::String(path)) => path,
            _ => String::new(),
        };
        let depth = path.split('.').count();
        if path.is_empty() || depth > PATH_PARTS_MAX || (depth == 1) != open.is_empty() {
            tell(&path, SnapshotFound::BadPath);
            continue;
        }
        while open.len() > 1 && open.last().is_some_and(|last| last.depth >= depth) {
            close(&mut open);
        }
        if open.last().is_some_and(|parent| parent.depth + 1 != depth) {
            tell(&path, SnapshotFound::BadPath);
            continue;
        }
        fields.remove("id");
        let slice = take_text(&mut fields, "sliceName");
        if !fields.contains_key("base") {
            fields.insert("base".to_owned(), base_of(&path, &fields));
        }
        let name = path.rsplit('.').next().unwrap_or_default();
        open.push(Open { depth, node: Node::new(name.into(), slice, fields, Vec::new()) });
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop().map(|root| Arc::new(root.node))
}

fn close(open: &mut Vec<Open>) {
    let Some(Open { node, .. }) = open.pop() else { return };
    if let Some(parent) = open.last_mut() {
        parent.node.size = parent.node.size.saturating_add(node.size);
        parent.node.children.push(Arc::new(node));
    }
}

/// `ElementDefinition.base` of an element that is defined here.
pub(super) fn base_of(path: &str, fields: &Map<String, Value>) -> Value {
    let min = fields.get("min").cloned().unwrap_or_else(|| json!(0));
    let max = fields.get("max").cloned().unwrap_or_else(|| json!("*"));
    json!({ "path": path, "min": min, "max": max })
}

pub(super) fn take_text(fields: &mut Map<String, Value>, name: &str) -> Option<Arc<str>> {
    match fields.remove(name) {
        Some(Value::String(text)) => Some(text.into()),
        _ => None,
    }
}
