//! Slicing: an element, its slices in the base and those that the differential constrains or adds.
//! <https://hl7.org/fhir/R4/profiling.html#slicing>

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{
    SnapshotFound, Snapshots, choice,
    differential::Differential,
    merge::{Role, Scope},
    tree::Node,
};

/// What a differential says of one element and its slices.
struct Meant<'d> {
    plain: Vec<&'d Differential>,
    slices: Vec<(Arc<str>, &'d Differential)>,
    /// `valueQuantity` without a slicing: a slice by type all the same.
    has_short_form: bool,
}

impl<'d> Meant<'d> {
    fn new(head: &Node, base_slices: &[Arc<Node>], diffs: &[&'d Differential], is_in_slice: bool) -> Self {
        let mut meant = Self { plain: Vec::new(), slices: Vec::new(), has_short_form: false };
        for diff in diffs {
            if let Some(slice) = &diff.slice {
                meant.slices.push((slice.clone(), diff));
                continue;
            }
            let Some(code) = choice::picked(head, diff) else {
                meant.plain.push(diff);
                continue;
            };
            let name: Arc<str> = choice::slice_name(head, code).into();
            let is_known = base_slices.iter().any(|slice| slice.slice.as_deref() == Some(&*name));
            if is_in_slice && diffs.len() == 1 && !is_known {
                meant.plain.push(diff);
            } else {
                meant.has_short_form |= !is_known;
                meant.slices.push((name, diff));
            }
        }
        meant
    }
}

impl Snapshots<'_> {
    /// An element, the slices that the base has of it, and all that the differential says of both.
    pub(super) fn group(
        &mut self,
        head: &Arc<Node>,
        base_slices: &[Arc<Node>],
        diffs: &[&Differential],
        scope: Scope<'_>,
        out: &mut Vec<Arc<Node>>,
    ) {
        let meant = Meant::new(head, base_slices, diffs, scope.is_in_slice);
        let mut new_head = head.clone();
        for diff in &meant.plain {
            new_head = self.constrain(&new_head, diff, Role::Same, scope);
        }
        let slicing = self.slicing(head, &meant);
        let is_closed =
            slicing.as_ref().is_some_and(|slicing| slicing.get("rules") == Some(&json!("closed")));
        if let Some(slicing) = slicing {
            Arc::make_mut(&mut new_head).fields.insert("slicing".to_owned(), slicing);
        }
        let mut by_name: HashMap<&str, Vec<&Differential>> = HashMap::new();
        for (name, diff) in &meant.slices {
            by_name.entry(name).or_default().push(diff);
        }
        let mut slices: Vec<Arc<Node>> = Vec::with_capacity(base_slices.len() + meant.slices.len());
        let mut there: HashSet<&str> = HashSet::new();
        for base in base_slices {
            let name = base.slice.as_deref().unwrap_or_default();
            there.insert(name);
            let said = by_name.get(name).map(Vec::as_slice).unwrap_or_default();
            let slice =
                said.iter().fold(base.clone(), |slice, diff| self.constrain(&slice, diff, Role::Same, scope));
            slices.push(slice);
        }
        for (name, diff) in &meant.slices {
            let Some(said) = by_name.get(&**name).filter(|_| there.insert(name)) else { continue };
            self.add_slice(&mut slices, head, name, diff, is_closed, scope);
            // Said in both ways, as `valueQuantity` and by its name.
            if let (Some((_, more)), Some(slice)) = (
                said.split_first().filter(|(_, more)| !more.is_empty()),
                slices.iter_mut().find(|slice| slice.slice.as_ref() == Some(name)),
            ) {
                *slice = more
                    .iter()
                    .fold(slice.clone(), |slice, diff| self.constrain(&slice, diff, Role::Same, scope));
            }
        }
        if choice_by_type(&new_head) {
            let new_head = Arc::make_mut(&mut new_head);
            settle_types(new_head, &slices, meant.has_short_form, is_value_of_extension(head, scope));
        }
        out.push(new_head);
        out.append(&mut slices);
    }

