//! Webhook endpoints: the list, the page of one, what staff do with it, and links for whoever receives its calls.

use axum::{extract::State as Held, response::Response};
use kernel::{EventRow, Id, Permission, ReceiverLink, Secret};
use serde_json::json;
use web::{Answer, Form, Path, Problem, Query};
use webhooks::{
    Desk,
    endpoint::{Endpoint as Kind, State as Standing},
};

use super::{
    api::Staff,
    said::{self, Listed},
};
use crate::{
    answers::Answers,
    form::{self, Choice, Field},
    frame::{Frame, Here},
    label::State,
    page::{
        ask::Ask,
        endpoint::{self, LinkRow, NewLink, notice},
        staff::{EndpointRow, Pager, Webhooks},
    },
    respond::{Refusal, done, page},
    state::Console,
    t,
    webhook::view::{self, Asked, replay_of},
};

const LIST: &str = "/staff/webhooks";

fn base_of(id: Id<Kind>) -> String {
    format!("{LIST}/{id}")
}

fn desk(console: &Console, staff: &Staff, (id, permission): (Id<Kind>, Permission)) -> Answer<Desk> {
    console.webhooks().desk(staff.caller(), permission, (id, Some(staff.request())))
}

async fn frame(staff: &Staff, title: &str) -> Answer<Frame> {
    Ok(Frame::inside(title.to_owned(), Here::StaffWebhooks, staff.viewer().await?))
}

/// `GET /staff/webhooks`
pub(crate) async fn list(staff: Staff, Query(asked): Query<Asked>) -> Answer<Response> {
    let number = asked.page.unwrap_or(1);
    let found: Listed<said::Endpoint> = staff.get(&format!("/webhooks?page={number}")).await?;
    let total = usize::try_from(found.total).unwrap_or_default();
    let at = |number: i64| format!("{LIST}?page={number}");
    page(&Webhooks {
        frame: frame(&staff, &String::from(t("staff-webhooks"))).await?,
        how: t("staff-webhooks-some").count("many", total).into(),
        rows: found.items.into_iter().map(row).collect(),
        pager: Pager {
            before: (found.page > 1).then(|| at(found.page - 1)),
            after: (found.page < found.pages).then(|| at(found.page + 1)),
        },
    })
}

fn row(one: said::Endpoint) -> EndpointRow {
    EndpointRow {
        href: format!("{LIST}/{}", one.id),
        name: one.name,
        url: one.url,
        state: match one.state.as_str() {
            "enabled" => State::good(t("hook-enabled")),
            "paused" => State::quiet(t("hook-paused")),
            _ => State::bad(t("hook-disabled")),
        },
        told: one.event_types,
    }
}

/// `GET /staff/webhooks/{id}`
pub(crate) async fn show(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<Id<Kind>>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let mut view = endpoint(&console, &staff, (id, &asked)).await?;
    view.frame = view.frame.telling(notice(asked.done.as_deref()));
    page(&view)
}

async fn endpoint(
    console: &Console,
    staff: &Staff,
    (id, asked): (Id<Kind>, &Asked),
) -> Answer<endpoint::Endpoint> {
    let desk = desk(console, staff, (id, Permission::WebhookRead))?;
    let mut view = view::endpoint(console, &desk, (&base_of(id), asked)).await?;
    let links: Listed<said::Link> = staff.get(&format!("/webhooks/{id}/receiver-links?size=100")).await?;
    view.frame = frame(staff, &view.name).await?;
    view.back = Some((LIST.to_owned(), t("staff-webhooks").into()));
    view.links = Some(links.items.into_iter().map(|link| link_row(console, link)).collect());
    view.may_do = staff.may_somewhere(Permission::WebhookManage);
    Ok(view)
}

fn link_row(console: &Console, link: said::Link) -> LinkRow {
    LinkRow {
        state: match link.state.as_str() {
            "live" => State::good(t("receiver-live")),
            "expired" => State::quiet(t("receiver-expired")),
            _ => State::quiet(t("receiver-revoked")),
        },
        is_live: link.state == "live",
        expires: console.moment(link.expires_at),
        opened: link.opened_at.map(|at| console.moment(at)),
        id: link.id,
        name: link.name,
    }
}

/// `GET /staff/webhooks/{id}/deliveries/{event}`
pub(crate) async fn delivery(
    Held(console): Held<Console>,
    staff: Staff,
    Path((id, event)): Path<(Id<Kind>, Id<EventRow>)>,
) -> Answer<Response> {
    let desk = desk(&console, &staff, (id, Permission::WebhookRead))?;
    let mut view = view::delivery(&console, &desk, (&base_of(id), event)).await?;
    view.frame = frame(&staff, &view.row.event_type).await?;
    view.may_replay = staff.may_somewhere(Permission::WebhookManage);
    page(&view)
}

/// `POST /staff/webhooks/{id}/test`
pub(crate) async fn test(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<Id<Kind>>,
) -> Answer<Response> {
    desk(&console, &staff, (id, Permission::WebhookManage))?.test().await?;
    done(&base_of(id), "tested")
}

/// `POST /staff/webhooks/{id}/pause`
pub(crate) async fn pause(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<Id<Kind>>,
) -> Answer<Response> {
    desk(&console, &staff, (id, Permission::WebhookManage))?.stand(Standing::Paused).await?;
    done(&base_of(id), "paused")
}

