//! One answer: its type, its limits, the options that it may be.

use fhirpath::{
    document::Element,
    path::Program,
    value::{Decimal, Quantity, Unit},
};
use serde_json::Value;

use super::{
    super::{Run, messages, primitive::decoded_len, reference::type_in_url, value},
    enabled::order,
    extension, extensions, text, text_of,
};
use crate::Severity::{Error, Warning};

/// The types that answers to a question of one type may have.
fn allowed(kind: &str) -> &'static [&'static str] {
    match kind {
        "boolean" => &["boolean"],
        "decimal" => &["decimal"],
        "integer" => &["integer"],
        "date" => &["date"],
        "dateTime" => &["dateTime"],
        "time" => &["time"],
        "string" | "text" => &["string"],
        "url" => &["uri"],
        "attachment" => &["Attachment"],
        "reference" => &["Reference"],
        "quantity" => &["Quantity"],
        "choice" => &["Coding", "date", "time", "integer", "string"],
        "open-choice" => &["Coding", "date", "time", "integer", "string"],
        _ => &[],
    }
}

impl<'a, 'd> Run<'a, 'd> {
    pub(super) fn check_answer(&mut self, question: &Value, kind: &str, answer: Element<'d>) {
        let Some(value) = answer.children().find(|child| child.name().starts_with("value")) else { return };
        let written = value.name().strip_prefix("value").unwrap_or_default();
        let allowed = allowed(kind);
        let Some(code) = allowed.iter().find(|code| code.eq_ignore_ascii_case(written)) else {
            if !allowed.is_empty() && self.type_name_of(value).is_some() {
                self.tell(value, Error, &messages::ANSWER_TYPE, &[&allowed.join(", "), written]);
            }
            return;
        };
        match *code {
            "integer" | "decimal" | "date" | "dateTime" | "time" => self.check_limits(question, value),
            "string" => self.check_text(question, value),
            "Attachment" => self.check_file(question, answer, value),
            "Reference" => self.check_referred(question, value),
            "Quantity" => self.check_quantity(question, value),
            _ => {}
        }
        if matches!(*code, "Coding" | "date" | "time" | "integer" | "string") {
            self.check_options(question, kind, answer, value);
        }
    }

    fn check_limits(&mut self, question: &Value, value: Element<'d>) {
        let own = value.text().unwrap_or_default();
        let shown = |limit: &Value| limit.as_str().map_or_else(|| limit.to_string(), str::to_owned);
        if let Some(limit) = extension(question, "minValue")
            && order(value, limit).is_some_and(std::cmp::Ordering::is_lt)
        {
            self.tell(value, Error, &messages::BELOW_MINIMUM, &[&own, &shown(limit)]);
        }
        if let Some(limit) = extension(question, "maxValue")
            && order(value, limit).is_some_and(std::cmp::Ordering::is_gt)
        {
            self.tell(value, Error, &messages::ABOVE_MAXIMUM, &[&own, &shown(limit)]);
        }
        if let Some(places) = extension(question, "maxDecimalPlaces").and_then(Value::as_u64)
            && let Some((_, after)) = own.split_once('.')
            && after.len() as u64 > places
        {
            self.tell(value, Error, &messages::DECIMAL_PLACES, &[&own, &places.to_string()]);
        }
    }

    fn check_text(&mut self, question: &Value, value: Element<'d>) {
        let own = value.text().unwrap_or_default();
        let count = own.chars().count() as u64;
        let min = extension(question, "minLength").and_then(Value::as_u64);
        if let Some(min) = min.filter(|min| count < *min) {
            self.tell(value, Error, &messages::ANSWER_SHORT, &[&count.to_string(), &min.to_string()]);
        }
        let max = question.get("maxLength").and_then(Value::as_u64);
        if let Some(max) = max.filter(|max| count > *max) {
            self.tell(value, Error, &messages::ANSWER_LONG, &[&count.to_string(), &max.to_string()]);
        }
        if let Some(pattern) = extension(question, "regex").and_then(Value::as_str) {
            let escaped = pattern.replace('\\', "\\\\").replace('\'', "\\'");
            let program = Program::compile(&format!("$this.matches('{escaped}')"), self.programs.model());
            let holds = program.ok().and_then(|program| self.evaluator.holds(&program, value.into()).ok());
            if holds == Some(Some(false)) {
                let shown = extension(question, "entryFormat").and_then(Value::as_str).unwrap_or(pattern);
                self.tell(value, Error, &messages::ANSWER_FORMAT, &[shown]);
            }
        }
    }

    fn check_file(&mut self, question: &Value, answer: Element<'d>, value: Element<'d>) {
        let types: Vec<&str> = extensions(question, "mimeType").filter_map(Value::as_str).collect();
        let own = text_of(value, "contentType");
        if !types.is_empty() && !types.contains(&own.as_str()) {
            self.tell(answer, Error, &messages::ANSWER_MEDIA_TYPE, &[&own, &types.join(", ")]);
        }
        let max = extension(question, "maxSize").and_then(|max| max.to_string().parse::<Decimal>().ok());
        let said = text_of(value, "size").parse::<usize>().ok();
        let len =
            value.child("data").and_then(|data| data.text()).and_then(|data| decoded_len(&data)).or(said);
        if let (Some(max), Some(len)) = (max, len)
            && len.to_string().parse::<Decimal>().is_ok_and(|len| len > max)
        {
            let shown = extension(question, "maxSize").map(Value::to_string).unwrap_or_default();
            self.tell(answer, Error, &messages::ANSWER_LARGE, &[&len.to_string(), &shown]);
        }
    }

