//! Examples of the calls of contract 4, in the document that describes them: what is sent, and what is answered.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::openapi::{Content, OpenApi, RefOr, path::Operation};
use webhooks::event::{EventTypeOut, OWN};

use crate::events::EVENT_TYPES;

/// By the name of the operation. The tests hold each against its schema.
const EXAMPLES: &str = include_str!("examples.json");

/// An example of one operation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    /// The body of the request.
    request: Option<Value>,
    /// The body of the answer that says that it was done.
    response: Option<Value>,
}

/// Put them into the document.
pub fn attach(api: &mut OpenApi) {
    let Ok(mut examples) = serde_json::from_str::<BTreeMap<String, Example>>(EXAMPLES) else { return };
    // What is told, with the schema of each, is in the document as it is answered.
    let types = OWN.into_iter().chain(EVENT_TYPES.iter().copied()).map(EventTypeOut::from);
    let types = json!({ "items": types.collect::<Vec<_>>() });
    examples.insert("list_event_types".to_owned(), Example { request: None, response: Some(types) });
    for item in api.paths.paths.values_mut() {
        let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in all.into_iter().filter_map(Option::as_mut) {
            let id = operation.operation_id.as_deref().unwrap_or_default();
            if let Some(example) = examples.remove(id) {
                put(operation, example);
            }
        }
    }
}

fn put(operation: &mut Operation, example: Example) {
    if let (Some(RefOr::T(body)), Some(request)) = (&mut operation.request_body, example.request) {
        set(body.content.values_mut().next(), request);
    }
    let good = operation.responses.responses.iter_mut().find(|(status, _)| status.starts_with('2'));
    if let (Some((_, RefOr::T(answer))), Some(response)) = (good, example.response) {
        set(answer.content.values_mut().next(), response);
    }
}

fn set(content: Option<&mut RefOr<Content>>, example: Value) {
    if let Some(RefOr::T(content)) = content {
        content.example = Some(example);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_are_read() {
        assert!(!serde_json::from_str::<BTreeMap<String, Example>>(EXAMPLES).unwrap().is_empty());
    }
}
