//! Every form in which can be searched, and answers without what differs between two sites that hold the same.

use serde_json::Value;

use crate::stage::{Calls, Heard};

pub const SEARCHES: &[&str] = &[
    "Patient?",
    "Patient?family=adler,berg",
    "Patient?name:contains=er",
    "Patient?family:exact=Berg",
    "Patient?_id=p0,p1,nobody",
    "Patient?birthdate=ge1970&_sort=-birthdate",
    "Patient?identifier=urn:own|Patient-p1",
    "Patient?general-practitioner.name=doctor",
    "Patient?general-practitioner:missing=false",
    "Patient?_has:Observation:patient:code=a",
    "Patient?_has:Observation:patient:_has:DiagnosticReport:result:code=b",
    "Patient?_has:Group:member:code=a,b,c",
    "Patient?_revinclude=Observation:subject&_revinclude:iterate=DiagnosticReport:result&_revinclude:iterate=List:item",
    "Patient?_include=Patient:general-practitioner&_revinclude=*",
    "Practitioner?_has:Patient:general-practitioner:family=berg",
    "Practitioner?_has:Encounter:participant:subject:Patient.family=adler",
    "Practitioner?_revinclude=Encounter:participant&_revinclude:iterate=Condition:encounter",
    "Group?member=Patient/p1",
    "Group?member:Patient.family=adler",
    "Group?_include=Group:member",
    "Encounter?subject=Patient/p0,Patient/p1",
    "Encounter?diagnosis.code=a,b",
    "Encounter?status:not=planned&_sort=status",
    "Encounter?_include=*&_include:iterate=*",
    "Condition?asserter:Patient.family=adler",
    "Condition?evidence-detail:Observation.subject:Patient.family=berg",
    "Condition?encounter.subject:Patient._has:Observation:patient:status=final",
    "Condition?code:not=a&_sort=-_lastUpdated",
    "Observation?",
    "Observation?code=a,b&_sort=date",
    "Observation?code=http://a.example|a",
    "Observation?category:not=laboratory",
    "Observation?subject:missing=true",
    "Observation?patient=p0,p1",
    "Observation?patient.family=berg",
    "Observation?subject:Patient.name:contains=dl",
    "Observation?subject:Group.member:Patient.family=adler",
    "Observation?encounter.diagnosis.code=a",
    "Observation?performer:Practitioner.name=doctor",
    "Observation?performer:Patient.family=adler,berg",
    "Observation?has-member.code=b",
    "Observation?has-member.patient.family=berg",
    "Observation?date=ge2025-05-01&_sort=-date,code",
    "Observation?date=2025-05-01_2025-05-03",
    "Observation?value-quantity=gt1|http://unitsofmeasure.org|mg&_sort=value-quantity",
    "Observation?code-value-quantity=a$ge0",
    "Observation?_lastUpdated=gt2000",
    "Observation?identifier=urn:own|Observation-o3,urn:own|Observation-o4",
    "Observation?_has:DiagnosticReport:result:subject:Patient.family=adler",
    "Observation?_has:List:item:code=a",
    "Observation?_include=Observation:has-member&_include:iterate=Observation:subject&_include:iterate=Patient:general-practitioner",
    "Observation?_include=Observation:encounter&_revinclude=DiagnosticReport:result&_revinclude=Condition:evidence-detail",
    "Observation?_elements=status&_include=*",
    "DiagnosticReport?result.code=a",
    "DiagnosticReport?result.has-member.subject:Patient.family=berg",
    "DiagnosticReport?_include=DiagnosticReport:result&_include:iterate=Observation:has-member",
    "Patient?_list=l0,l1",
    "Observation?_list=l2&_sort=code",
    "Observation?_filter=code+eq+a+and+not+(status+eq+final)",
    "Observation?_filter=subject:Patient.family+eq+Adler+or+date+ge+2026",
    "Observation?_content=a.example+preliminary",
    "Patient?_content=adler",
    "Patient?_text=adler",
    "Condition?code:text=none",
    "Observation?code=http://a.example|",
    "Observation?code=http://a.example|&_sort=_lastUpdated",
    "Patient?name:contains=l&_sort=-_lastUpdated",
    "Encounter?subject:missing=true",
    "Encounter?diagnosis:missing=false&_sort=-status",
    "Patient?_has:Encounter:subject:status=finished&_sort=family",
    "List?item:Observation.patient.family=berg",
    "List?source:Patient=p1",
    "List?_include=List:item&_include:iterate=Condition:asserter",
];

