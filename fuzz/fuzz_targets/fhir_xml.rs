//! XML of strangers as FHIR: read or refused, never a panic; what is read becomes JSON that is read again.
#![no_main]

use fhirpath::{
    document::{Document, DocumentLimits, Reader},
    model::NoModel,
};
use libfuzzer_sys::fuzz_target;

const LIMITS: DocumentLimits = DocumentLimits { bytes_max: 1 << 16, depth_max: 40, elements_max: 2000 };

fuzz_target!(|bytes: &[u8]| {
    let mut reader = Reader::new(LIMITS);
    let Ok(document) = reader.xml(bytes, &NoModel) else {
        let good = br#"<Patient xmlns="http://hl7.org/fhir"/>"#;
        assert!(reader.xml(good, &NoModel).is_ok(), "a fault leaves nothing behind");
        return;
    };
    let json = document.to_json();
    for element in document.root().children() {
        let _ = (element.path(), element.text(), document.position(element.name_offset()));
    }
    let wide = DocumentLimits { bytes_max: 1 << 20, depth_max: 80, ..LIMITS };
    if let Ok(again) = Document::from_json(json.as_bytes(), &wide) {
        assert_eq!(again.root().to_compact_json(), json);
    }
    reader.reuse(document);
    assert_eq!(reader.xml(bytes, &NoModel).unwrap().to_json(), json);
});
