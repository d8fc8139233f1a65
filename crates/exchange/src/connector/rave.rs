//! Rave's web services: clinical data as ODM, subject by subject.  <https://rwslib.readthedocs.io/en/latest/retrieve_clinical_data.html>

use std::time::Duration;

use kernel::{Timestamp, World};
use outbound::Call;
use quick_xml::{Reader, events::Event};
use url::Url;

use super::{
    Findings, Outcome, PullFault, StepName, Way,
    files::Records,
    look::words,
    reach::{STEPS, encryption, first, reach},
    subjects::{ANSWER_BYTES_MAX, Listed, SUBJECTS_MAX, Subjects, Trial, sampled},
    way::unanswered,
};
use crate::format::{self, Encoding, Format, Row, Shape};

/// Subjects that are read for one page.
pub const SUBJECTS_AT_ONCE: usize = 5;
/// So much before what is known an incremental run begins: what was being written at that time is older than its appearance.
pub const OVERLAP: Duration = Duration::from_secs(3_600);
/// The longest that a call may take: datasets are made when they are asked for.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(120);

const NO_ANSWER: PullFault = PullFault::last("what the source answers is no ODM: look at config.base_url");

/// A Rave with studies.
pub struct Rave {
    /// The way there, signed with a name and a password.
    way: Way,
    world: World,
    /// The address of its web services, with a slash at its end.
    base: Url,
    /// `Mediflex(Prod)`
    studies: Vec<String>,
}

impl Rave {
    /// The studies of this name in the system at that address.
    pub fn new((way, world): (Way, World), mut base: Url, studies: Vec<String>) -> Self {
        let path = base.path().trim_end_matches('/').to_owned();
        let path = if path.ends_with("/RaveWebServices") { path } else { format!("{path}/RaveWebServices") };
        base.set_path(&format!("{path}/"));
        Self { way, world, base, studies }
    }

    /// Its clinical data as a source.
    pub const fn source(self, records: Records) -> Subjects<Self> {
        Subjects::new(self, records)
    }

    fn url(&self, path: &[&str], since: Option<&str>) -> Result<Url, PullFault> {
        let mut url = self.base.clone();
        let no_url = PullFault::last("the source's address leads nowhere");
        url.path_segments_mut().map_err(|()| no_url)?.pop_if_empty().extend(path);
        if let Some(since) = since {
            url.query_pairs_mut().append_pair("start", since);
        }
        Ok(url)
    }

    async fn get(&self, path: &[&str], since: Option<&str>) -> Result<Vec<u8>, PullFault> {
        let call = Call { timeout: CALL_TIMEOUT, ..Call::get(self.url(path, since)?) };
        let answer = self.way.read(&call, ANSWER_BYTES_MAX).await?;
        self.way.answered(answer).map(|answer| answer.body.to_vec())
    }
}

impl Trial for Rave {
    fn studies(&self) -> &[String] {
        &self.studies
    }

    fn at_once(&self) -> usize {
        SUBJECTS_AT_ONCE
    }

    async fn subjects(&self, study: &str, _: Option<&str>) -> Result<Listed, PullFault> {
        let body = self.get(&["studies", study, "subjects"], None).await?;
        let (subjects, made) =
            subjects(&body).ok_or(PullFault::again("the source's list of subjects cannot be read"))?;
        let at = made.unwrap_or_else(|| self.world.now());
        Ok(Listed { subjects, at: at.to_string() })
    }

    async fn rows(
        &self,
        study: &str,
        subjects: &[String],
        since: Option<&str>,
    ) -> Result<Vec<Row>, PullFault> {
        let shape = Shape { format: Format::OdmXml, encoding: Encoding::Utf8, key: Vec::new() };
        let mut all = Vec::new();
        for subject in subjects {
            let body =
                self.get(&["studies", study, "subjects", subject, "datasets", "regular"], since).await?;
            let rows = format::whole(&shape, &body)
                .map_err(|_| PullFault::again("the source's answer is no whole ODM"))?;
            all.extend(rows);
        }
        Ok(all)
    }

    fn overlapping(&self, known: &str) -> Result<String, PullFault> {
        let known: Timestamp =
            known.parse().map_err(|_| PullFault::last("where the run was cannot be read"))?;
        let text = (known - OVERLAP).to_string();
        Ok(text.split('.').next().unwrap_or_default().to_owned())
    }

    async fn check(&self, world: &World, records: &Records) -> Findings {
        let mut findings = Findings::default();
        steps(self, (world, records), &mut findings).await;
        findings.skip_rest(&STEPS);
        findings
    }
}

