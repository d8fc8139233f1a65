//! The organisation with its sites and studies.

use auth::{
    Administrator, SignedIn,
    organisation::{self, Named},
};
use axum::{extract::State, response::Response};
use kernel::{Id, Issue, Site};
use web::{Answer, Form, Query};

use crate::{
    answers::Answers,
    form::{self, Choice, Field},
    frame::{Frame, Here},
    language::Said,
    page::admin::{Organisation, Part},
    respond::{Refusal, Told, done, page},
    state::Console,
    t,
};

/// Both forms are on one page, so their fields are told apart.
const SITE: [&str; 2] = ["site_name", "site_slug"];
const STUDY: [&str; 2] = ["study_name", "study_slug"];

/// `GET /admin/organisation`
pub(crate) async fn show(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let mut view = view(&console, &who).await?;
    view.frame = view.frame.telling(told.notice());
    page(&view)
}

/// `POST /admin/organisation/sites`
pub(crate) async fn add_site(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    match organisation::add_site(console.auth(), &who.acting(), &named(&answers, SITE)).await {
        Ok(_) => done("/admin/organisation", "added"),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let mut view = view(&console, &who).await?;
            view.add_site = filled(view.add_site, &answers, SITE).refused(at_fields(&refusal, SITE));
            refusal.page(&view)
        }
    }
}

/// `POST /admin/organisation/studies`
pub(crate) async fn add_study(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let sites: Vec<Id<Site>> = answers.ticked("sites").iter().filter_map(|id| id.parse().ok()).collect();
    match organisation::add_study(console.auth(), &who.acting(), &named(&answers, STUDY), &sites).await {
        Ok(_) => done("/admin/organisation", "added"),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let mut view = view(&console, &who).await?;
            view.add_study = filled(view.add_study, &answers, STUDY).refused(at_fields(&refusal, STUDY));
            refusal.page(&view)
        }
    }
}

fn named<K: kernel::IdKind>(answers: &Answers, [name, slug]: [&str; 2]) -> Named<K> {
    Named { id: None, slug: answers.text(slug).to_owned(), name: answers.text(name).to_owned() }
}

/// The form with what was typed still in it.
fn filled(mut form: form::Form, answers: &Answers, fields: [&'static str; 2]) -> form::Form {
    for field in form.fields.iter_mut().filter(|field| fields.contains(&field.name.as_ref())) {
        field.value = answers.text(&field.name).to_owned();
    }
    form
}

fn at_fields(refusal: &Refusal, [name, slug]: [&'static str; 2]) -> Vec<Issue> {
    let field = |path: &str| match path {
        "name" => name,
        "slug" => slug,
        _ => "sites",
    };
    refusal.issues().into_iter().map(|issue| Issue::at(field(&issue.path), issue.message)).collect()
}

async fn view(console: &Console, who: &SignedIn) -> Answer<Organisation> {
    let (auth, acting) = (console.auth(), who.acting());
    let sites = organisation::sites(auth, &acting).await?;
    let studies = organisation::studies(auth, &acting).await?;
    let name = organisation::get(auth, who.organisation).await?.map(|one| one.name).unwrap_or_default();
    let choices: Vec<Choice> =
        sites.iter().map(|site| Choice::new(site.id.to_string(), &site.name)).collect();
    let site_name = |id: &Id<Site>| sites.iter().find(|site| site.id == *id).map(|site| site.name.as_str());
    let part = |name: &str, slug: &str, at: String| Part { id: slug.to_owned(), name: name.to_owned(), at };
    Ok(Organisation {
        frame: Frame::inside(t("menu-organisation"), Here::Organisation, console.viewer(who).await?),
        name,
        how: how_it_is(sites.len(), studies.len()),
        add_site: part_form("/admin/organisation/sites", t("org-add-site"), SITE, t("org-site-name")),
        add_study: study_form(choices),
        studies: studies
            .iter()
            .map(|study| {
                let at: Vec<&str> = study.sites.iter().filter_map(site_name).collect();
                part(&study.name, study.slug.as_str(), at.join(", "))
            })
            .collect(),
        sites: sites.iter().map(|site| part(&site.name, site.slug.as_str(), String::new())).collect(),
    })
}

fn how_it_is(sites: usize, studies: usize) -> String {
    let sites = match sites {
        0 => t("org-sites-none"),
        many => t("org-sites-some").count("many", many),
    };
    let studies = match studies {
        0 => t("org-studies-none"),
        many => t("org-studies-some").count("many", many),
    };
    t("org-how").of("sites", sites).of("studies", studies).into()
}

fn study_form(sites: Vec<Choice>) -> form::Form {
    let form = part_form("/admin/organisation/studies", t("org-add-study"), STUDY, t("org-study-name"));
    if sites.is_empty() { form } else { form.with(Field::checks("sites", t("org-runs"), sites).optional()) }
}

/// The form that adds a site or a study.
pub(crate) fn part_form(
    action: &'static str,
    submit: Said,
    [name, slug]: [&'static str; 2],
    label: Said,
) -> form::Form {
    form::Form::new(action, submit)
        .with(Field::text(name, label))
        .with(Field::text(slug, t("org-short")).hint(t("org-short-hint")))
        .secondary()
}
