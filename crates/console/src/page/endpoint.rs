//! A webhook endpoint: how it does, what it is told, its keys and its deliveries; for staff and for whoever receives its calls.

use askama::Template;
use kernel::Secret;

use crate::{
    form::{Choice, Field, Form},
    frame::{Frame, Notice},
    label::State,
    language::Said,
    moment::Moment,
    page::plain::Plain,
    t,
};

/// One endpoint.
#[derive(Template)]
#[template(path = "endpoint/show.html")]
pub(crate) struct Endpoint {
    pub(crate) frame: Frame,
    /// The page before: address and name; none for a receiver.
    pub(crate) back: Option<(String, String)>,
    /// Where this page is; what can be done is below it.
    pub(crate) base: String,
    pub(crate) name: String,
    /// How it does, in a sentence.
    pub(crate) how: String,
    pub(crate) state: State,
    pub(crate) stands: Stands,
    pub(crate) url: String,
    /// Who has paused it, in words.
    pub(crate) paused_by: Option<String>,
    /// Why it is disabled.
    pub(crate) reason: Option<String>,
    pub(crate) health: Health,
    pub(crate) told: Vec<Told>,
    pub(crate) keys: Vec<Key>,
    pub(crate) deliveries: Deliveries,
    /// Until when the browser may go on, where a link was opened.
    pub(crate) until: Option<Moment>,
    /// The links to its page, for staff.
    pub(crate) links: Option<Vec<LinkRow>>,
    /// Whether whoever looks at it may do something with it.
    pub(crate) may_do: bool,
}

impl Endpoint {
    fn is_told(&self) -> bool {
        self.stands == Stands::Told
    }

    fn is_held(&self) -> bool {
        self.stands == Stands::Held
    }
}

/// Whether it is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    /// It is.
    Told,
    /// Events wait until whoever looks at it, or somebody else, has it told again.
    Waits,
    /// Events wait, and only staff can end that.
    Held,
}

/// How an endpoint does, in figures.
pub(crate) struct Health {
    pub(crate) pending: i64,
    pub(crate) calls: usize,
    /// Parts of a hundred, in words.
    pub(crate) taken: Option<String>,
    pub(crate) p95_ms: Option<i64>,
    /// When a call failed last, and why.
    pub(crate) failed: Option<(Moment, String)>,
}

/// A type of events.
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) words: String,
    /// Whether the words are English in every language: those of a type that the pages do not know.
    pub(crate) is_english: bool,
}

impl Told {
    /// A type with words for it.
    pub(crate) fn of(name: &'static str, english: &str) -> Self {
        match crate::language::named("event-type", &name.replace('.', "-")) {
            Some(said) => Self { name, words: said.into(), is_english: false },
            None => Self { name, words: english.to_owned(), is_english: true },
        }
    }
}

/// A key whose signatures are verified with it.
pub(crate) struct Key {
    pub(crate) key: String,
    /// Until when it signs beside the newer one.
    pub(crate) until: Option<Moment>,
}

/// A link to the endpoint's page.
pub(crate) struct LinkRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) expires: Moment,
    pub(crate) opened: Option<Moment>,
    pub(crate) is_live: bool,
}

/// A page of deliveries.
pub(crate) struct Deliveries {
    /// Only those that stand so: a word of the contract, or nothing.
    pub(crate) filter: String,
    pub(crate) total: usize,
    pub(crate) rows: Vec<DeliveryRow>,
    pub(crate) newer: Option<String>,
    pub(crate) older: Option<String>,
    /// Make them again.
    pub(crate) replay: Form,
}

impl Deliveries {
    fn caption(&self) -> Said {
        t("hook-caption").count("many", self.total)
    }

    /// How they may stand, with words.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        let all = [
            ("", t("hook-all")),
            ("pending", t("hook-waits")),
            ("delivered", t("hook-delivered")),
            ("failed", t("hook-failed")),
        ];
        let choice = |(value, words): (&str, Said)| Choice::new(value, words).chosen_if(value == self.filter);
        all.map(choice).into()
    }
}

