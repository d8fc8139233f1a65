//! Forms: fields with their labels, hints and errors.  WCAG 2.2 §3.3

use std::borrow::Cow;

use askama::{Template, filters::HtmlSafe};
use kernel::Issue;

use crate::language::heard;

/// A form that is sent with POST.
#[derive(Template)]
#[template(path = "form.html")]
pub(crate) struct Form {
    /// Where it is sent.
    pub(crate) action: String,
    /// Fields that nobody sees.
    pub(crate) hidden: Vec<(&'static str, String)>,
    /// Fields in order.
    pub(crate) fields: Vec<Field>,
    /// What is wrong with the whole, or with a field that is not shown.
    pub(crate) wrong: Vec<String>,
    /// The words of the primary button.
    pub(crate) submit: Cow<'static, str>,
    /// Where "Cancel" leads.
    pub(crate) cancel: Option<String>,
    /// The class of the button: none for the page's one primary button.
    pub(crate) button: &'static str,
}

impl Form {
    /// A form without fields yet.
    pub(crate) fn new(action: impl Into<String>, submit: impl Into<Cow<'static, str>>) -> Self {
        Self {
            action: action.into(),
            hidden: Vec::new(),
            fields: Vec::new(),
            wrong: Vec::new(),
            submit: submit.into(),
            cancel: None,
            button: "",
        }
    }

    /// The form with one more field.
    pub(crate) fn with(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// The form with a field that nobody sees.
    pub(crate) fn hiding(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }

    /// The form with a way back.
    pub(crate) fn or_back_to(mut self, href: impl Into<String>) -> Self {
        self.cancel = Some(href.into());
        self
    }

    /// The form with a button that warns.
    pub(crate) fn dangerous(mut self) -> Self {
        self.button = "danger";
        self
    }

    /// The form with a button that is not the page's first.
    pub(crate) fn secondary(mut self) -> Self {
        self.button = "second";
        self
    }

    /// The form with each finding beside its field, and in the summary above.
    pub(crate) fn refused(mut self, issues: Vec<Issue>) -> Self {
        for issue in issues {
            // `redirect_uris[2]` is told at `redirect_uris`, and `settings.region` at a field of that very name.
            let group = issue.path.split('[').next().unwrap_or_default();
            match self.fields.iter_mut().find(|field| field.name == group) {
                Some(field) if field.error.is_none() => field.error = Some(heard(&issue.message)),
                Some(_) => {}
                None => self.wrong.push(heard(&issue.message)),
            }
        }
        self
    }

    /// Whether it is shown again because something is wrong.
    pub(crate) fn is_refused(&self) -> bool {
        !self.wrong.is_empty() || self.fields.iter().any(|field| field.error.is_some())
    }
}

impl HtmlSafe for Form {}

/// One field.
#[derive(Template)]
#[template(path = "field.html")]
pub(crate) struct Field {
    /// The name in the form, and the id on the page.
    pub(crate) name: Cow<'static, str>,
    /// What it asks for.
    pub(crate) label: Cow<'static, str>,
    /// How to answer.
    pub(crate) hint: Option<String>,
    /// What is wrong with the answer.
    pub(crate) error: Option<String>,
    /// The answer so far.
    pub(crate) value: String,
    /// How it is answered.
    pub(crate) control: Control,
    /// Whether it may stay empty.
    pub(crate) optional: bool,
}

/// How a field is answered.
pub(crate) enum Control {
    /// A line: `type`, `autocomplete`.
    Line(&'static str, &'static str),
    /// Several lines.
    Lines,
    /// Any of these.
    Checks(Vec<Choice>),
    /// One of these, all visible.
    Radios(Vec<Choice>),
    /// One of these, folded.
    Select(Vec<Choice>),
}

/// One possible answer.
pub(crate) struct Choice {
    /// What is sent.
    pub(crate) value: String,
    /// What is read.
    pub(crate) label: String,
    /// What it means.
    pub(crate) hint: Option<String>,
    /// Whether it is chosen.
    pub(crate) chosen: bool,
}

impl Choice {
    /// A possible answer that is not chosen.
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: None, chosen: false }
    }
    /// With what it means.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// Chosen, if so.
    pub(crate) fn chosen_if(mut self, chosen: bool) -> Self {
        self.chosen = chosen;
        self
    }
}

impl Field {
    fn new(
        name: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
        control: Control,
    ) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            hint: None,
            error: None,
            value: String::new(),
            control,
            optional: false,
        }
    }
    /// A line of text.
    pub(crate) fn text(name: impl Into<Cow<'static, str>>, label: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, label, Control::Line("text", "off"))
    }
    /// A line of a type that the browser knows, with the meaning that it may fill in by itself.
    pub(crate) fn line(
        name: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
        kind: &'static str,
        fill: &'static str,
    ) -> Self {
        Self::new(name, label, Control::Line(kind, fill))
    }
    /// Several lines of text.
    pub(crate) fn lines(name: impl Into<Cow<'static, str>>, label: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, label, Control::Lines)
    }
    /// Any of the choices.
    pub(crate) fn checks(
        name: &'static str,
        label: impl Into<Cow<'static, str>>,
        choices: Vec<Choice>,
    ) -> Self {
        Self::new(name, label, Control::Checks(choices))
    }
    /// One of the choices.
    pub(crate) fn radios(
        name: &'static str,
        label: impl Into<Cow<'static, str>>,
        choices: Vec<Choice>,
    ) -> Self {
        Self::new(name, label, Control::Radios(choices))
    }
    /// One of many choices.
    pub(crate) fn select(
        name: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
        choices: Vec<Choice>,
    ) -> Self {
        Self::new(name, label, Control::Select(choices))
    }
    /// With how to answer.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// With the answer so far.
    pub(crate) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }
    /// May stay empty.
    pub(crate) fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
    /// What the browser reads out with the field.
    fn described_by(&self) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.name));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

impl HtmlSafe for Field {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_stands_beside_its_field_and_in_the_summary() {
        let form = Form::new("/x", "Save")
            .with(Field::text("name", "Name").value("<b>"))
            .refused(vec![Issue::at("name[0]", "must not be empty"), Issue::at("other", "Try again.")]);
        assert!(form.is_refused());
        let html = form.to_string();
        assert!(html.contains(r##"<a href="#name">Name: Must not be empty.</a>"##), "{html}");
        assert!(html.contains(r#"aria-describedby="name-error""#), "{html}");
        assert!(html.contains("<li>Try again.</li>"), "{html}");
        assert!(!html.contains("<b>"), "{html}");
    }
}