/// Searches of more types than one, of compartments, and what belongs to somebody: the types that are named, and the search.
pub const AROUND: &[(&str, &str)] = &[
    ("", "?"),
    ("", "?_id=p0,p1,m0"),
    ("", "?_lastUpdated=gt2000&_sort=-_lastUpdated"),
    ("Patient,Observation", "?_type=Patient,Observation"),
    ("Observation,Condition", "?_type=Observation,Condition&code=a,b"),
    ("Observation,Condition", "?_type=Observation,Condition&subject:Patient.family=berg&_include=*"),
    ("Patient", "?_type=Patient&_has:Observation:patient:code=a"),
    ("", "Patient/p0/*?"),
    ("", "Patient/p1/*?"),
    ("", "Patient/nobody/*?"),
    ("", "Practitioner/m0/*?"),
    ("", "Encounter/e0/*?"),
    ("", "Device/d0/*?"),
    ("", "RelatedPerson/r0/*?"),
    ("Condition,Encounter", "Patient/p1/*?_type=Condition,Encounter&_include=*"),
    ("Observation", "Patient/p0/Observation?"),
    ("Observation", "Patient/p1/Observation?code=a,b&_sort=date"),
    ("Observation", "Patient/p1/Observation?subject:Patient.family=berg&_revinclude=DiagnosticReport:result"),
    ("Condition", "Practitioner/m0/Condition?asserter.name=doctor"),
    ("Condition", "Encounter/e1/Condition?code:not=a"),
    ("Group", "Practitioner/m0/Group?"),
    ("Patient", "Practitioner/m0/Patient?family=adler"),
];

/// What there is of somebody.
pub const EVERYTHING: &[&str] = &[
    "Patient/p0/$everything?",
    "Patient/p1/$everything?start=2025-05-01&end=2025-12-31",
    "Patient/p1/$everything?_since=2000-01-01",
    "Encounter/e0/$everything?",
    "Encounter/e1/$everything?",
    "Patient/$everything?",
    "Patient/$everything?end=2025-06-01",
];

/// Without versions, times and what is sealed.
fn plain(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["versionId", "lastUpdated", "etag", "lastModified"] {
                members.remove(name);
            }
            members.values_mut().for_each(plain);
        }
        Value::Array(all) => all.iter_mut().for_each(plain),
        Value::String(text) => {
            if let Some(at) = text.find("_cursor=") {
                text.truncate(at);
            }
        }
        _ => {}
    }
}

/// Status, headers and body.
fn told(heard: &Heard) -> String {
    let mut body: Value = serde_json::from_str(&heard.body).unwrap_or(Value::Null);
    plain(&mut body);
    format!("{}\n{body}", headers(heard))
}

/// The status and every header that is not of the one request.
pub fn headers(heard: &Heard) -> String {
    let own = ["x-request-id", "date", "content-length"];
    let headers = heard.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    format!("{} {}", heard.status, headers.join("; "))
}

/// Where the answer goes on.
pub fn next_of(body: &Value) -> Option<String> {
    let links = body["link"].as_array().into_iter().flatten();
    let next = links.into_iter().find(|link| link["relation"] == "next")?;
    Some(next["url"].as_str()?.strip_prefix("https://hilum.example")?.to_owned())
}

/// All pages, in this many rows, with the total.
pub async fn pages(caller: &Calls<'_>, search: &str) -> Vec<String> {
    pages_of(caller, &format!("{search}&_count=6&_total=accurate")).await
}

/// All pages of an address below the base.
pub async fn pages_of(caller: &Calls<'_>, address: &str) -> Vec<String> {
    let slash = if address.starts_with('?') { "" } else { "/" };
    let mut path = Some(format!("/fhir{slash}{address}").replace("?&", "?"));
    let mut all = Vec::new();
    while let Some(asked) = path {
        assert!(all.len() < 100, "pages without end");
        let heard = caller.get(&asked).await;
        all.push(told(&heard));
        path = next_of(&heard.json());
    }
    all
}

/// The parameters in a form.
pub async fn form(caller: &Calls<'_>, search: &str) -> String {
    let (of, query) = search.split_once('?').unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = if query.is_empty() { "_count=100" } else { query };
    let path = format!("/fhir/{of}/_search").replace("//", "/");
    told(&caller.call(http::Method::POST, &path, &form, body).await)
}

/// All of them in a batch: how many, and the contract's pages.
pub async fn batch(caller: &Calls<'_>, searches: &[&str]) -> Vec<String> {
    let entries = searches.iter().flat_map(|search| {
        ["_summary=count", "page=2&count=2"].map(|more| {
            let url = format!("{search}&{more}").replace("?&", "?");
            serde_json::json!({"request": {"method": "GET", "url": url}})
        })
    });
    let entries: Vec<Value> = entries.collect();
    let bundle = serde_json::json!({"resourceType": "Bundle", "type": "batch", "entry": entries});
    let mut done = caller.post("/fhir", &bundle.to_string()).await.expect(200).json();
    plain(&mut done);
    done["entry"].as_array().unwrap().iter().map(Value::to_string).collect()
}
