//! One of the ways in which a person signs in: another name for it, taking it away, linking it.

use auth::person::factor::Factor;

use crate::{
    form::{Field, Form},
    frame::{Frame, Here, Viewer},
    page::{ask::Ask, confirm::Confirm, security::kind_words},
    t,
};

/// Where the ways are listed.
pub(crate) const PAGE: &str = "/account/security";

/// Another name.
pub(crate) fn rename(viewer: Viewer, factor: &Factor) -> Ask {
    let form = Form::new(format!("{PAGE}/factors/{}", factor.id), t("factor-save"))
        .with(Field::text("name", t("factor-name")).value(factor.name.clone()))
        .or_back_to(PAGE);
    Ask {
        frame: Frame::inside(factor.name.clone(), Here::Security, viewer),
        back: back(),
        heading: factor.name.clone(),
        lead: t("factor-rename-lead").of("kind", kind_words(factor.kind)).into(),
        form,
    }
}

/// What follows when this one of `many` is taken away.
pub(crate) fn remove(viewer: Viewer, factor: &Factor, many: usize) -> Confirm {
    let mut effects = vec![t("factor-remove-effect").of("name", &factor.name).into()];
    if many == 1 {
        effects.push(t("factor-remove-last").into());
        effects.push(t("factor-remove-codes").into());
    }
    let question: String = t("factor-remove-question").of("name", &factor.name).into();
    let action = format!("{PAGE}/factors/{}/remove", factor.id);
    Confirm {
        frame: Frame::inside(question.clone(), Here::Security, viewer),
        back: back(),
        heading: question,
        lead: t("factor-remove-lead").of("kind", kind_words(factor.kind)).into(),
        effects,
        form: Form::new(action, t("factor-remove")).or_back_to(PAGE).dangerous(),
    }
}

/// The account at an external provider may sign the person in from now on.
pub(crate) fn link(viewer: Viewer, slug: &str, name: &str) -> Ask {
    let question: String = t("links-link-question").of("name", name).into();
    Ask {
        frame: Frame::inside(question.clone(), Here::Security, viewer),
        back: back(),
        heading: question,
        lead: t("links-link-lead").of("name", name).into(),
        form: Form::new(format!("/sign-in/upstream/{slug}"), t("links-link-act"))
            .hiding("for", "link")
            .or_back_to(PAGE),
    }
}

/// It no longer may.
pub(crate) fn unlink(viewer: Viewer, slug: &str, name: &str) -> Confirm {
    let question: String = t("links-unlink-question").of("name", name).into();
    Confirm {
        frame: Frame::inside(question.clone(), Here::Security, viewer),
        back: back(),
        heading: question,
        lead: t("links-unlink-lead").of("name", name).into(),
        effects: vec![t("links-unlink-sure").into(), t("links-unlink-again").into()],
        form: Form::new(format!("{PAGE}/upstream/{slug}/unlink"), t("links-unlink"))
            .or_back_to(PAGE)
            .dangerous(),
    }
}

fn back() -> (String, String) {
    (PAGE.to_owned(), t("security-title").into())
}
