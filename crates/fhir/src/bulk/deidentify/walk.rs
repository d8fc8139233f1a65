//! A record, element by element, as the rules show it.

use std::collections::BTreeSet;

use fhirpath::{
    document::{Document, DocumentLimits, Element, Kind},
    model::{Model, TypeId},
};
use kernel::{Digest, Timestamp};
use serde_json::{Value, json};
use vault::TenantVault;

use super::{
    policy::{Act, Policy},
    value,
};
use crate::parameter::{Elements, ResourceType};

const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
/// The field that hashes are of in the organisation's vault.
const FIELD: &str = "fhir_deidentified";
/// Elements within elements that are looked into.
const DEPTH_MAX: usize = 64;
/// Characters of a hash: 128 bits.
const HASH_BYTES: usize = 16;

/// The key of a site: what hashes and shifts are made with.
#[derive(Clone)]
pub(in crate::bulk) struct Key {
    vault: TenantVault,
    site: String,
}

impl Key {
    pub fn new(vault: TenantVault, site: kernel::Id<kernel::Site>) -> Self {
        Self { vault, site: site.to_string() }
    }
}

impl Keyed for Key {
    fn digest(&self, what: &str, text: &str) -> Digest {
        self.vault.blind(FIELD, &format!("{}\u{0}{what}\u{0}{text}", self.site))
    }
}

/// What makes hashes that nobody else can make.
pub(in crate::bulk) trait Keyed {
    /// The hash of a text for one purpose.
    fn digest(&self, what: &str, text: &str) -> Digest;

    /// What stands for a text.
    fn hash(&self, text: &str) -> String {
        self.digest("hash", text)
            .as_bytes()
            .iter()
            .take(HASH_BYTES)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The reference of a record, with a hash in place of its id.
    fn reference(&self, of: &str, id: &str) -> String {
        format!("{of}/{}", self.hash(&format!("{of}/{id}")))
    }

    /// By how many days the dates of a patient move: never by none.
    fn shift(&self, patient: &str, days: u16) -> i64 {
        let [a, b, c, d, ..] = *self.digest("shift", patient).as_bytes();
        let span = i64::from(days);
        let drawn = i64::from(u32::from_be_bytes([a, b, c, d])) % (2 * span);
        if drawn < span { drawn - span } else { drawn - span + 1 }
    }
}

/// How records are shown.
pub(in crate::bulk) struct Shown<'s> {
    pub policy: &'s Policy,
    pub key: &'s dyn Keyed,
    pub base: &'s str,
    pub now: Timestamp,
}

/// What was done to one record, for its labels.
struct Record<'s> {
    shown: &'s Shown<'s>,
    of: ResourceType,
    patient: Option<&'s str>,
    done: BTreeSet<&'static str>,
}

impl Shown<'_> {
    /// A record as the rules show it, one of this patient; none if it cannot be read.
    pub fn record(&self, text: &str, patient: Option<&str>) -> Option<String> {
        let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).ok()?;
        let root = document.root();
        let of = root.resource_type().and_then(|name| ResourceType::named(&name))?;
        let type_id = Elements::r4().type_named(of.as_str())?;
        let mut record = Record { shown: self, of, patient, done: BTreeSet::from(["REDACTED"]) };
        let rest = record.object(root, type_id, of.as_str(), 0);
        let (meta, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(name, _)| name == "meta");
        let meta = record.labelled(meta.into_iter().next().map(|(_, meta)| meta));
        let head = [("resourceType".to_owned(), json!(of.as_str()).to_string()), ("meta".to_owned(), meta)];
        Some(written(head.into_iter().chain(rest)))
    }
}

