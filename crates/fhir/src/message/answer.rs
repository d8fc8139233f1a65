//! What a message is answered: a message.  <https://hl7.org/fhir/R4/messageheader.html>

use kernel::World;
use serde_json::{Map, Value, json};

use crate::outcome::{self, Told};

/// What is said of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// It was accepted and processed.
    Ok,
    /// It cannot be processed as it is.
    FatalError,
}

impl Code {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::FatalError => "fatal-error",
        }
    }
}

/// An answer before it is known what to say.
#[derive(Clone)]
pub(super) struct Reply {
    pub base: String,
    pub header: Value,
    pub to: String,
    ids: [String; 3],
    at: String,
}

impl Reply {
    pub fn new(world: &World, base: &str, header: Value, to: String) -> Self {
        let ids = [uuid(world.random()), uuid(world.random()), uuid(world.random())];
        Self { base: base.to_owned(), header, to, ids, at: world.now().to_string() }
    }

    /// The answer, with what is told.
    pub fn of(&self, code: Code, told: &[Told]) -> String {
        let [bundle, own, told_id] = &self.ids;
        let mut response = Map::new();
        response.insert("identifier".to_owned(), self.to.as_str().into());
        response.insert("code".to_owned(), code.as_str().into());
        if !told.is_empty() {
            response.insert("details".to_owned(), json!({"reference": format!("urn:uuid:{told_id}")}));
        }
        let mut header = Map::new();
        header.insert("resourceType".to_owned(), "MessageHeader".into());
        header.insert("id".to_owned(), own.as_str().into());
        for event in ["eventCoding", "eventUri"] {
            let same = self.header.get(event).cloned();
            header.extend(same.map(|same| (event.to_owned(), same)));
        }
        header.extend(self.destination().map(|to| ("destination".to_owned(), json!([to]))));
        let sender = self.header.pointer("/destination/0/receiver").cloned();
        header.extend(sender.map(|sender| ("sender".to_owned(), bare(sender))));
        let source = json!({"name": "Hilum", "endpoint": format!("{}/$process-message", self.base)});
        header.insert("source".to_owned(), source);
        header.insert("response".to_owned(), response.into());
        let mut entries = vec![json!({"fullUrl": format!("urn:uuid:{own}"), "resource": header})];
        if !told.is_empty() {
            let mut outcome = outcome::resource(told);
            if let Some(fields) = outcome.as_object_mut() {
                fields.insert("id".to_owned(), told_id.as_str().into());
            }
            entries.push(json!({"fullUrl": format!("urn:uuid:{told_id}"), "resource": outcome}));
        }
        json!({"resourceType": "Bundle", "id": bundle, "type": "message", "timestamp": self.at, "entry": entries}).to_string()
    }

    /// Whence the message came; nothing, where it does not say so.
    fn destination(&self) -> Option<Value> {
        let endpoint = self.header.pointer("/source/endpoint")?;
        let mut to = Map::from_iter([("endpoint".to_owned(), endpoint.clone())]);
        for (name, pointer) in [("name", "/source/name"), ("receiver", "/sender")] {
            let said = self.header.pointer(pointer).cloned();
            to.extend(said.map(|said| (name.to_owned(), bare(said))));
        }
        Some(to.into())
    }
}

/// A reference to an entry of the message leads nowhere in the answer: who is meant stays, by identifier and name.
fn bare(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.remove("reference");
    }
    value
}

fn uuid(mut bytes: [u8; 16]) -> String {
    if let Some(version) = bytes.get_mut(6) {
        *version = (*version & 0x0f) | 0x40;
    }
    if let Some(variant) = bytes.get_mut(8) {
        *variant = (*variant & 0x3f) | 0x80;
    }
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
