//! What is told of what happens has a schema that says what stands in it, and an example that fits it.

use std::collections::BTreeSet;

use hilum::events::EVENT_TYPES;
use serde_json::Value;
use webhooks::event::{EventType, OWN as OF_WEBHOOKS};

fn types() -> impl Iterator<Item = EventType> {
    OF_WEBHOOKS.into_iter().chain(EVENT_TYPES.iter().copied())
}

/// The schema of a type's data, as what may stand there and nothing else.
fn schema(of: &EventType) -> Value {
    let mut schema = serde_json::from_str(of.data).unwrap_or_else(|error| panic!("{}: {error}", of.name));
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    properties.values_mut().for_each(close);
    schema["additionalProperties"] = false.into();
}

fn held(of: &EventType, data: &Value) {
    let schema = schema(of);
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(data).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{}: {wrong:?}: {data}", of.name);
}

#[test]
fn each_type_has_a_schema_and_an_example_that_fits_it() {
    let mut names = BTreeSet::new();
    for one in types() {
        assert!(names.insert(one.name), "{} is there twice", one.name);
        let schema = schema(&one);
        assert!(jsonschema::meta::is_valid(&schema), "{}", one.name);
        let examples = schema["examples"].as_array().unwrap();
        assert_eq!(examples.len(), 1, "{}", one.name);
        held(&one, &examples[0]);
        let required: BTreeSet<&str> =
            schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let named: BTreeSet<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(required, named, "{}: whatever may stand there always does", one.name);
    }
}