/// Subjects of a list in ODM, and when it was made.
fn subjects(body: &[u8]) -> Option<(Vec<String>, Option<Timestamp>)> {
    let text = std::str::from_utf8(body).ok()?;
    let mut xml = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let (mut subjects, mut made, mut depth, mut is_odm) = (Vec::new(), None, 0_usize, false);
    loop {
        let event = xml.read_event().ok()?;
        let (start, is_open) = match &event {
            Event::Start(start) => (start, true),
            Event::Empty(start) => (start, false),
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                continue;
            }
            Event::DocType(_) => return None,
            Event::Eof => return (is_odm && depth == 0).then_some((subjects, made)),
            _ => continue,
        };
        let attribute = |name: &str| {
            let found = start.try_get_attribute(name).ok()??;
            quick_xml::escape::unescape(&found.value).ok().map(|text| text.into_owned())
        };
        match start.local_name().into_inner() {
            "ODM" if depth == 0 => {
                is_odm = true;
                made = attribute("CreationDateTime").and_then(|text| text.parse().ok());
            }
            "SubjectData" => subjects.push(attribute("SubjectKey").filter(|key| !key.is_empty())?),
            _ => {}
        }
        if subjects.len() > SUBJECTS_MAX + 1 {
            return None;
        }
        depth += usize::from(is_open);
    }
}

async fn steps(rave: &Rave, (world, records): (&World, &Records), findings: &mut Findings) -> Option<()> {
    reach(rave.way.outbound(), &rave.base, (world, findings)).await?;
    let began = world.now();
    let url = rave.url(&["version"], None).ok()?;
    let answer = first(&rave.way, Call::get(url), (world, findings)).await?;
    let said = encryption(&rave.base, &answer);
    findings.tell(StepName::Tls, (world, began), said);
    if said.0 == Outcome::Failed {
        return None;
    }
    let said = match answer.map_err(|fault| unanswered(&fault)) {
        Err(fault) => (Outcome::Failed, words(&fault)),
        Ok(answer) => {
            let version = String::from_utf8_lossy(&answer.body).trim().to_owned();
            let is_version = (1..=16).contains(&version.len())
                && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            match (rave.way.told(answer.status, &answer.headers), is_version) {
                (Err(fault), _) => (Outcome::Failed, words(&fault)),
                (Ok(()), false) => (Outcome::Failed, "this is no Rave: look at config.base_url"),
                (Ok(()), true) => {
                    findings.api_version = Some(version);
                    (Outcome::Passed, "Rave's web services answer")
                }
            }
        }
    };
    findings.tell(StepName::Api, (world, began), said);
    if said.0 == Outcome::Failed {
        return None;
    }
    let began = world.now();
    let said = match rave.get(&["studies"], None).await {
        Ok(body) if subjects(&body).is_some() => (Outcome::Passed, "Rave knows us"),
        Ok(_) => (Outcome::Failed, words(&NO_ANSWER)),
        Err(fault) => (Outcome::Failed, words(&fault)),
    };
    findings.tell(StepName::SignIn, (world, began), said);
    if said.0 == Outcome::Failed {
        return None;
    }
    let (began, mut sample) = (world.now(), None);
    let mut said = (Outcome::Passed, "the subjects of each study can be listed");
    for study in &rave.studies {
        match rave.subjects(study, None).await {
            Ok(listed) => {
                findings.permissions.push(format!("{study}.subjects"));
                let first = listed.subjects.into_iter().next();
                sample = sample.or(first.map(|first| (study.clone(), vec![first])));
            }
            Err(fault) => said = (Outcome::Failed, words(&fault)),
        }
    }
    findings.tell(StepName::Permission, (world, began), said);
    if said.0 == Outcome::Failed {
        return None;
    }
    let began = world.now();
    let said = match sample {
        None => sampled(&[], records, ""),
        Some((study, first)) => match rave.rows(&study, &first, None).await {
            Err(fault) => (Outcome::Failed, words(&fault)),
            Ok(rows) => sampled(&rows, records, &study),
        },
    };
    findings.tell(StepName::SampleRead, (world, began), said);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_listed_as_they_are_called() {
        let list = br#"<ODM FileType="Snapshot" CreationDateTime="2026-03-01T10:00:00.781-00:00" ODMVersion="1.3">
            <ClinicalData StudyOID="M(Prod)"><SubjectData SubjectKey="A &amp; 1"><SiteRef LocationOID="L"/></SubjectData></ClinicalData>
            <ClinicalData StudyOID="M(Prod)"><SubjectData SubjectKey="B/2"/></ClinicalData></ODM>"#;
        let (found, made) = subjects(list).unwrap();
        assert_eq!(
            (found, made),
            (vec!["A & 1".to_owned(), "B/2".to_owned()], "2026-03-01T10:00:00.781Z".parse().ok())
        );
        for none in
            [b"".as_slice(), b"<html></html>", b"<ODM><ClinicalData>", b"<ODM><SubjectData/></ODM>", b"\xff"]
        {
            assert!(subjects(none).is_none(), "{}", String::from_utf8_lossy(none));
        }
    }
}