/// One delivery of a page.
pub(crate) struct DeliveryRow {
    pub(crate) id: String,
    pub(crate) event_type: String,
    pub(crate) state: State,
    pub(crate) attempts: u32,
    pub(crate) created: Moment,
    pub(crate) next: Option<Moment>,
}

/// How a delivery stands, by the word of the contract.
pub(crate) fn standing(word: &str) -> State {
    match word {
        "delivered" => State::good(t("hook-delivered")),
        "failed" => State::bad(t("hook-failed")),
        _ => State::warn(t("hook-waits")),
    }
}

/// One delivery.
#[derive(Template)]
#[template(path = "endpoint/delivery.html")]
pub(crate) struct Delivery {
    pub(crate) frame: Frame,
    /// Where the endpoint's page is, and its name.
    pub(crate) back: (String, String),
    pub(crate) row: DeliveryRow,
    /// What is sent, as it is read best.
    pub(crate) payload: String,
    pub(crate) calls: Vec<Call>,
    /// Whether whoever looks may make it again.
    pub(crate) may_replay: bool,
}

/// One call.
pub(crate) struct Call {
    pub(crate) number: u32,
    pub(crate) at: Moment,
    pub(crate) took_ms: i64,
    pub(crate) status: Option<u16>,
    /// Why it failed.
    pub(crate) error: Option<String>,
    /// The beginning of the answer.
    pub(crate) answer: Option<String>,
}

/// A secret that was just drawn.
#[derive(Template)]
#[template(path = "endpoint/secret.html")]
pub(crate) struct NewSecret {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    /// Where the endpoint's page is.
    pub(crate) back: String,
    pub(crate) secret: Secret<String>,
    pub(crate) public_key: String,
}

/// A link that was just made.
#[derive(Template)]
#[template(path = "endpoint/link.html")]
pub(crate) struct NewLink {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    /// Where the endpoint's page is.
    pub(crate) back: String,
    pub(crate) address: Secret<String>,
    pub(crate) expires: Moment,
}

/// The form that makes deliveries again, of `base`: since `when`, as a browser's field for it writes it.
pub(crate) fn replay_form(base: &str, when: &str) -> Form {
    let states = vec![
        Choice::new("failed", t("hook-replay-failed")).chosen_if(true),
        Choice::new("all", t("hook-replay-all")),
    ];
    Form::new(format!("{base}/replay"), t("hook-replay-act"))
        .with(
            Field::line("since", t("hook-since"), "datetime-local", "off")
                .hint(t("hook-since-hint"))
                .value(when),
        )
        .with(Field::select("which", t("hook-which"), states))
        .secondary()
}

/// There is no page for this browser: the link is not known, has ended, was revoked, or is of another endpoint.
pub(crate) fn no_link() -> Plain {
    Plain {
        frame: Frame::outside(t("receiver-none-title")),
        heading: t("receiver-none-title").into(),
        lead: t("receiver-none-lead").into(),
        form: None,
        otherwise: None,
    }
}

/// The page is left.
pub(crate) fn left() -> Plain {
    Plain {
        frame: Frame::outside(t("receiver-left-title")),
        heading: t("receiver-left-title").into(),
        lead: t("receiver-left-lead").into(),
        form: None,
        otherwise: None,
    }
}

/// What was done at an endpoint, by the word in the query.
pub(crate) fn notice(word: Option<&str>) -> Option<Notice> {
    let said = match word? {
        "tested" => t("hook-told-tested"),
        "paused" => t("hook-told-paused"),
        "resumed" => t("hook-told-resumed"),
        "replayed" => t("hook-told-replayed"),
        "held" => return Some(Notice::failed(t("hook-told-held"))),
        "link-revoked" => t("hook-told-link-revoked"),
        _ => return None,
    };
    Some(Notice::done(said))
}
