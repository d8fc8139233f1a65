//! Answers against their questions. <https://hl7.org/fhir/R4/questionnaireresponse.html>

mod answer;
mod enabled;

use fhirpath::document::Element;
use serde_json::Value;

use super::{Run, findings::Place, messages};
use crate::Severity::{Error, Information, Warning};

/// `QUESTIONS_DEEP_MAX`: items within items of a questionnaire.
pub const QUESTIONS_DEEP_MAX: usize = 64;

/// What is the same for all items of one response.
struct Response<'d> {
    root: Element<'d>,
    /// Answers are still being given, so that none is missing yet.
    is_open: bool,
    questionnaire: Value,
}

impl<'a, 'd> Run<'a, 'd> {
    pub(super) fn check_response(&mut self, root: Element<'d>) {
        let Some(said) = root.child("questionnaire") else { return };
        let Some(url) = said.text() else { return };
        let questionnaire = match url.strip_prefix('#') {
            Some(_) => self
                .links
                .resolve(&url, said)
                .found()
                .and_then(|found| serde_json::from_str(&found.to_json()).ok()),
            None => self
                .programs
                .library()
                .canonical_of_type(&url, "Questionnaire")
                .and_then(|found| found.parse().ok()),
        };
        let Some(questionnaire) = questionnaire else {
            self.tell(said, Warning, &messages::QUESTIONNAIRE_UNKNOWN, &[&url]);
            return;
        };
        let status = root.child("status").and_then(|status| status.text()).unwrap_or_default();
        let response = Response { root, is_open: &*status == "in-progress", questionnaire };
        self.check_items(&response, items(&response.questionnaire), root, 0);
    }

    /// The items of one place against the questions of that place.
    fn check_items(&mut self, response: &Response<'d>, questions: &[Value], at: Element<'d>, depth: usize) {
        if depth > QUESTIONS_DEEP_MAX || !self.spend(1 + questions.len()) {
            return;
        }
        let given: Vec<Element<'d>> = at.children().filter(|child| child.name() == "item").collect();
        let mut last = 0;
        for item in &given {
            let link = text_of(*item, "linkId");
            match questions.iter().position(|question| text(question, "linkId") == Some(&link)) {
                None => {
                    let known = find(items(&response.questionnaire), &link, 0).is_some();
                    let message = if known { &messages::ITEM_MISPLACED } else { &messages::ITEM_UNKNOWN };
                    self.tell_at(*item, Place::Parent, Error, message, &[&link]);
                }
                Some(place) if place < last => {
                    self.tell(*item, Error, &messages::ITEM_ORDER, &[&link]);
                }
                Some(place) => last = place,
            }
        }
        for question in questions {
            let link = text(question, "linkId").unwrap_or_default();
            let mine: Vec<Element<'d>> =
                given.iter().copied().filter(|item| text_of(*item, "linkId") == link).collect();
            self.check_question(response, question, &mine, at, depth);
        }
    }