    /// `a/b` slices the slice `a` again and stands behind it; any other comes last.
    fn add_slice(
        &mut self,
        slices: &mut Vec<Arc<Node>>,
        head: &Arc<Node>,
        name: &Arc<str>,
        diff: &Differential,
        is_closed: bool,
        scope: Scope<'_>,
    ) {
        let of = name.rsplit_once('/').map(|(of, _)| of);
        let place = of.and_then(|of| {
            let is_below = |slice: &Arc<Node>| {
                slice.slice.as_deref().is_some_and(|name| name == of || name.starts_with(&format!("{of}/")))
            };
            slices.iter().rposition(is_below)
        });
        let sliced =
            of.and_then(|of| slices.iter().find(|slice| slice.slice.as_deref() == Some(of))).cloned();
        let has_min = diff.field("min").is_some();
        let role = Role::NewSlice { is_closed: has_min || is_closed || is_value_of_extension(head, scope) };
        let slice = self.constrain(sliced.as_ref().unwrap_or(head), diff, role, scope);
        let mut slice = Arc::unwrap_or_clone(slice);
        slice.slice = Some(name.clone());
        let place = place.map_or(slices.len(), |place| place + 1);
        slices.insert(place, Arc::new(slice));
    }

    /// What the base says, and over it the differential; extensions and choices are sliced without anyone saying so.
    fn slicing(&mut self, head: &Node, meant: &Meant<'_>) -> Option<Value> {
        let said = meant.plain.iter().find_map(|diff| diff.field("slicing"));
        let slicing = match (head.fields.get("slicing"), said) {
            (Some(base), Some(said)) => Some(joined(base, said)),
            (Some(slicing), None) | (None, Some(slicing)) => Some(slicing.clone()),
            (None, None) => None,
        };
        if slicing.is_some() || meant.slices.is_empty() {
            return slicing;
        }
        if matches!(&*head.name, "extension" | "modifierExtension") {
            return Some(
                json!({ "discriminator": [{ "type": "value", "path": "url" }], "ordered": false, "rules": "open" }),
            );
        }
        if head.is_choice() {
            return Some(choice::slicing("closed"));
        }
        let path = meant.slices.first().map(|(_, diff)| diff.path.clone()).unwrap_or_default();
        self.tell(&path, SnapshotFound::NotSliced);
        None
    }
}

/// Discriminators add up, the rest is replaced.
fn joined(base: &Value, said: &Value) -> Value {
    let mut joined = base.clone();
    let (Some(into), Some(said)) = (joined.as_object_mut(), said.as_object()) else { return said.clone() };
    for (name, value) in said {
        match (into.get_mut(name), value) {
            (Some(Value::Array(old)), Value::Array(new)) if name == "discriminator" => {
                let added: Vec<Value> = new.iter().filter(|new| !old.contains(new)).cloned().collect();
                old.extend(added);
            }
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
    joined
}

fn choice_by_type(head: &Node) -> bool {
    let discriminators =
        head.fields.get("slicing").and_then(|slicing| slicing.get("discriminator")).and_then(Value::as_array);
    head.is_choice()
        && discriminators.is_some_and(|all| all.iter().any(|one| one.get("type") == Some(&json!("type"))))
}

/// `Extension.value[x]` keeps its `min` in its slices.
fn is_value_of_extension(head: &Node, scope: Scope<'_>) -> bool {
    &*head.name == "value[x]" && &*scope.top.name == "Extension"
}

/// A choice that is sliced by type: one slice that must be there leaves no other type, as does the short form in an extension;
/// elsewhere the slicing is open while there are types without a slice.
fn settle_types(head: &mut Node, slices: &[Arc<Node>], has_short_form: bool, is_of_extension: bool) {
    let is_needed = |slice: &&Arc<Node>| slice.fields.get("min").and_then(Value::as_u64) > Some(0);
    if let Some(needed) = slices.iter().find(is_needed) {
        head.fields.insert("min".to_owned(), 1.into());
        let code = choice::codes(&needed.fields).next().unwrap_or_default().to_owned();
        retain_types(head, &[&code]);
    }
    let sliced: Vec<&str> = slices.iter().flat_map(|slice| choice::codes(&slice.fields)).collect();
    if has_short_form && is_of_extension {
        retain_types(head, &sliced);
    }
    let is_open = choice::codes(&head.fields).any(|code| !sliced.contains(&code));
    if has_short_form || is_open {
        head.fields.insert("slicing".to_owned(), choice::slicing(if is_open { "open" } else { "closed" }));
    }
}

fn retain_types(head: &mut Node, codes: &[&str]) {
    if let Some(Value::Array(types)) = head.fields.get_mut("type") {
        types.retain(|of_type| {
            of_type.get("code").and_then(Value::as_str).is_some_and(|code| codes.contains(&code))
        });
    }
}
