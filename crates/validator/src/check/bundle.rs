//! Bundles: fullUrls, and what the type of a Bundle asks. <https://hl7.org/fhir/R4/bundle.html>

use std::collections::{HashMap, HashSet};

use fhirpath::document::Element;

use super::{Run, findings::Place, messages, primitive::is_absolute, reference::Resolved};
use crate::Severity::{Error, Warning};

impl<'a, 'd> Run<'a, 'd> {
    pub(super) fn check_bundle(&mut self, bundle: Element<'d>) {
        let kind = bundle.child("type").and_then(|kind| kind.text()).unwrap_or_default();
        let entries: Vec<Element<'d>> = bundle.children().filter(|child| child.name() == "entry").collect();
        self.check_links(bundle);
        for entry in &entries {
            self.check_full_url(*entry);
        }
        match &*kind {
            "document" => self.check_first(bundle, &entries, "document", "Composition"),
            "message" => self.check_first(bundle, &entries, "message", "MessageHeader"),
            _ => {}
        }
    }

    /// Relations that may be there once. RFC 8288, <https://hl7.org/fhir/R4/http.html#paging>
    fn check_links(&mut self, bundle: Element<'d>) {
        let mut seen: HashSet<String> = HashSet::new();
        for link in bundle.children().filter(|child| child.name() == "link") {
            let Some(relation) = link.child("relation").and_then(|own| own.text()) else { continue };
            let once = ["self", "first", "prev", "previous", "next", "last"].contains(&&*relation);
            if !seen.insert(relation.to_string()) && once {
                self.tell(link, Error, &messages::BUNDLE_LINK_TWICE, &[&relation]);
            }
        }
    }

    fn check_full_url(&mut self, entry: Element<'d>) {
        let Some(url) = entry.child("fullUrl").and_then(|own| own.text()) else { return };
        if !is_absolute(&url) {
            self.tell_at(entry, Place::First, Error, &messages::BUNDLE_FULL_URL_RELATIVE, &[&url]);
            return;
        }
        let Some(resource) = entry.child("resource") else { return };
        let Some(name) = resource.resource_type() else { return };
        let id = resource.child("id").and_then(|own| own.text());
        if !self.is_of_a_server(&url) {
            return;
        }
        match id {
            None => self.tell_at(entry, Place::First, Error, &messages::BUNDLE_FULL_URL_NO_ID, &[&url]),
            Some(id) => {
                let end = format!("/{name}/{id}");
                if !url.ends_with(&end) {
                    self.tell_at(
                        entry,
                        Place::First,
                        Error,
                        &messages::BUNDLE_FULL_URL_MISMATCH,
                        &[&url, &end],
                    );
                }
            }
        }
    }

    /// `http://…/Patient/1`
    fn is_of_a_server(&self, url: &str) -> bool {
        let named = super::reference::type_in_url(url);
        url.starts_with("http") && named.is_some_and(|name| self.programs.of_type(name).is_some())
    }

