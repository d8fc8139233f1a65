//! A REDCap project, by its API: the token stands in the body of each call, and says which project is meant.
//!
//! Times of changes are those of the server's own zone, which it does not tell: an incremental run asks for more than a day before the one that is known.

use std::time::Duration;

use kernel::{Secret, Timestamp, World};
use outbound::Call;
use serde_json::{Map, Value};
use url::Url;

use super::{
    Findings, Outcome, PullFault, StepName, Way,
    files::Records,
    look::words,
    reach::{STEPS, encryption, first, reach},
    subjects::{ANSWER_BYTES_MAX, Listed, Subjects, Trial, sampled},
    way::unanswered,
};
use crate::format::{Place, Row, What};

/// Records that are asked for at once, unless the integration says otherwise.
pub const RECORDS_AT_ONCE: usize = 100;
/// The field that names a record, unless the integration says otherwise.
pub const RECORD_ID_FIELD: &str = "record_id";
/// So much before what is known an incremental run begins: the widest that two time zones are apart.
pub const OVERLAP: Duration = Duration::from_secs(26 * 3_600);
/// The longest that a call may take.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(120);

const NO_ANSWER: PullFault =
    PullFault::last("what the source answers is none of REDCap's: look at config.base_url");

/// A project.
pub struct Redcap {
    way: Way,
    world: World,
    /// The address of its API.
    url: Url,
    token: Secret<String>,
    record_id_field: String,
    at_once: usize,
    /// The one project that the token is for.
    studies: [String; 1],
}

impl Redcap {
    /// The project of this token.
    pub fn new((way, world): (Way, World), url: Url, token: Secret<String>) -> Self {
        let studies = ["project".to_owned()];
        let record_id_field = RECORD_ID_FIELD.to_owned();
        Self { way, world, url, token, record_id_field, at_once: RECORDS_AT_ONCE, studies }
    }

    /// With records that are named by this field.
    #[must_use]
    pub fn naming(self, record_id_field: &str) -> Self {
        Self { record_id_field: record_id_field.to_owned(), ..self }
    }

    /// Asking for so many records at once.
    #[must_use]
    pub fn by(self, at_once: usize) -> Self {
        Self { at_once: at_once.clamp(1, 1_000), ..self }
    }

    /// Its records as a source.
    pub const fn source(self, records: Records) -> Subjects<Self> {
        Subjects::new(self, records)
    }

    fn call(&self, content: &str, more: &[(String, String)]) -> Call {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", self.token.expose()).append_pair("content", content);
        form.append_pair("format", "json").append_pair("returnFormat", "json");
        form.extend_pairs(more.iter().map(|(name, value)| (name, value)));
        Call { timeout: CALL_TIMEOUT, ..Call::form(self.url.clone(), &form.finish()) }
    }

    async fn exported(&self, content: &str, more: &[(String, String)]) -> Result<Vec<u8>, PullFault> {
        let answer = self.way.read(&self.call(content, more), ANSWER_BYTES_MAX).await?;
        // A token that is none is forbidden, not unknown.
        if answer.status.as_u16() == 403 {
            return Err(PullFault::last("the source does not know our token, or does not let it export"));
        }
        self.way.answered(answer).map(|answer| answer.body.to_vec())
    }

    async fn rows_of(&self, more: &[(String, String)]) -> Result<Vec<Map<String, Value>>, PullFault> {
        let mut all = vec![pair("action", "export"), pair("type", "flat"), pair("rawOrLabel", "raw")];
        all.extend_from_slice(more);
        let body = self.exported("record", &all).await?;
        serde_json::from_slice(&body).map_err(|_| PullFault::again("the source's answer cannot be read"))
    }
}

fn pair(name: impl Into<String>, value: impl Into<String>) -> (String, String) {
    (name.into(), value.into())
}

fn text<'a>(row: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

impl Trial for Redcap {
    fn studies(&self) -> &[String] {
        &self.studies
    }

    fn at_once(&self) -> usize {
        self.at_once
    }

    async fn subjects(&self, _: &str, since: Option<&str>) -> Result<Listed, PullFault> {
        let at = self.world.now().to_string();
        let mut more = vec![pair("fields[0]", &*self.record_id_field)];
        more.extend(since.map(|since| pair("dateRangeBegin", since)));
        let rows = self.rows_of(&more).await?;
        let names = rows.iter().map(|row| {
            let name = text(row, &self.record_id_field).map(str::to_owned);
            name.ok_or(PullFault::last("the source's records are not named by config.record_id_field"))
        });
        Ok(Listed { subjects: names.collect::<Result<_, _>>()?, at })
    }

