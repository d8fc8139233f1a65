//! Resources of strangers against types, a profile and codes of our own: checked, never a panic; findings are bounded and the same twice, and
//! JSON and its XML are both valid or neither.
#![no_main]

use std::sync::OnceLock;

use fhirpath::document::{Document, DocumentLimits};
use kernel::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use validator::{
    Codes, Format, Library, Package, Validator,
    check::{FINDINGS_MAX, MustSupport, Request},
};

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";
const PROFILE: &str = "http://x/StructureDefinition/Profile";
const LIMITS: DocumentLimits = DocumentLimits { bytes_max: 1 << 16, depth_max: 60, elements_max: 5000 };

/// `name kind base elements`, an element as `path card types`.
const TYPES: &str = "
string primitive Element
code primitive string
id primitive string
uri primitive Element
canonical primitive uri
url primitive uri
markdown primitive string
boolean primitive Element
integer primitive Element
positiveInt primitive integer
decimal primitive Element
date primitive Element
dateTime primitive Element
instant primitive Element
time primitive Element
base64Binary primitive Element
xhtml primitive Element
Element complex -
Element.id 0..1 System.String
Element.extension 0..* Extension
BackboneElement complex Element
BackboneElement.modifierExtension 0..* Extension
Extension complex Element
Extension.url 1..1 System.String
Extension.value[x] 0..1 string,boolean,code,Coding,Reference,Quantity
Coding complex Element
Coding.system 0..1 uri
Coding.version 0..1 string
Coding.code 0..1 code
Coding.display 0..1 string
CodeableConcept complex Element
CodeableConcept.coding 0..* Coding
CodeableConcept.text 0..1 string
Quantity complex Element
Quantity.value 0..1 decimal
Quantity.unit 0..1 string
Quantity.system 0..1 uri
Quantity.code 0..1 code
Identifier complex Element
Identifier.system 0..1 uri
Identifier.value 0..1 string
Reference complex Element
Reference.reference 0..1 string
Reference.type 0..1 uri
Reference.identifier 0..1 Identifier
Reference.display 0..1 string
Attachment complex Element
Attachment.contentType 0..1 code
Attachment.data 0..1 base64Binary
Attachment.url 0..1 url
Attachment.size 0..1 positiveInt
Narrative complex Element
Narrative.status 1..1 code
Narrative.div 1..1 xhtml
Meta complex Element
Meta.versionId 0..1 id
Meta.lastUpdated 0..1 instant
Meta.profile 0..* canonical
Meta.tag 0..* Coding
Resource resource -
Resource.id 0..1 id
Resource.meta 0..1 Meta
Resource.language 0..1 code
DomainResource resource Resource
DomainResource.text 0..1 Narrative
DomainResource.contained 0..* Resource
DomainResource.extension 0..* Extension
DomainResource.modifierExtension 0..* Extension
Thing resource DomainResource
Thing.identifier 0..* Identifier
Thing.status 1..1 code
Thing.kind 0..1 CodeableConcept
Thing.born 0..1 date
Thing.note 0..* markdown
Thing.file 0..* Attachment
Thing.owner 0..* Reference
Thing.part 0..* BackboneElement
Thing.part.name 0..1 string
Thing.part.count 0..1 integer
Thing.part.part 0..* #Thing.part
Thing.value[x] 0..1 Quantity,string,boolean,CodeableConcept,dateTime,time
Bundle resource Resource
Bundle.identifier 0..1 Identifier
Bundle.type 1..1 code
Bundle.timestamp 0..1 instant
Bundle.link 0..* BackboneElement
Bundle.link.relation 1..1 string
Bundle.link.url 1..1 uri
Bundle.entry 0..* BackboneElement
Bundle.entry.fullUrl 0..1 uri
Bundle.entry.resource 0..1 Resource
Questionnaire resource DomainResource
Questionnaire.url 0..1 uri
Questionnaire.item 0..* BackboneElement
Questionnaire.item.linkId 1..1 string
Questionnaire.item.type 1..1 code
Questionnaire.item.required 0..1 boolean
Questionnaire.item.repeats 0..1 boolean
Questionnaire.item.maxLength 0..1 integer
Questionnaire.item.item 0..* #Questionnaire.item
QuestionnaireResponse resource DomainResource
QuestionnaireResponse.questionnaire 0..1 canonical
QuestionnaireResponse.status 1..1 code
QuestionnaireResponse.item 0..* BackboneElement
QuestionnaireResponse.item.linkId 1..1 string
QuestionnaireResponse.item.answer 0..* BackboneElement
QuestionnaireResponse.item.answer.value[x] 0..1 boolean,decimal,integer,string,date,Coding,Quantity,Reference
QuestionnaireResponse.item.answer.item 0..* #QuestionnaireResponse.item
QuestionnaireResponse.item.item 0..* #QuestionnaireResponse.item
";

