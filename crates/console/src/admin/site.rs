//! Sites with records and the plan: see them, give a site its code, change how it takes records, change the plan.  contract 3

use ::audit::{Filter, Row};
use auth::{Administrator, SignedIn};
use axum::{extract::State, response::Response};
use fhir::{
    By, Fhir, NamedSite,
    site::{Coded, SiteFault, change::Said},
};
use kernel::{Id, Limit, Page};
use web::{Answer, Form, Path, Query};

use super::audit;
use crate::{
    answers::Answers,
    frame::{Frame, Here},
    page::{
        admin::AuditRow,
        site::{Filled, Site, Sites, how_it_is, plan_form, row, site_form},
    },
    respond::{Refusal, Told, done, page},
    state::Console,
    t,
};

const LIST: &str = "/admin/sites";
/// What is done to sites and plans.
const ACTS: [&str; 3] = ["fhir_plan.changed", "fhir_site.assigned", "fhir_site.changed"];
/// Entries of the audit trail that are shown beside them; the trail has the rest.
const CHANGES: usize = 5;
/// The same for the trail.
const ROWS: Limit = match Limit::new(5) {
    Some(limit) => limit,
    None => Limit::DEFAULT,
};

/// `GET /admin/sites`
pub(crate) async fn list(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let mut view = sites(&console, &who).await?;
    view.frame = view.frame.telling(told.notice());
    page(&view)
}

/// `POST /admin/sites/plan`
pub(crate) async fn change_plan(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let ticked = answers.ticked("subscriptions");
    match console.fhir().change_plan(&by(&who), &ticked).await {
        Ok(_) => done(LIST, "saved"),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let mut view = sites(&console, &who).await?;
            view.plan = plan_form(&ticked).refused(refusal.issues());
            refusal.page(&view)
        }
    }
}

/// `GET /admin/sites/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Site>>,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let mut view = site(&console, &who, id).await?;
    view.frame = view.frame.telling(told.notice());
    page(&view)
}

/// `POST /admin/sites/{id}`
pub(crate) async fn change(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Site>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let text = |name| Some(answers.text(name).to_owned()).filter(|text| !text.is_empty());
    let said = Said {
        code: text("code"),
        validation: text("validation"),
        upsert: text("upsert"),
        consent: text("consent"),
        packages: match answers.text("guides") {
            "all" => Some(None),
            "chosen" => Some(Some(answers.ticked("packages"))),
            _ => None,
        },
        profiles: answers.lines_if_asked("profiles"),
        break_glass: answers.lines_if_asked("break_glass"),
    };
    match console.fhir().change_site(&by(&who), id, &said).await {
        Ok(_) => done(&format!("{LIST}/{id}"), "saved"),
        Err(fault) => {
            let refusal = match fault {
                SiteFault::Taken => Refusal::at("code", &fault),
                other => Refusal::of(other)?,
            };
            let mut view = site(&console, &who, id).await?;
            let filled = Filled {
                code: view.row.code.is_none().then(|| answers.text("code").to_owned()),
                validation: answers.text("validation").to_owned(),
                upsert: answers.text("upsert").to_owned(),
                consent: answers.text("consent").to_owned(),
                guides: if answers.text("guides") == "chosen" { "chosen" } else { "all" },
                packages: answers.ticked("packages"),
                profiles: answers.lines("profiles").join("\n"),
                break_glass: answers.lines("break_glass").join("\n"),
            };
            let offered = offered(console.fhir());
            view.form = site_form(&id.to_string(), &offered, &filled).refused(refusal.issues());
            refusal.page(&view)
        }
    }
}

fn by(who: &SignedIn) -> By {
    let acting = who.acting();
    By { actor: acting.actor, organisation: acting.organisation, request: who.request.clone() }
}

async fn sites(console: &Console, who: &SignedIn) -> Answer<Sites> {
    let fhir = console.fhir();
    let all = fhir.sites_of(who.organisation).await?;
    let plan = fhir.plan_of(who.organisation).await?;
    let rows = all.iter().map(|(named, coded)| row(&named.id.to_string(), &named.name, coded.as_ref()));
    let rows: Vec<_> = rows.collect();
    let (how, but) = how_it_is(&rows, &plan);
    let ticked: Vec<String> = plan.iter().map(|one| one.as_str().to_owned()).collect();
    Ok(Sites {
        frame: Frame::inside(t("menu-sites"), Here::Sites, console.viewer(who).await?),
        how,
        but,
        sites: rows,
        plan: plan_form(&ticked),
        changes: changes(console, who, None).await?,
    })
}

async fn site(console: &Console, who: &SignedIn, id: Id<kernel::Site>) -> Answer<Site> {
    let (named, coded) = find(console.fhir(), who, id).await?;
    let filled = Filled::of(coded.as_ref());
    Ok(Site {
        frame: Frame::inside(named.name.clone(), Here::Sites, console.viewer(who).await?),
        row: row(&id.to_string(), &named.name, coded.as_ref()),
        name: named.name,
        base: console.fhir().base().to_owned(),
        form: site_form(&id.to_string(), &offered(console.fhir()), &filled),
        changes: changes(console, who, Some(id)).await?,
    })
}

/// The packages that there are here to switch on.
fn offered(fhir: &Fhir) -> Vec<String> {
    fhir.packages().offered().map(|id| id.as_str().to_owned()).collect()
}

/// A site of the organisation; of another's nobody learns that it is there.
async fn find(
    fhir: &Fhir,
    who: &SignedIn,
    id: Id<kernel::Site>,
) -> Result<(NamedSite, Option<Coded>), SiteFault> {
    let all = fhir.sites_of(who.organisation).await?;
    all.into_iter().find(|(named, _)| named.id == id).ok_or(SiteFault::NoSite)
}

/// What was changed last: of this site, or of all and of the plan.
async fn changes(console: &Console, who: &SignedIn, site: Option<Id<kernel::Site>>) -> Answer<Vec<AuditRow>> {
    let mut rows: Vec<Row> = Vec::new();
    let mut reader = console.db().read().await?;
    for act in ACTS {
        let subject = site.map(|site| site.to_string());
        let filter = Filter { act: Some(act.to_owned()), subject, ..Filter::default() };
        let page = Page { after: None, limit: ROWS };
        rows.extend(::audit::page(&mut reader, Some(who.organisation), &filter, &page).await?.items);
    }
    drop(reader);
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    rows.truncate(CHANGES);
    audit::rows(console, who, &rows).await
}