    async fn rows(&self, _: &str, subjects: &[String], _: Option<&str>) -> Result<Vec<Row>, PullFault> {
        // Of a record that has changed all is read: what it becomes is made of all of it.
        let named = subjects.iter().enumerate();
        let more: Vec<(String, String)> =
            named.map(|(nth, name)| pair(format!("records[{nth}]"), name)).collect();
        let rows = self.rows_of(&more).await?;
        let asked = |row: &Map<String, Value>| {
            text(row, &self.record_id_field).is_some_and(|name| subjects.iter().any(|asked| asked == name))
        };
        if !rows.iter().all(asked) {
            return Err(PullFault::last("the source answers with other records than were asked for"));
        }
        let row = |(nth, row): (usize, Map<String, Value>)| {
            let instrument = text(&row, "redcap_repeat_instrument").map(str::to_owned);
            let key = [
                &*self.record_id_field,
                "redcap_event_name",
                "redcap_repeat_instrument",
                "redcap_repeat_instance",
            ];
            let key: Vec<Value> =
                key.iter().map(|name| row.get(*name).cloned().unwrap_or_default()).collect();
            Row {
                stream: instrument,
                key: Value::Array(key).to_string(),
                place: Place::Row(nth as u64 + 1),
                what: What::Record(Value::Object(row)),
            }
        };
        Ok(rows.into_iter().enumerate().map(row).collect())
    }

    fn overlapping(&self, known: &str) -> Result<String, PullFault> {
        let known: Timestamp =
            known.parse().map_err(|_| PullFault::last("where the run was cannot be read"))?;
        let text = (known - OVERLAP).to_string();
        Ok(text.split('.').next().unwrap_or_default().replace('T', " "))
    }

    async fn check(&self, world: &World, records: &Records) -> Findings {
        let mut findings = Findings::default();
        steps(self, (world, records), &mut findings).await;
        findings.skip_rest(&STEPS);
        findings
    }
}

async fn steps(redcap: &Redcap, (world, records): (&World, &Records), findings: &mut Findings) -> Option<()> {
    reach(redcap.way.outbound(), &redcap.url, (world, findings)).await?;
    let began = world.now();
    let answer = first(&redcap.way, redcap.call("version", &[]), (world, findings)).await?;
    let said = encryption(&redcap.url, &answer);
    findings.tell(StepName::Tls, (world, began), said);
    if said.0 == Outcome::Failed {
        return None;
    }
    let answer = answer.map_err(|fault| unanswered(&fault));
    let said = match &answer {
        Err(fault) => (Outcome::Failed, words(fault)),
        Ok(answer) if matches!(answer.status.as_u16(), 401 | 403) => (Outcome::Passed, "an API answers"),
        Ok(answer) => {
            let version = String::from_utf8_lossy(&answer.body).trim().trim_matches('"').to_owned();
            let is_version = (1..=16).contains(&version.len())
                && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            match (redcap.way.told(answer.status, &answer.headers), is_version) {
                (Err(fault), _) => (Outcome::Failed, words(&fault)),
                (Ok(()), false) => (Outcome::Failed, words(&NO_ANSWER)),
                (Ok(()), true) => {
                    findings.api_version = Some(version);
                    (Outcome::Passed, "the API of REDCap answers")
                }
            }
        }
    };
    findings.tell(StepName::Api, (world, began), said);
    if said.0 == Outcome::Failed {
        return None;
    }
    let mut step = async |name,
                          call: &(dyn Fn(&[u8]) -> bool + Sync),
                          content: &str,
                          words_of: (&'static str, &'static str)| {
        let began = world.now();
        let said = match redcap.exported(content, &[]).await {
            Err(fault) => (Outcome::Failed, words(&fault)),
            Ok(body) if call(&body) => (Outcome::Passed, words_of.0),
            Ok(_) => (Outcome::Failed, words_of.1),
        };
        findings.tell(name, (world, began), said);
        (said.0 == Outcome::Passed).then_some(())
    };
    let is_project = |body: &[u8]| {
        serde_json::from_slice::<Value>(body).is_ok_and(|value| value.get("project_id").is_some())
    };
    step(
        StepName::SignIn,
        &is_project,
        "project",
        ("the project knows our token", "the source says nothing of its project"),
    )
    .await?;
    let is_named = |body: &[u8]| {
        let fields: Vec<Map<String, Value>> = serde_json::from_slice(body).unwrap_or_default();
        fields.first().and_then(|field| text(field, "field_name")) == Some(&*redcap.record_id_field)
    };
    step(
        StepName::Permission,
        &is_named,
        "metadata",
        ("the project's fields can be read", "the project's records are not named by config.record_id_field"),
    )
    .await?;
    findings.permissions.push("record.export".to_owned());
    let began = world.now();
    let said = match redcap.subjects("", None).await {
        Err(fault) => (Outcome::Failed, words(&fault)),
        Ok(listed) => {
            let first: Vec<String> = listed.subjects.into_iter().take(1).collect();
            match redcap.rows("", &first, None).await {
                _ if first.is_empty() => sampled(&[], records, ""),
                Err(fault) => (Outcome::Failed, words(&fault)),
                Ok(rows) => sampled(&rows, records, "project"),
            }
        }
    };
    findings.tell(StepName::SampleRead, (world, began), said);
    Some(())
}