/// Elements of one path, by what the table says of the types that they come from.
fn elements(name: &str) -> Vec<Value> {
    let lines =
        || TYPES.lines().map(|line| line.split(' ').collect::<Vec<_>>()).filter(|words| words.len() == 3);
    let head = lines().find(|words| words[0] == name && !words[1].contains("..")).unwrap();
    let mut all = match head[2] {
        "-" => vec![json!({ "path": name, "min": 0, "max": "*" })],
        base => elements(base),
    };
    for element in &mut all {
        let path = element["path"].as_str().unwrap();
        let own = format!("{name}{}", path.find('.').map_or("", |at| &path[at..]));
        element["id"] = own.as_str().into();
        element["path"] = own.into();
    }
    let mut own: Vec<Value> = Vec::new();
    for words in lines().filter(|words| words[1].contains("..") && words[0].split('.').next() == Some(name)) {
        let (min, max) = words[1].split_once("..").unwrap();
        let mut element =
            json!({ "id": words[0], "path": words[0], "min": min.parse::<u32>().unwrap(), "max": max });
        match words[2].strip_prefix('#') {
            Some(_) => element["contentReference"] = words[2].into(),
            None => {
                let code = |code: &str| json!({ "code": code.replace("System.", "http://hl7.org/fhirpath/System.") });
                element["type"] = words[2].split(',').map(code).collect();
            }
        }
        own.push(element);
    }
    if head[1] == "primitive" && head[2] == "Element" {
        let path = format!("{name}.value");
        own.push(json!({ "id": path, "path": path, "min": 0, "max": "1",
            "type": [{ "code": "http://hl7.org/fhirpath/System.String" }] }));
    }
    all.extend(own);
    for element in &mut all {
        let (path, min, max) = (element["path"].clone(), element["min"].clone(), element["max"].clone());
        element["base"] = json!({ "path": path, "min": min, "max": max });
    }
    all
}

fn definitions() -> Vec<Value> {
    let heads = TYPES.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let heads = heads.filter(|words| words.len() == 3 && !words[1].contains(".."));
    let mut all: Vec<Value> = heads
        .map(|words| {
            let kind = match words[1] {
                "resource" => "resource",
                kind => &format!("{kind}-type"),
            };
            let mut elements = elements(words[0]);
            if words[0] == "Thing" {
                rules(&mut elements);
            }
            json!({ "resourceType": "StructureDefinition", "url": format!("{CORE}{}", words[0]), "kind": kind, "type": words[0],
                "abstract": matches!(words[0], "Resource" | "DomainResource"), "derivation": "specialization",
                "baseDefinition": format!("{CORE}{}", words[2]), "snapshot": { "element": elements } })
        })
        .collect();
    all.extend([
        json!({ "resourceType": "StructureDefinition", "url": PROFILE, "kind": "resource", "type": "Thing", "abstract": false,
            "derivation": "constraint", "baseDefinition": format!("{CORE}Thing"), "differential": { "element": [
            { "path": "Thing.identifier", "min": 1, "slicing": { "rules": "closed", "ordered": true,
                "discriminator": [{ "type": "value", "path": "system" }] }, "mustSupport": true },
            { "path": "Thing.identifier", "sliceName": "a", "max": "1" },
            { "path": "Thing.identifier.system", "fixedUri": "http://a" },
            { "path": "Thing.identifier", "sliceName": "b" },
            { "path": "Thing.identifier.system", "patternUri": "http://b" },
            { "path": "Thing.note", "max": "2", "maxLength": 5, "mustSupport": true },
            { "path": "Thing.owner", "type": [{ "code": "Reference", "targetProfile": [PROFILE] }] },
            { "path": "Thing.part.count", "minValueInteger": 1, "maxValueInteger": 9 },
            { "path": "Thing.value[x]", "slicing": { "rules": "open", "discriminator": [{ "type": "type", "path": "$this" }] } },
            { "path": "Thing.value[x]", "sliceName": "valueQuantity", "type": [{ "code": "Quantity" }] },
            { "path": "Thing.value[x].code", "min": 1 },
            { "path": "Thing.extension", "slicing": { "rules": "open", "discriminator": [{ "type": "value", "path": "url" }] } },
            { "path": "Thing.extension", "sliceName": "e", "type": [{ "code": "Extension", "profile": ["http://x/StructureDefinition/e"] }] },
        ] } }),
        json!({ "resourceType": "StructureDefinition", "url": "http://x/StructureDefinition/e", "kind": "complex-type", "type": "Extension",
            "derivation": "constraint", "baseDefinition": format!("{CORE}Extension"), "context": [{ "type": "element", "expression": "Thing" }],
            "differential": { "element": [
            { "path": "Extension.extension", "max": "0" },
            { "path": "Extension.url", "fixedUri": "http://x/StructureDefinition/e" },
            { "path": "Extension.value[x]", "min": 1, "type": [{ "code": "code" }],
                "binding": { "strength": "required", "valueSet": "http://x/v" } } ] } }),
        json!({ "resourceType": "CodeSystem", "url": "http://x/c", "content": "complete", "concept": [
            { "code": "a", "display": "Aye", "concept": [{ "code": "b" }] }] }),
        json!({ "resourceType": "ValueSet", "url": "http://x/v", "compose": { "include": [{ "system": "http://x/c" }] } }),
        json!({ "resourceType": "Questionnaire", "url": "http://x/q", "item": [
            { "linkId": "1", "type": "group", "item": [{ "linkId": "1.1", "type": "string", "required": true, "maxLength": 5 },
                { "linkId": "1.2", "type": "integer", "repeats": true }] },
            { "linkId": "2", "type": "boolean", "enableWhen": [{ "question": "1.2", "operator": ">", "answerInteger": 3 }] }] }),
    ]);
    all
}