    fn check_referred(&mut self, question: &Value, value: Element<'d>) {
        let said = text_of(value, "reference");
        let Some(name) = type_in_url(&said) else { return };
        if self.programs.of_type(name).is_none() {
            self.tell(value, Error, &messages::ANSWER_NO_RESOURCE, &[name, &said]);
            return;
        }
        let types: Vec<&str> =
            extensions(question, "questionnaire-referenceResource").filter_map(Value::as_str).collect();
        if !types.is_empty() && !types.contains(&name) {
            self.tell(value, Error, &messages::ANSWER_RESOURCE, &[name, &types.join(", ")]);
        }
    }

    fn check_quantity(&mut self, question: &Value, value: Element<'d>) {
        let units: Vec<&Value> = extensions(question, "questionnaire-unitOption").collect();
        let (system, code) = (text_of(value, "system"), text_of(value, "code"));
        let is_it =
            |unit: &&Value| text(unit, "system") == Some(&system) && text(unit, "code") == Some(&code);
        if !units.is_empty() && !units.iter().any(is_it) {
            let shown: Vec<&str> = units.iter().filter_map(|unit| text(unit, "code")).collect();
            self.tell(value, Error, &messages::ANSWER_UNIT, &[&code, &shown.join(", ")]);
        }
        for (name, wanted, message) in [
            ("sdc-questionnaire-minQuantity", std::cmp::Ordering::Less, &messages::BELOW_MINIMUM),
            ("sdc-questionnaire-maxQuantity", std::cmp::Ordering::Greater, &messages::ABOVE_MAXIMUM),
        ] {
            let Some(limit) = extension(question, name) else { continue };
            let shown = limit.get("value").map(Value::to_string).unwrap_or_default();
            if code.is_empty() || text(limit, "code").is_none() {
                self.tell(value, Error, &messages::NO_UNITS, &[&shown, name]);
                continue;
            }
            let own = text_of(value, "value")
                .parse::<Decimal>()
                .ok()
                .map(|number| Quantity { value: number, unit: Unit::Ucum(code.as_str().into()) });
            let of_limit = shown
                .parse::<Decimal>()
                .ok()
                .zip(text(limit, "code"))
                .map(|(number, code)| Quantity { value: number, unit: Unit::Ucum(code.into()) });
            if let (Some(own), Some(of_limit)) = (own, of_limit)
                && own.compare(&of_limit) == Some(wanted)
            {
                self.tell(value, Error, message, &[&text_of(value, "value"), &shown]);
            }
        }
    }

    fn check_options(&mut self, question: &Value, kind: &str, answer: Element<'d>, found: Element<'d>) {
        let name = found.name();
        let options: Vec<&Value> =
            question.get("answerOption").and_then(Value::as_array).into_iter().flatten().collect();
        if options.is_empty() {
            if matches!(kind, "choice" | "open-choice") && question.get("answerValueSet").is_none() {
                self.no_options(answer);
            } else if let Some(set) = text(question, "answerValueSet").filter(|set| !set.starts_with('#')) {
                self.check_in_set(question, kind, set, answer, found);
            }
            return;
        }
        let of_type: Vec<&Value> = options.iter().filter_map(|option| option.get(name)).collect();
        if of_type.is_empty() {
            if kind != "open-choice" || name != "valueString" {
                self.tell_at(
                    found,
                    super::Place::Parent,
                    Error,
                    &messages::NO_OPTION_OF_TYPE,
                    &[name.strip_prefix("value").unwrap_or(name)],
                );
            }
            return;
        }
        let is_it = |option: &&&Value| match option.as_object() {
            Some(_) => {
                text(option, "code") == Some(&text_of(found, "code"))
                    && text(option, "system").unwrap_or_default() == text_of(found, "system")
            }
            None => value::is_equal(found, option),
        };
        if of_type.iter().find(is_it).is_none() && (kind != "open-choice" || name == "valueCoding") {
            if name == "valueCoding" {
                self.tell_at(
                    found,
                    super::Place::Parent,
                    Error,
                    &messages::NOT_AN_OPTION,
                    &[&text_of(found, "code")],
                );
            } else {
                self.tell(found, Error, &messages::NOT_AN_OPTION, &[&found.text().unwrap_or_default()]);
            }
        }
    }

    fn check_in_set(
        &mut self,
        question: &Value,
        kind: &str,
        set: &str,
        answer: Element<'d>,
        found: Element<'d>,
    ) {
        let _ = question;
        if found.name() == "valueString" {
            if kind != "open-choice" && self.terminology.is_in(&found.into(), set) == Some(false) {
                let said = found.text().unwrap_or_default();
                self.tell(found, Error, &messages::NOT_IN_OPTIONS, &[&said, set]);
            }
            return;
        }
        if found.name() != "valueCoding" {
            return;
        }
        match self.terminology.is_in(&found.into(), set) {
            Some(false) => {
                let severity = if kind == "open-choice" { Warning } else { Error };
                self.tell_at(
                    found,
                    super::Place::Parent,
                    severity,
                    &messages::NOT_IN_OPTIONS,
                    &[&text_of(found, "code"), set],
                );
            }
            Some(true) => {}
            None => self.no_options(answer),
        }
    }
}
