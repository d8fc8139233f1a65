//! What a clinic asks, the same of every server, each time of another patient.

use crate::{connection::Connection, drive::Turn, place::Place, server::Server};

/// A kind of question.
pub struct Question {
    pub name: &'static str,
    requests: Vec<Vec<u8>>,
    says: &'static str,
}

/// What was loaded, as a server names it.
pub struct Known {
    patients: Vec<String>,
    observations: Vec<String>,
    observation: String,
}

impl Known {
    /// The patients in the order of their identifiers, so that everybody is asked about the same, and some Observations of each.
    pub fn of(place: &Place) -> Self {
        let found = place.get("/Patient?_count=200");
        let mut patients: Vec<(String, String)> = resources(&found)
            .map(|patient| (said(&patient["identifier"][0]["value"]), said(&patient["id"])))
            .collect();
        patients.sort();
        patients.dedup_by(|one, other| one.0 == other.0);
        let patients: Vec<String> = patients.into_iter().map(|(_, id)| id).collect();
        let mut observations = Vec::new();
        let mut observation = None;
        for patient in &patients {
            let found = place.get(&format!("/Observation?patient={patient}&code=8302-2&_count=5"));
            observations.extend(resources(&found).map(|it| said(&it["id"])));
            observation = observation.or_else(|| resources(&found).next().cloned());
        }
        let mut observation = observation.unwrap();
        let members = observation.as_object_mut().unwrap();
        members.remove("id");
        members.remove("meta");
        Self { patients, observations, observation: observation.to_string() }
    }

    /// One durable create.
    pub fn create(&self, place: &Place) -> Question {
        let request = place.request("POST", "/Observation", self.observation.as_bytes());
        Question { name: "create", requests: vec![request], says: "" }
    }

    pub fn questions(&self, server: &Server) -> Vec<Question> {
        let place = &server.place;
        let each = |ids: &[String], target: &dyn Fn(&str) -> String| -> Vec<Vec<u8>> {
            ids.iter().map(|id| place.request("GET", &target(id), b"")).collect()
        };
        let of_patients =
            |words: &str| each(&self.patients, &|id| format!("/Observation?patient={id}&{words}"));
        let one = |target: &str| vec![place.request("GET", target, b"")];
        let height = "code=http://loinc.org%7C8302-2";
        let searches = [
            ("a patient's newest 20", of_patients("_sort=-_lastUpdated&_count=20"), "\"searchset\""),
            (
                "patient and category, by date",
                of_patients("category=laboratory&_sort=-date&_count=20"),
                "\"searchset\"",
            ),
            ("code and date", one(&format!("/Observation?{height}&date=ge2015&_count=20")), "8302-2"),
            (
                "family begins",
                each(&letters(), &|letter| format!("/Patient?family={letter}&_count=20")),
                "\"searchset\"",
            ),
            (
                "chain to a name, and a code",
                each(&letters(), &|letter| {
                    format!("/Observation?patient.family={letter}&{height}&_count=20")
                }),
                "\"searchset\"",
            ),
            ("_has", one(&format!("/Patient?_has:Observation:patient:{height}&_count=20")), "\"Patient\""),
            ("_include", of_patients("_include=Observation:encounter&_count=20"), "\"Encounter\""),
            ("count of a code", one(&format!("/Observation?{height}&_summary=count")), "\"total\""),
            ("page of 100", one("/Observation?_count=100"), "\"next\""),
        ];
        let read = each(&self.observations, &|id| format!("/Observation/{id}"));
        let mut all = vec![Question { name: "read by id", requests: read, says: "8302-2" }];
        all.extend(searches.map(|(name, requests, says)| Question { name, requests, says }));
        // Last: who makes more records in the same time would have more to search.
        all.push(self.create(place));
        all
    }
}

fn letters() -> Vec<String> {
    ["b", "g", "h", "k", "l", "m", "s", "w"].map(String::from).to_vec()
}

impl Question {
    /// A client of its own, who begins elsewhere than the others.
    pub fn turn(&self, nth: usize) -> Turn {
        let (requests, says) = (self.requests.clone(), self.says);
        let mut at = nth;
        Box::new(move |connection: &mut Connection| {
            let request = &requests[at % requests.len()];
            at += 1;
            let answer = connection.exchange(request).unwrap();
            assert!((200..300).contains(&answer.status), "{}{}", answer.head, answer.text());
            let said = |body: &[u8]| body.windows(says.len()).any(|bytes| bytes == says.as_bytes());
            // Looked for at the first turn alone: the driver shares the processor with who answers.
            assert!(at > nth + 1 || says.is_empty() || said(answer.body), "{says}: {}", answer.text());
        })
    }
}

pub fn resources(bundle: &serde_json::Value) -> impl Iterator<Item = &serde_json::Value> {
    bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"])
}

fn said(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}