fn written(members: impl IntoIterator<Item = (String, String)>) -> String {
    let members: Vec<String> =
        members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn text_of(element: Element<'_>) -> Option<String> {
    element.text().map(|text| text.into_owned())
}

impl Record<'_> {
    /// The members that are shown, by name, as JSON. What is beside a primitive (`_birthDate`) is not.
    fn object(
        &mut self,
        element: Element<'_>,
        of: TypeId,
        path: &str,
        depth: usize,
    ) -> Vec<(String, String)> {
        let model = Elements::r4();
        let owner = model.type_name(of).to_owned();
        if depth > DEPTH_MAX || self.is_age_over_89(element, &owner) {
            return Vec::new();
        }
        let mut names: Vec<&str> = Vec::new();
        for member in element.members() {
            if member.name() != "resourceType" && !names.contains(&member.name()) {
                names.push(member.name());
            }
        }
        let mut shown = Vec::new();
        for name in names {
            let Some(known) = model.element(of, name) else { continue };
            let group: Vec<Element<'_>> =
                element.members().filter(|member| member.name() == name && has_value(*member)).collect();
            let values: Vec<String> = group
                .iter()
                .filter_map(|one| {
                    self.value(*one, (&owner, name), known.type_id, &format!("{path}.{name}"), depth)
                })
                .collect();
            let is_list = known.repeats;
            match (values.is_empty(), is_list) {
                (true, _) => {}
                (false, true) => shown.push((name.to_owned(), format!("[{}]", values.join(",")))),
                (false, false) => {
                    shown.extend(values.into_iter().next().map(|value| (name.to_owned(), value)))
                }
            }
        }
        shown
    }

    /// A value as JSON; none if it is not shown. A rule of its place goes before one of its owner's type, and that before one of its own.
    fn value(
        &mut self,
        element: Element<'_>,
        (owner, name): (&str, &str),
        of: TypeId,
        path: &str,
        depth: usize,
    ) -> Option<String> {
        let (policy, own) = (self.shown.policy, Elements::r4().type_name(of));
        let is_root_id = depth == 0 && name == "id";
        let by_place = policy.act(path).or_else(|| policy.act(&format!("{owner}.{name}")));
        let by_place = by_place.or_else(|| is_root_id.then(|| policy.act("Resource.id")).flatten());
        let act = match by_place {
            None if policy.looks_into(path) => None,
            None => policy.act(own),
            found => found,
        };
        let is_primitive = element.kind() != Kind::Object;
        match act.cloned() {
            Some(Act::Keep) => Some(element.to_json()),
            Some(Act::Redact) => None,
            Some(Act::CryptoHash) if own == "Reference" => self.reference(element),
            Some(Act::CryptoHash) if is_primitive => {
                self.done.insert("CRYTOHASH");
                let text = text_of(element)?;
                let text = if is_root_id { format!("{}/{text}", self.of) } else { text };
                Some(json!(self.shown.key.hash(&text)).to_string())
            }
            Some(Act::DateShift { days }) if matches!(own, "date" | "dateTime" | "instant") => {
                self.done.insert("MASKED");
                let shift = self.shown.key.shift(self.patient?, days);
                Some(json!(value::shifted(&text_of(element)?, shift)?).to_string())
            }
            Some(Act::Generalize) if is_primitive => {
                self.done.insert("ABSTRED");
                let text = text_of(element)?;
                let general = match own {
                    "date" | "dateTime" => value::year(&text, self.shown.now),
                    _ => value::zip3(&text),
                };
                general.map(|general| json!(general).to_string())
            }
            Some(Act::Substitute { value }) if is_primitive && matches!(own, "string" | "markdown") => {
                self.done.insert("MASKED");
                Some(json!(value).to_string())
            }
            // A rule that does not fit what it is about shows nothing.
            Some(_) => None,
            None if is_primitive => None,
            None => {
                let members = self.object(element, of, path, depth + 1);
                (!members.is_empty()).then(|| written(members))
            }
        }
    }

    /// The id in a reference to a record of this server; of any other reference, nothing.
    fn reference(&mut self, element: Element<'_>) -> Option<String> {
        let text = text_of(element.child("reference")?)?;
        let own = text.strip_prefix(self.shown.base).map_or(&*text, |path| path.trim_start_matches('/'));
        let mut words = own.split('/');
        let (of, id) = (ResourceType::named(words.next()?)?, words.next()?);
        let id: crate::resource::LogicalId = id.parse().ok()?;
        self.done.insert("CRYTOHASH");
        Some(json!({"reference": self.shown.key.reference(of.as_str(), id.as_str())}).to_string())
    }

    fn is_age_over_89(&self, element: Element<'_>, owner: &str) -> bool {
        let text = |name| element.child(name).and_then(text_of).unwrap_or_default();
        let is_quantity = matches!(owner, "Quantity" | "Age" | "Duration" | "SimpleQuantity");
        let value = element.child("value").map(|value| value.raw().to_owned());
        let unit = text("code");
        let is_unknown = owner == "Age" && unit.is_empty();
        is_quantity && value.is_some_and(|value| is_unknown || value::is_old(&value, &unit))
    }

    /// The metadata with what was done.
    fn labelled(&self, meta: Option<String>) -> String {
        let mut meta: Value =
            meta.and_then(|meta| serde_json::from_str(&meta).ok()).unwrap_or_else(|| json!({}));
        let labels = ["ANONYED"].iter().chain(&self.done).filter(|code| {
            // With a hash in place of the id, whoever has the key can tell who it is.
            **code != "ANONYED" || !self.done.contains("CRYTOHASH")
        });
        let pseudonym = self.done.contains("CRYTOHASH").then_some(&"PSEUDED");
        let labels = labels.chain(pseudonym).map(|code| json!({"system": SYSTEM, "code": code}));
        if let Some(members) = meta.as_object_mut() {
            let security = members.entry("security").or_insert_with(|| json!([]));
            if let Some(all) = security.as_array_mut() {
                all.extend(labels);
            }
        }
        meta.to_string()
    }
}

fn has_value(element: Element<'_>) -> bool {
    !matches!(element.kind(), Kind::Absent | Kind::Null | Kind::EmptyArray)
}
