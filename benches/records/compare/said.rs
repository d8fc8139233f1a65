//! What a server answers to a search.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{connection::Connection, place::Place};

/// Pages that are followed.
const PAGES_MAX: usize = 20;

/// The answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    /// These, as `Type/id`.
    Found(BTreeSet<String>),
    /// It was refused with this status.
    Refused(u16),
}

/// Ask for all that there is, page by page.
pub fn say(place: &Place, connection: &mut Connection, target: &str) -> Said {
    let mut found = BTreeSet::new();
    let mut target = target.to_owned();
    for _ in 0..PAGES_MAX {
        let answer = connection.exchange(&place.request("GET", &target, b"")).unwrap();
        if answer.status != 200 {
            let status = answer.status;
            // HAPI closes a connection on which it has refused something.
            *connection = place.connect();
            return Said::Refused(status);
        }
        let page: Value = serde_json::from_slice(answer.body).unwrap();
        found.extend(page["entry"].as_array().into_iter().flatten().filter_map(name));
        let Some(next) = next(place, &page) else { break };
        target = next;
    }
    Said::Found(found)
}

/// A record of the answer; what it says about itself is none.
fn name(entry: &Value) -> Option<String> {
    let resource = &entry["resource"];
    let is_record = entry["search"]["mode"] != "outcome";
    is_record.then(|| Some(format!("{}/{}", resource["resourceType"].as_str()?, resource["id"].as_str()?)))?
}

/// Where the next page is, behind the base.
fn next(place: &Place, page: &Value) -> Option<String> {
    let links = page["link"].as_array()?;
    let url = links.iter().find(|link| link["relation"] == "next")?["url"].as_str()?;
    let (_, path) = url.split_once(place.base).filter(|_| !place.base.is_empty())?;
    Some(path.to_owned())
}
