//! References: what they point to, within the resource, within the Bundle or elsewhere.
//! <https://hl7.org/fhir/R4/references.html>, <https://hl7.org/fhir/R4/bundle.html#references>

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use fhirpath::document::Element;

use super::{Run, findings::Place, messages, primitive::is_absolute};
use crate::{
    Severity::{Error, Warning},
    program::{Profile, TypeUse},
};

/// What a document's references lead to: looked up once for all of them.
#[derive(Debug, Default)]
pub(super) struct Links<'d> {
    is_bundle: bool,
    by_url: HashMap<&'d str, Vec<Element<'d>>>,
    /// Contained resources by the resource that they stand in and their id.
    contained: HashMap<(u32, Cow<'d, str>), Element<'d>>,
    /// Resources whose contained ones are in that table.
    indexed: HashSet<u32>,
    /// Resources among parameters, by `Type/id`.
    parameters: HashMap<String, Element<'d>>,
}

/// Whether what a relative reference names has to be in the document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum References {
    /// It may be on a server.
    #[default]
    MayBeElsewhere,
    /// It is in the Bundle or among the parameters, or it is an error.
    AreHere,
}

/// What became of a reference.
#[derive(Debug, Clone, Copy)]
pub(super) enum Resolved<'d> {
    /// One resource.
    Found(Element<'d>),
    /// Several entries are called so.
    Several(Element<'d>),
    /// It should be here and is not.
    Missing,
    /// It is not said to be here.
    Elsewhere,
}

impl<'d> Resolved<'d> {
    pub(super) fn found(self) -> Option<Element<'d>> {
        match self {
            Self::Found(element) | Self::Several(element) => Some(element),
            _ => None,
        }
    }
}

impl<'d> Links<'d> {
    pub(super) fn new(root: Element<'d>) -> Self {
        let mut links = Self::default();
        links.index(root);
        if root.resource_type().as_deref() == Some("Parameters") {
            for resource in root.children().filter_map(|parameter| parameter.child("resource")) {
                links.index(resource);
                let id = resource.child("id").and_then(|id| id.text());
                if let (Some(of), Some(id)) = (resource.resource_type(), id) {
                    links.parameters.insert(format!("{of}/{id}"), resource);
                }
            }
        }
        if root.resource_type().as_deref() != Some("Bundle") {
            return links;
        }
        links.is_bundle = true;
        for entry in root.children().filter(|child| child.name() == "entry") {
            let Some(resource) = entry.child("resource") else { continue };
            links.index(resource);
            if let Some(url) = entry.child("fullUrl").and_then(|url| url.plain_text()) {
                links.by_url.entry(url).or_default().push(resource);
            }
        }
        links
    }

    fn index(&mut self, resource: Element<'d>) {
        self.indexed.insert(resource.index());
        for inner in resource.children().filter(|child| child.name() == "contained") {
            if let Some(id) = inner.child("id").and_then(|id| id.text()) {
                self.contained.entry((resource.index(), id)).or_insert(inner);
            }
        }
    }

