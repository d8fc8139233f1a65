//! Codes, identifiers and what says in words what they are. <https://hl7.org/fhir/R4/search.html#token>

use std::borrow::Cow;

use fhirpath::document::Element;

use super::{Text, Token, TypedToken, Value};

type Push<'p, 'd> = &'p mut dyn FnMut(Value<'d>);

fn text<'d>(of: Element<'d>, name: &str) -> Option<Cow<'d, str>> {
    of.child(name)?.text()
}

fn words<'d>(text: Cow<'d, str>) -> Value<'d> {
    Value::TokenText(Text { exact: text })
}

/// A code whose system the definition implies, a string, a Boolean, an id.
pub(super) fn of_text<'d>(element: Element<'d>, system: Option<&'static str>) -> Option<Value<'d>> {
    let code = element.text().filter(|code| !code.is_empty())?;
    Some(Value::Token(Token { system: system.map(Cow::Borrowed), code }))
}

fn token<'d>(element: Element<'d>, code: &str) -> Option<Token<'d>> {
    let (system, code) = (text(element, "system"), text(element, code));
    (system.is_some() || code.is_some()).then(|| Token { system, code: code.unwrap_or_default() })
}

pub(super) fn of_coding<'d>(element: Element<'d>, push: Push<'_, 'd>) {
    if let Some(token) = token(element, "code") {
        push(Value::Token(token));
    }
    if let Some(display) = text(element, "display") {
        push(words(display));
    }
}

pub(super) fn of_concept<'d>(element: Element<'d>, push: Push<'_, 'd>) {
    for child in element.children() {
        match child.name() {
            "coding" => of_coding(child, push),
            "text" => child.text().into_iter().for_each(|text| push(words(text))),
            _ => {}
        }
    }
}

pub(super) fn of_identifier<'d>(element: Element<'d>, push: Push<'_, 'd>) {
    let Some(token) = token(element, "value") else { return };
    if let Some(of) = element.child("type") {
        for child in of.children() {
            match child.name() {
                "coding" => push(Value::TypedToken(TypedToken {
                    type_system: text(child, "system").unwrap_or_default(),
                    type_code: text(child, "code").unwrap_or_default(),
                    value: token.code.clone(),
                })),
                "text" => child.text().into_iter().for_each(|text| push(words(text))),
                _ => {}
            }
        }
    }
    push(Value::Token(token));
}

/// The identifier of a reference, for `:identifier`.
pub(super) fn of_reference<'d>(element: Element<'d>) -> Option<Value<'d>> {
    token(element.child("identifier")?, "value").map(Value::Identifier)
}

/// What a reference says in words.
pub(super) fn of_display<'d>(element: Element<'d>) -> Option<Value<'d>> {
    text(element, "display").map(words)
}

/// A telephone number or address has no system of codes.
pub(super) fn of_contact<'d>(element: Element<'d>) -> Option<Value<'d>> {
    Some(Value::Token(Token { system: None, code: text(element, "value")? }))
}