    fn check_first(&mut self, bundle: Element<'d>, entries: &[Element<'d>], kind: &str, wanted: &str) {
        let Some(first) = entries.first() else {
            self.tell(bundle, Error, &messages::BUNDLE_NO_FIRST, &[kind, wanted]);
            return;
        };
        let Some(resource) = first.child("resource") else { return };
        let name = resource.resource_type().unwrap_or_default();
        if *name != *wanted {
            self.tell(*first, Error, &messages::BUNDLE_WRONG_FIRST, &[kind, wanted, &name]);
            return;
        }
        if kind == "document" {
            self.check_parts_of_document(resource);
        }
        self.check_reached(entries, kind == "document");
    }

    /// What a Composition speaks of is in the document. <https://hl7.org/fhir/R4/documents.html#content>
    fn check_parts_of_document(&mut self, composition: Element<'d>) {
        for part in composition.children() {
            match part.name() {
                "subject" | "encounter" | "author" | "custodian" => self.check_here(part),
                "attester" => part
                    .children()
                    .filter(|child| child.name() == "party")
                    .for_each(|party| self.check_here(party)),
                "event" => part
                    .children()
                    .filter(|child| child.name() == "detail")
                    .for_each(|detail| self.check_here(detail)),
                "section" => self.check_section(part),
                _ => {}
            }
        }
    }

    fn check_section(&mut self, section: Element<'d>) {
        for part in section.children() {
            match part.name() {
                "entry" | "author" | "focus" => self.check_here(part),
                "section" => self.check_section(part),
                _ => {}
            }
        }
    }

    fn check_here(&mut self, reference: Element<'d>) {
        let Some(said) = reference.child("reference").and_then(|own| own.text()) else { return };
        if said.starts_with('#') {
            return;
        }
        if !matches!(self.links.resolve(&said, reference), Resolved::Found(_)) {
            self.tell_at(
                reference,
                Place::FromOne,
                Error,
                &messages::BUNDLE_NO_MATCH,
                &[&said, reference.name()],
            );
        }
    }

    /// Every entry is reached from the first, forwards or, in a document of R4, backwards.
    fn check_reached(&mut self, entries: &[Element<'d>], is_document: bool) {
        let mut places: HashMap<u32, usize> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            if let Some(resource) = entry.child("resource") {
                places.insert(resource.index(), at);
            }
        }
        let mut to: Vec<Vec<usize>> = vec![Vec::new(); entries.len()];
        for (at, entry) in entries.iter().enumerate() {
            let mut found = Vec::new();
            self.targets_in(*entry, &mut found, 0);
            let found = found.iter().filter_map(|target| places.get(target).copied());
            if let Some(to) = to.get_mut(at) {
                to.extend(found);
            }
        }
        let styled = self.check_stylesheets(entries);
        if let Some(first) = to.first_mut() {
            first.extend(styled.iter().filter_map(|resource| places.get(resource)));
        }
        let forwards = reach(&to, true);
        let both = reach(&to, false);
        for (at, entry) in entries.iter().enumerate() {
            let reached = |from: &[bool]| from.get(at).copied().unwrap_or(true);
            let name = entry.child("fullUrl").and_then(|own| own.text()).unwrap_or_default();
            if reached(&forwards) || !entry.children().any(|child| child.name() == "resource") {
                continue;
            }
            if !reached(&both) {
                self.tell_at(
                    *entry,
                    Place::FromOne,
                    if is_document { Error } else { Warning },
                    &messages::BUNDLE_NOT_REACHED,
                    &[&name],
                );
            } else if is_document
                && entry.child("resource").and_then(|own| own.resource_type()).as_deref()
                    != Some("Provenance")
            {
                self.tell_at(
                    *entry,
                    Place::FromOne,
                    Warning,
                    &messages::BUNDLE_NOT_REACHED_REVERSE,
                    &[&name],
                );
            }
        }
    }

    /// The entries that are stylesheets of the document; one that should be here and is not, is told.
    fn check_stylesheets(&mut self, entries: &[Element<'d>]) -> Vec<u32> {
        let Some(bundle) = entries.first().and_then(Element::parent) else { return Vec::new() };
        let Some(first) = entries.first().and_then(|entry| entry.child("resource")) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for link in bundle.children().filter(|child| child.name() == "link") {
            if link.child("relation").and_then(|own| own.text()).as_deref() != Some("stylesheet") {
                continue;
            }
            let Some(url) = link.child("url") else { continue };
            let said = url.text().unwrap_or_default();
            match self.links.resolve(&said, first).found() {
                Some(resource) => found.push(resource.index()),
                None if !is_absolute(&said) => self.tell(url, Error, &messages::STYLESHEET, &[&said]),
                None => {}
            }
        }
        found
    }

    fn targets_in(&self, element: Element<'d>, found: &mut Vec<u32>, depth: usize) {
        if depth > 200 {
            return;
        }
        for child in element.children() {
            if child.name() == "reference"
                && let Some(said) = child.text()
                && let Some(target) = self.links.resolve(&said, child).found()
            {
                found.push(target.index());
            }
            self.targets_in(child, found, depth + 1);
        }
    }
}

/// Which places are reached from the first; against the direction of the references too, if that counts.
fn reach(to: &[Vec<usize>], forwards_only: bool) -> Vec<bool> {
    let mut links: Vec<Vec<usize>> = to.to_vec();
    if !forwards_only {
        for (from, targets) in to.iter().enumerate() {
            for target in targets {
                if let Some(back) = links.get_mut(*target) {
                    back.push(from);
                }
            }
        }
    }
    let mut reached = vec![false; to.len()];
    let mut open = vec![0];
    while let Some(at) = open.pop() {
        if let Some(seen) = reached.get_mut(at)
            && !*seen
        {
            *seen = true;
            open.extend(links.get(at).into_iter().flatten());
        }
    }
    reached
}