/// `POST /staff/webhooks/{id}/resume`
pub(crate) async fn resume(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<Id<Kind>>,
) -> Answer<Response> {
    desk(&console, &staff, (id, Permission::WebhookManage))?.stand(Standing::Enabled).await?;
    done(&base_of(id), "resumed")
}

/// `POST /staff/webhooks/{id}/replay`
pub(crate) async fn replay(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<Id<Kind>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let desk = desk(&console, &staff, (id, Permission::WebhookManage))?;
    let replayed = match replay_of(&answers) {
        Ok(asked) => desk.replay(asked).await.map_err(Refusal::of),
        Err(refusal) => Err(Ok(refusal)),
    };
    let refusal = match replayed {
        Ok(_) => return done(&base_of(id), "replayed"),
        Err(refusal) => refusal?,
    };
    let mut view = endpoint(&console, &staff, (id, &Asked::default())).await?;
    view.deliveries.replay = view.deliveries.replay.refused(refusal.issues());
    refusal.page(&view)
}

/// `POST /staff/webhooks/{id}/deliveries/{event}/replay`
pub(crate) async fn replay_one(
    Held(console): Held<Console>,
    staff: Staff,
    Path((id, event)): Path<(Id<Kind>, Id<EventRow>)>,
) -> Answer<Response> {
    desk(&console, &staff, (id, Permission::WebhookManage))?.replay_one(event).await?;
    done(&base_of(id), "replayed")
}

/// `GET /staff/webhooks/{id}/secret`
pub(crate) async fn ask_to_rotate(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<Id<Kind>>,
) -> Answer<Response> {
    let name = desk(&console, &staff, (id, Permission::WebhookManage))?.endpoint().await?.name;
    page(&view::rotating(frame(&staff, &String::from(t("hook-rotate"))).await?, &base_of(id), name))
}

/// `POST /staff/webhooks/{id}/secret`
pub(crate) async fn rotate(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<Id<Kind>>,
) -> Answer<Response> {
    let rotated = desk(&console, &staff, (id, Permission::WebhookManage))?.rotate().await?;
    page(&view::rotated(frame(&staff, &String::from(t("hook-secret-new"))).await?, &base_of(id), rotated))
}

/// Lives of a link to choose from, in days.
const DAYS: [u64; 3] = [1, 7, 30];
const DAY_S: u64 = 86_400;

fn link_form(base: &str, name: &str) -> form::Form {
    let days = |days: u64| {
        let many = usize::try_from(days).unwrap_or_default();
        Choice::new(days.to_string(), t("receiver-days").count("many", many)).chosen_if(days == DAYS[1])
    };
    form::Form::new(format!("{base}/links"), t("receiver-make"))
        .with(Field::text("name", t("receiver-for")).hint(t("receiver-for-hint")).value(name))
        .with(Field::select("days", t("receiver-lasts"), DAYS.map(days).into()))
        .or_back_to(base)
}

async fn asking(console: &Console, staff: &Staff, (id, form): (Id<Kind>, form::Form)) -> Answer<Ask> {
    let name = desk(console, staff, (id, Permission::WebhookManage))?.endpoint().await?.name;
    Ok(Ask {
        frame: frame(staff, &String::from(t("receiver-make"))).await?,
        back: (base_of(id), name),
        heading: t("receiver-make").into(),
        lead: t("receiver-links-lead").into(),
        form,
    })
}

/// `GET /staff/webhooks/{id}/links/new`
pub(crate) async fn ask_link(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<Id<Kind>>,
) -> Answer<Response> {
    page(&asking(&console, &staff, (id, link_form(&base_of(id), ""))).await?)
}

/// `POST /staff/webhooks/{id}/links`
pub(crate) async fn make_link(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<Id<Kind>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let days = DAYS.into_iter().find(|days| answers.text("days") == days.to_string()).unwrap_or(DAYS[1]);
    let asked = json!({"name": answers.text("name"), "expires_in_s": days * DAY_S});
    let made: Answer<said::Link> = staff.post(&format!("/webhooks/{id}/receiver-links"), Some(asked)).await;
    let made = match made {
        Ok(made) => made,
        Err(problem) => {
            let refusal = Refusal::of(problem)?;
            let form = link_form(&base_of(id), answers.text("name")).refused(refusal.issues());
            return refusal.page(&asking(&console, &staff, (id, form)).await?);
        }
    };
    let path = made.path.ok_or_else(|| Problem::new(kernel::Kind::Internal, Problem::INTERNAL))?;
    page(&NewLink {
        frame: frame(&staff, &made.name).await?,
        heading: t("receiver-link-heading").of("name", &made.name).into(),
        back: base_of(id),
        address: Secret::new(format!("{}{path}", console.auth().config().base())),
        expires: console.moment(made.expires_at),
    })
}

/// `POST /staff/webhooks/{id}/links/{link}/revoke`
pub(crate) async fn revoke_link(
    staff: Staff,
    Path((id, link)): Path<(Id<Kind>, Id<ReceiverLink>)>,
) -> Answer<Response> {
    staff.delete(&format!("/webhooks/{id}/receiver-links/{link}")).await?;
    done(&base_of(id), "link-revoked")
}