    fn check_question(
        &mut self,
        response: &Response<'d>,
        question: &Value,
        mine: &[Element<'d>],
        at: Element<'d>,
        depth: usize,
    ) {
        let link = text(question, "linkId").unwrap_or_default();
        let is_enabled = enabled::is_enabled(question, mine.first().copied(), at, response.root);
        let Some(first) = mine.first() else {
            let needed =
                is_true(question, "required") && is_enabled && text(question, "type") != Some("display");
            if needed {
                let severity = if response.is_open { Warning } else { Error };
                let message = &messages::ANSWER_MISSING;
                self.tell(at, severity, message, &[link]);
            }
            return;
        };
        if !is_enabled {
            if mine.iter().any(|item| has_answer(*item, 0)) {
                self.tell(*first, Error, &messages::NOT_ENABLED, &[link]);
            }
            return;
        }
        if let Some(second) = mine.get(1)
            && !is_true(question, "repeats")
        {
            self.tell(*second, Error, &messages::ITEM_TWICE, &[link]);
        }
        for item in mine {
            self.check_item(response, question, *item, depth);
        }
    }

    fn check_item(&mut self, response: &Response<'d>, question: &Value, item: Element<'d>, depth: usize) {
        let kind = text(question, "type").unwrap_or_default();
        let link = text(question, "linkId").unwrap_or_default();
        let answers: Vec<Element<'d>> = item.children().filter(|child| child.name() == "answer").collect();
        let inner = items(question);
        if matches!(kind, "group" | "display" | "question") {
            if let Some(answer) = answers.first() {
                self.tell_at(*answer, Place::Parent, Error, &messages::ANSWER_FORBIDDEN, &[kind]);
            }
            if kind != "display" {
                self.check_items(response, inner, item, depth + 1);
            }
            return;
        }
        if answers.is_empty() && is_true(question, "required") {
            let severity = if response.is_open { Warning } else { Error };
            self.tell(item, severity, &messages::ANSWER_MISSING, &[link]);
        }
        if answers.len() > 1 && !is_true(question, "repeats") {
            self.tell(item, Error, &messages::ANSWER_TWICE, &[link]);
        }
        let extended = |name: &str| extension(question, name).and_then(|value| value.as_u64());
        if let Some(min) = extended("questionnaire-minOccurs")
            && (answers.len() as u64) < min
        {
            self.tell(item, Error, &messages::ANSWERS_FEW, &[&min.to_string(), &answers.len().to_string()]);
        }
        if let Some(max) = extended("questionnaire-maxOccurs")
            && (answers.len() as u64) > max
        {
            self.tell(item, Error, &messages::ANSWERS_MANY, &[&max.to_string(), &answers.len().to_string()]);
        }
        for answer in answers {
            self.check_answer(question, kind, answer);
            self.check_items(response, inner, answer, depth + 1);
        }
        if item.children().any(|child| child.name() == "item") {
            self.tell(item, Error, &messages::ITEMS_NOT_IN_ANSWER, &[link]);
        }
    }

    /// No condition of an item asks for what is within that item.
    pub(super) fn check_questionnaire(&mut self, root: Element<'d>) {
        let mut open = vec![(root, 0)];
        while let Some((at, depth)) = open.pop() {
            for item in at.children().filter(|child| child.name() == "item") {
                if depth < QUESTIONS_DEEP_MAX {
                    open.push((item, depth + 1));
                }
                for condition in item.children().filter(|child| child.name() == "enableWhen") {
                    if has_item(item, &text_of(condition, "question"), 0) {
                        self.tell(item, Error, &messages::CONDITION_WITHIN, &[]);
                    }
                }
            }
        }
    }

    /// Options that nobody gave cannot be asked.
    fn no_options(&mut self, at: Element<'d>) {
        self.tell(at, Information, &messages::NO_OPTIONS, &[]);
    }
}

fn items(of: &Value) -> &[Value] {
    of.get("item").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'v>(of: &'v Value, name: &str) -> Option<&'v str> {
    of.get(name).and_then(Value::as_str)
}

fn is_true(of: &Value, name: &str) -> bool {
    of.get(name).and_then(Value::as_bool).unwrap_or_default()
}

fn text_of(of: Element<'_>, name: &str) -> String {
    of.child(name).and_then(|child| child.text()).unwrap_or_default().into_owned()
}

/// A question by its linkId, wherever it is.
fn find<'v>(questions: &'v [Value], link: &str, depth: usize) -> Option<&'v Value> {
    if depth > QUESTIONS_DEEP_MAX {
        return None;
    }
    questions.iter().find_map(|question| {
        if text(question, "linkId") == Some(link) {
            Some(question)
        } else {
            find(items(question), link, depth + 1)
        }
    })
}

fn has_item(within: Element<'_>, link: &str, depth: usize) -> bool {
    depth < QUESTIONS_DEEP_MAX
        && within
            .children()
            .filter(|child| child.name() == "item")
            .any(|item| text_of(item, "linkId") == link || has_item(item, link, depth + 1))
}

fn has_answer(item: Element<'_>, depth: usize) -> bool {
    depth < QUESTIONS_DEEP_MAX
        && item.children().any(|child| match child.name() {
            "answer" => true,
            "item" => has_answer(child, depth + 1),
            _ => false,
        })
}

/// The value of a question's extension, by the last part of its url.
fn extension<'v>(of: &'v Value, name: &str) -> Option<&'v Value> {
    let all = of.get("extension").and_then(Value::as_array)?;
    all.iter().find_map(|one| value_if(one, name))
}

fn extensions<'v, 'n>(of: &'v Value, name: &'n str) -> impl Iterator<Item = &'v Value> + use<'v, 'n> {
    let all = of.get("extension").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(move |one| value_if(one, name))
}

fn value_if<'v>(extension: &'v Value, name: &str) -> Option<&'v Value> {
    let own = text(extension, "url").and_then(|url| url.rsplit('/').next());
    let fields = extension.as_object().filter(|_| own == Some(name))?;
    fields.iter().find(|(name, _)| name.starts_with("value")).map(|(_, value)| value)
}
