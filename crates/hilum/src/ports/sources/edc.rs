//! Systems for electronic data capture: REDCap, and Rave.

use std::sync::Arc;

use exchange::connector::{Mapper, SignIn, files::Records, rave, redcap, subjects::mapping};
use serde_json::Value;

use super::{Asked, Made};

pub(super) fn connector(asked: &Asked<'_>) -> Made {
    const WRONG: &str = "config.mapping does not fit: write it again";
    let mapping = mapping(&asked.of.config).map_err(|_| WRONG)?;
    let mapping = mapping.ok_or("config.mapping is missing: it says what records become")?;
    let mapper = Mapper::new(Arc::new(mapping), &asked.vault, asked.of.id);
    let records = Records::new(mapper, &asked.vault, asked.of.id);
    let way = |sign_in| (asked.way_by(sign_in), asked.sources.world.clone());
    match asked.of.provider.as_str() {
        "redcap" => {
            let token =
                asked.credential("api_key", "credentials.api_key is not set: it is the project's token")?;
            let project = redcap::Redcap::new(way(SignIn::Open), asked.base()?, token)
                .naming(asked.text("record_id_field").unwrap_or(redcap::RECORD_ID_FIELD))
                .by(asked.number("batch_size").map_or(redcap::RECORDS_AT_ONCE, |size| size as usize));
            Ok(Arc::new(project.source(records)))
        }
        "medidata" => {
            let name = asked.credential("username", "credentials.username is not set")?.expose().clone();
            let password = asked.credential("password", "credentials.password is not set")?;
            let sign_in = SignIn::Basic { name, password };
            let rave = rave::Rave::new(way(sign_in), asked.base()?, studies(asked)?);
            Ok(Arc::new(rave.source(records)))
        }
        _ => Err("systems of this provider cannot be pulled from yet"),
    }
}

/// Studies as Rave calls them: with the environment, where it is not said already.
fn studies(asked: &Asked<'_>) -> Result<Vec<String>, &'static str> {
    let environment = match asked.text("environment") {
        Some("validation") => "Validation",
        Some("uat") => "UAT",
        Some("test") => "Test",
        Some("development") => "Dev",
        _ => "Prod",
    };
    let named = asked.of.config.get("study_mappings").and_then(Value::as_array).into_iter().flatten();
    let named = named.filter_map(|study| study.get("external_id")?.as_str());
    let named = named
        .map(|name| if name.ends_with(')') { name.to_owned() } else { format!("{name}({environment})") });
    let named: Vec<String> = named.collect();
    if named.is_empty() { Err("config.study_mappings names no study") } else { Ok(named) }
}
