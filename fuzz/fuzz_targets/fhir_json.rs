//! JSON of strangers as FHIR: read or refused, never a panic; what is read is written, read again as the same, and goes through XML.
#![no_main]

use fhirpath::{
    document::{Change, Content, Document, DocumentLimits, Element, Member, Reader, Repeats},
    model::NoModel,
};
use libfuzzer_sys::fuzz_target;

const LIMITS: DocumentLimits = DocumentLimits { bytes_max: 1 << 16, depth_max: 40, elements_max: 2000 };

fn compact(text: &str) -> String {
    Document::from_json(text.as_bytes(), &LIMITS).unwrap().root().to_compact_json()
}

/// Parents and children know one another, and every element is met once.
fn walk(element: Element<'_>, met: &mut Vec<u32>) {
    met.push(element.index());
    assert!(element.offset() <= element.document().source().len() && element.path().len() < 1 << 16);
    let _ = (element.text(), element.resource_type(), element.document().position(element.offset()));
    for child in element.children() {
        assert_eq!(child.parent(), Some(element));
        walk(child, met);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut reader = Reader::new(LIMITS);
    let Ok(document) = reader.json(bytes) else {
        assert!(reader.json(b"{}").is_ok(), "a fault leaves nothing behind");
        return;
    };
    let root = document.root();
    let mut met = Vec::new();
    walk(root, &mut met);
    met.sort_unstable();
    assert!(met.windows(2).all(|pair| pair[0] != pair[1]) && met.len() <= document.len());
    let written = root.to_compact_json();
    assert_eq!(compact(&written), written);
    for child in root.children().take(4) {
        let items = root.children().filter(|other| other.name() == child.name() && *other != child);
        let items = items.map(Content::Element).collect();
        let member = Member { name: child.name().to_owned(), repeats: Repeats::Yes, items };
        let changed = Change::new(root, child.name(), member).to_json();
        assert_eq!(compact(&changed), changed, "a change leaves a document");
    }
    if let Ok(xml) = document.to_xml() {
        let again = Document::from_xml(xml.as_bytes(), &LIMITS, &NoModel);
        if let Ok(again) = again {
            assert_eq!(again.to_xml().unwrap(), xml);
        }
    }
    reader.reuse(document);
    let again = reader.json(bytes).unwrap();
    assert_eq!(again.root().to_compact_json(), written, "memory that is used again changes nothing");
});