/// Invariants and a binding of the resource itself.
fn rules(elements: &mut [Value]) {
    let rule = |key: &str, expression: &str| json!({ "key": key, "severity": "error", "human": key, "expression": expression });
    for element in elements {
        match element["path"].as_str().unwrap() {
            "Thing" => {
                element["constraint"] = json!([
                    rule("t-1", "part.name.all(matches('[a-z]+')) and part.count.sum() < 100"),
                    rule(
                        "t-2",
                        "owner.resolve().ofType(Thing).all(status != 'b') and note.all($this.length() > $index)"
                    ),
                    rule(
                        "t-3",
                        "value.ofType(Quantity).all(value <= 10 'mg' or code.exists()) or repeat(part).count() > 3"
                    ),
                    rule("t-4", "born.empty() or born <= today()"),
                ]);
            }
            "Thing.status" | "Thing.kind" => {
                element["binding"] = json!({ "strength": "required", "valueSet": "http://x/v" })
            }
            _ => {}
        }
    }
}

struct Kit {
    validator: Validator<'static>,
}

fn kit() -> &'static Kit {
    static KIT: OnceLock<Kit> = OnceLock::new();
    KIT.get_or_init(|| {
        let files = definitions().into_iter().enumerate();
        let files = files.map(|(at, one)| (format!("{at}.json"), one.to_string().into_bytes()));
        let package = Package::of_files("fuzz", files, &fhirpath::model::NoModel);
        assert!(package.skipped().is_empty());
        let library: &'static Library = Box::leak(Box::new(Library::new([package])));
        let validator =
            Validator::new(library, Box::new(Codes::new(library))).with_must_support(MustSupport::Reported);
        let good = br#"{"resourceType":"Thing","status":"a","identifier":[{"system":"http://a"}]}"#;
        let request = Request { profiles: &[PROFILE], now: Timestamp::from_seconds(1_760_000_000) };
        let outcome = validator.validate_bytes(good, Format::Json, &request);
        assert!(outcome.is_valid(), "{:#?}", outcome.findings);
        Kit { validator }
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Kit { validator } = kit();
    let format = if bytes.first() == Some(&b'<') { Format::Xml } else { Format::Json };
    let is_thing = bytes.windows(5).any(|word| word == b"Thing");
    let profiles: &[&str] = if is_thing { &[PROFILE] } else { &[] };
    let request = Request { profiles, now: Timestamp::from_seconds(1_760_000_000) };
    let outcome = validator.validate_bytes(bytes, format, &request);
    assert!(outcome.findings.len() <= FINDINGS_MAX);
    assert_eq!(
        validator.validate_bytes(bytes, format, &request),
        outcome,
        "the same resource, the same findings"
    );
    for finding in &outcome.findings {
        assert!(!finding.text().is_empty() && !finding.message_id().is_empty(), "{finding:?}");
    }
    let document = match format {
        Format::Json => Document::from_json(bytes, &LIMITS),
        Format::Xml => Document::from_xml(bytes, &LIMITS, validator.model()),
    };
    let Ok(document) = document else { return };
    let (Ok(xml), json) = (document.to_xml(), document.root().to_compact_json()) else { return };
    let Ok(as_xml) = Document::from_xml(xml.as_bytes(), &LIMITS, validator.model()) else { return };
    // What XML cannot say of JSON is lost on the way there.
    if as_xml.root().to_compact_json() != json {
        return;
    }
    let Ok(as_json) = Document::from_json(json.as_bytes(), &LIMITS) else { return };
    let wrong = |document: &Document<'_>| {
        let outcome = validator.validate(document, &request);
        let errors =
            outcome.findings.into_iter().filter(|finding| finding.severity >= validator::Severity::Error);
        // In XML alone elements have an order.
        errors
            .map(|error| (error.message_id(), error.text()))
            .filter(|(id, _)| *id != "Validation_VAL_Profile_OutOfOrder")
            .collect::<Vec<_>>()
    };
    let (in_json, in_xml) = (wrong(&as_json), wrong(&as_xml));
    assert_eq!(in_json.is_empty(), in_xml.is_empty(), "{json}\n{in_json:?}\n{xml}\n{in_xml:?}");
});
