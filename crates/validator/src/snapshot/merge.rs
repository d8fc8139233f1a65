//! The walk: a base and a differential side by side, element by element.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    SnapshotFound, Snapshots, Structure, choice,
    differential::Differential,
    element,
    tree::{Node, base_of},
};

/// Where the walk is.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    /// The root of the structure that the base's nodes are of: content references lead there.
    pub(super) top: &'s Arc<Node>,
    /// Inside a slice: `valueQuantity` alone narrows the type there and makes no slice.
    pub(super) is_in_slice: bool,
    /// The differential may bring elements that the base does not have.
    pub(super) defines: bool,
}

/// As what an element of the differential comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The element itself, or a slice that the base has already.
    Same,
    /// A slice made of the unsliced element.
    NewSlice {
        /// Nothing but the slices is allowed, so that their `min` is that of the element.
        is_closed: bool,
    },
}

impl Snapshots<'_> {
    pub(super) fn merge_root(
        &mut self,
        base: &Structure,
        diff: &Differential,
        is_constraint: bool,
    ) -> Arc<Node> {
        let mut fields = base.root.fields.clone();
        self.lay(&mut fields, diff);
        let scope = Scope { top: &base.root, is_in_slice: false, defines: !is_constraint };
        let children = self.children(&base.root.children, &diff.children, scope);
        if !is_constraint {
            fields.insert("base".to_owned(), base_of(&diff.name, &fields));
        }
        Arc::new(Node::new(base.root.name.clone(), None, fields, children))
    }

    pub(super) fn children(
        &mut self,
        base: &[Arc<Node>],
        diffs: &[Differential],
        scope: Scope<'_>,
    ) -> Vec<Arc<Node>> {
        if diffs.is_empty() {
            return base.to_vec();
        }
        let mut out = Vec::with_capacity(base.len() + diffs.len());
        let mut is_taken = vec![false; diffs.len()];
        for group in base.chunk_by(|a, b| a.name == b.name) {
            let Some((head, slices)) = group.split_first() else { continue };
            let mut meant = Vec::new();
            for (diff, is_taken) in diffs.iter().zip(&mut is_taken).filter(|(_, is_taken)| !**is_taken) {
                if choice::is_meant(head, diff) {
                    *is_taken = true;
                    meant.push(diff);
                }
            }
            match meant.is_empty() {
                true => out.extend(group.iter().cloned()),
                false => self.group(head, slices, &meant, scope, &mut out),
            }
        }
        for (diff, _) in diffs.iter().zip(is_taken).filter(|(_, is_taken)| !is_taken) {
            match scope.defines {
                true => out.push(self.define(diff)),
                false => self.tell(&diff.path, SnapshotFound::NotInBase),
            }
        }
        out
    }

    /// An element that a type or logical model brings.
    fn define(&mut self, diff: &Differential) -> Arc<Node> {
        let mut fields = diff.fields.clone().unwrap_or_default();
        fields.insert("base".to_owned(), base_of(&diff.path, &fields));
        let children = diff.children.iter().map(|child| self.define(child)).collect();
        Arc::new(Node::new(diff.name.clone(), diff.slice.clone(), fields, children))
    }

    /// One element of the differential over one of the base.
    pub(super) fn constrain(
        &mut self,
        base: &Arc<Node>,
        diff: &Differential,
        role: Role,
        scope: Scope<'_>,
    ) -> Arc<Node> {
        let mut fields = base.fields.clone();
        if let Role::NewSlice { is_closed } = role {
            fields.remove("slicing");
            if !is_closed {
                fields.insert("min".to_owned(), 0.into());
            }
        }
        // A slice that joins a slicing of the base begins with the base's element and not with its profile, as HL7's tool has it.
        let joins = role != Role::Same && base.fields.contains_key("slicing");
        if !joins && let Some(root) = self.profile_root(&fields, diff) {
            fields = root;
        }
        let picked = choice::picked(base, diff).filter(|_| diff.field("type").is_none()).map(str::to_owned);
        if let (Some(code), Some(Value::Array(types))) = (picked, fields.get_mut("type")) {
            types.retain(|of_type| of_type.get("code").and_then(Value::as_str) == Some(&code));
        }
        self.lay(&mut fields, diff);
        if let (Role::NewSlice { .. }, Some(max)) = (role, fields.get("max")) {
            let of_all = base.fields.get("max");
            if let Some(of_all) = of_all.filter(|of_all| element::is_above(max, Some(of_all))) {
                fields.insert("max".to_owned(), of_all.clone());
            }
        }
        let children = self.below(
            base,
            &mut fields,
            diff,
            Scope {
                is_in_slice: diff.fields.is_some()
                    && (scope.is_in_slice || role != Role::Same || base.slice.is_some()),
                ..scope
            },
        );
        let slice = match role {
            Role::Same => base.slice.clone(),
            Role::NewSlice { .. } => diff.slice.clone(),
        };
        Arc::new(Node::new(base.name.clone(), slice, fields, children))
    }

    fn below(
        &mut self,
        base: &Arc<Node>,
        fields: &mut Map<String, Value>,
        diff: &Differential,
        scope: Scope<'_>,
    ) -> Vec<Arc<Node>> {
        if diff.children.is_empty() {
            base.children.clone()
        } else if base.children.is_empty() {
            self.unfold(fields, diff, scope)
        } else {
            self.children(&base.children, &diff.children, scope)
        }
    }

    fn lay(&mut self, fields: &mut Map<String, Value>, diff: &Differential) {
        match &diff.fields {
            Some(over) => element::lay(fields, over, &mut |found| self.tell(&diff.path, found)),
            None => element::inherit_extensions(fields),
        }
    }
}