    /// A contained resource of the outermost resource that is not contained itself; `#` is that resource.
    fn within(&self, id: &str, from: Element<'d>) -> Resolved<'d> {
        let mut resource = from.resource();
        while resource.name() == "contained"
            && let Some(parent) = resource.parent()
        {
            resource = parent.resource();
        }
        if id.is_empty() {
            return Resolved::Found(resource);
        }
        if self.indexed.contains(&resource.index()) {
            let found = self.contained.get(&(resource.index(), Cow::Borrowed(id)) as &(u32, Cow<'_, str>));
            return found.map_or(Resolved::Missing, |found| Resolved::Found(*found));
        }
        let is_it = |inner: &Element<'d>| inner.child("id").and_then(|own| own.text()).as_deref() == Some(id);
        let found = resource.children().filter(|child| child.name() == "contained").find(is_it);
        found.map_or(Resolved::Missing, Resolved::Found)
    }

    /// Where a reference leads from an element.
    pub(super) fn resolve(&self, reference: &str, from: Element<'d>) -> Resolved<'d> {
        if let Some(id) = reference.strip_prefix('#') {
            return self.within(id, from);
        }
        if !self.is_bundle {
            let found = if self.parameters.is_empty() { None } else { self.parameters.get(reference) };
            return found.map_or(Resolved::Elsewhere, |found| Resolved::Found(*found));
        }
        let plain = reference.split(['#', '|']).next().unwrap_or_default();
        let (plain, version) = match plain.split_once("/_history/") {
            Some((plain, version)) => (plain, Some(version)),
            None => (plain, None),
        };
        let found = if is_absolute(plain) {
            self.by_url.get(plain)
        } else {
            base_of(from).and_then(|base| self.by_url.get(&*format!("{base}{plain}")))
        };
        if let (Some(version), Some(all)) = (version, found) {
            let is_it = |resource: &&Element<'d>| {
                let own = resource.child("meta").and_then(|meta| meta.child("versionId"));
                own.and_then(|own| own.text()).as_deref() == Some(version)
            };
            let known = all
                .iter()
                .any(|resource| resource.child("meta").is_some_and(|meta| meta.child("versionId").is_some()));
            if known {
                return all.iter().find(is_it).map_or(Resolved::Elsewhere, |one| Resolved::Found(*one));
            }
        }
        match found.map(Vec::as_slice) {
            Some([one]) => Resolved::Found(*one),
            Some([first, ..]) => Resolved::Several(*first),
            _ if plain.starts_with("urn:") => Resolved::Missing,
            _ => Resolved::Elsewhere,
        }
    }
}

/// The base of the server that the entry's fullUrl is of: what is before `Type/id`.
fn base_of(from: Element<'_>) -> Option<String> {
    let mut at = from;
    while at.name() != "resource" || at.parent().is_none_or(|parent| parent.name() != "entry") {
        at = at.parent()?;
    }
    let url = at.parent()?.child("fullUrl")?.text()?;
    let (rest, id) = url.rsplit_once('/')?;
    let (base, of) = rest.rsplit_once('/')?;
    (url.starts_with("http") && !id.is_empty() && of.starts_with(|first: char| first.is_ascii_uppercase()))
        .then(|| format!("{base}/"))
}

/// The type of resource that a url names: `Patient` of `http://a/Patient/1/_history/2`.
pub(super) fn type_in_url(reference: &str) -> Option<&str> {
    let reference = reference.split(['?', '#', '|']).next()?;
    let reference = reference.split("/_history/").next()?;
    let (before, id) = reference.rsplit_once('/')?;
    let name = before.rsplit('/').next()?;
    let base = before.strip_suffix(name)?;
    if !base.is_empty() && !is_absolute(base) {
        return None;
    }
    let is_id =
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    (is_id
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphabetic()))
    .then_some(name)
}

impl<'a, 'd> Run<'a, 'd> {
    /// A Reference, whatever it may point to.
    pub(super) fn check_reference_form(&mut self, element: Element<'d>) {
        let Some(said) = element.child("reference").and_then(|own| own.text()) else { return };
        match self.links.resolve(&said, element) {
            Resolved::Missing if said.starts_with('#') => {
                self.tell(element, Error, &messages::REFERENCE_UNRESOLVED, &[&said]);
            }
            Resolved::Missing => self.tell(element, Warning, &messages::REFERENCE_UNRESOLVED, &[&said]),
            Resolved::Several(_) if !said.contains("/_history/") => {
                self.tell_at(element, Place::Nowhere, Error, &messages::REFERENCE_MULTIPLE, &[&said]);
            }
            Resolved::Elsewhere if self.references == References::AreHere && !is_absolute(&said) => {
                self.tell(element, Error, &messages::REFERENCE_UNRESOLVED, &[&said]);
            }
            _ => {}
        }
    }

    /// A Reference against what each profile lets it point to.
    pub(super) fn check_reference(&mut self, element: Element<'d>, uses: &[&'d TypeUse]) {
        let said = element.child("reference").and_then(|own| own.text());
        let stated = element.child("type").and_then(|own| own.text());
        let target = said.as_ref().and_then(|said| self.links.resolve(said, element).found());
        let found = target.and_then(|target| target.resource_type());
        let in_url = said.as_deref().and_then(type_in_url);
        let name = found.as_deref().or(in_url).or(stated.as_deref());
        let Some(name) = name.map(str::to_owned) else { return };
        if let (Some(stated), Some(found)) = (&stated, &found)
            && stated != found
        {
            self.tell(element, Error, &messages::REFERENCE_WRONG_TYPE, &[stated, found]);
        }
        let mode = match (&said, target) {
            (Some(said), _) if said.starts_with('#') => "contained",
            (_, Some(_)) => "bundled",
            _ => "referenced",
        };
        for of in uses.iter().filter(|of| !of.aggregation.is_empty()) {
            if said.is_some() && !of.aggregation.iter().any(|allowed| **allowed == *mode) {
                self.tell(
                    element,
                    Error,
                    &messages::REFERENCE_AGGREGATION,
                    &[mode, &of.aggregation.join(", ")],
                );
            }
        }
        for of in uses.iter().filter(|of| !of.targets.is_empty()) {
            self.check_target(element, of, &name, target, said.as_deref().unwrap_or_default());
        }
    }

    fn check_target(
        &mut self,
        element: Element<'d>,
        of: &'d TypeUse,
        name: &str,
        target: Option<Element<'d>>,
        said: &str,
    ) {
        let programs = self.programs;
        let mut allowed: Vec<&str> = Vec::new();
        let mut profiles: Vec<&'d Profile> = Vec::new();
        for url in &of.targets {
            match programs.profile(url) {
                Some(profile) => {
                    allowed.push(&profile.defines);
                    profiles.push(profile);
                }
                None if target.is_some() => {
                    self.tell(element, Error, &messages::REFERENCE_PROFILE_UNKNOWN, &[url]);
                }
                None => return,
            }
        }
        allowed.dedup();
        if allowed.contains(&"Resource") {
            return;
        }
        if !allowed.contains(&name) {
            let message = if target.is_some() {
                &messages::REFERENCE_BAD_TARGET
            } else {
                &messages::REFERENCE_BAD_TARGET_URL
            };
            self.tell(element, Error, message, &[name, &allowed.join(", "), said]);
            return;
        }
        let Some(target) = target else { return };
        let mut fitting = profiles.into_iter().filter(|profile| *profile.defines == *name).peekable();
        if fitting.clone().any(|profile| !profile.is_constraint) || fitting.peek().is_none() {
            return;
        }
        if !fitting.any(|profile| self.conforms(target, profile)) {
            self.tell(element, Error, &messages::REFERENCE_NO_MATCH, &[said, &of.targets.join(", ")]);
        }
    }

    /// dom-3: each contained resource is referred to by its container, or refers to that.
    pub(super) fn check_contained(&mut self, resource: Element<'d>) {
        let mut contained = resource.children().filter(|child| child.name() == "contained").peekable();
        if contained.peek().is_none() {
            return;
        }
        let mut referred: HashSet<String> = HashSet::new();
        let mut refers_up: HashSet<u32> = HashSet::new();
        collect(resource, None, &mut referred, &mut refers_up, 0);
        for inner in contained {
            match inner.child("id").and_then(|id| id.text()) {
                Some(id) if referred.contains(&*id) || refers_up.contains(&inner.index()) => {}
                Some(id) => self.tell_at(inner, Place::Bare, Error, &messages::CONTAINED_UNUSED, &[&id]),
                None => self.tell(inner, Error, &messages::CONTAINED_NO_ID, &[]),
            }
        }
    }
}

/// All `#id` in a resource, and which of its contained resources say `#`.
fn collect(
    element: Element<'_>,
    contained: Option<u32>,
    referred: &mut HashSet<String>,
    refers_up: &mut HashSet<u32>,
    depth: usize,
) {
    if depth > 200 {
        return;
    }
    for child in element.children() {
        if child.name() == "div" {
            let text = child.text().unwrap_or_default();
            let quoted = text.split(['"', '\'']).filter_map(|part| part.strip_prefix('#'));
            referred.extend(quoted.map(str::to_owned));
        }
        if let Some(text) = child.plain_text()
            && let Some(id) = text.strip_prefix('#')
        {
            match (id, contained) {
                ("", Some(inner)) => drop(refers_up.insert(inner)),
                _ => drop(referred.insert(id.to_owned())),
            }
        }
        let inner = if depth == 0 && child.name() == "contained" { Some(child.index()) } else { contained };
        collect(child, inner, referred, refers_up, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_type() {
        assert_eq!(type_in_url("Patient/1"), Some("Patient"));
        assert_eq!(type_in_url("http://a/b/Patient/1/_history/2"), Some("Patient"));
        assert_eq!(type_in_url("urn:uuid:1"), None);
        assert_eq!(type_in_url("Organization/https://a/StructureDefinition/b"), None);
        assert_eq!(type_in_url("http://a/patient/1"), None);
    }
}
