//! Providers that need no looking up: what is known of them, under what is declared.

use serde_json::{Map, Value};

use super::UpstreamFault;

const PRESETS: &str = include_str!("presets.json");

/// What is declared over what the preset knows. `tenant` fills the part of an issuer in braces and is no setting itself.
pub(super) fn over_preset(
    preset: Option<&str>,
    declared: Map<String, Value>,
) -> Result<Map<String, Value>, UpstreamFault> {
    let mut whole = match preset {
        Some(name) => read(name)?,
        None => Map::new(),
    };
    let mut declared = declared;
    let tenant = declared.remove("tenant");
    whole.extend(declared.into_iter().filter(|(_, value)| !value.is_null()));
    if let (Some(Value::String(tenant)), Some(Value::String(issuer))) = (tenant, whole.get_mut("issuer")) {
        let is_plain =
            !tenant.is_empty() && tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if is_plain {
            *issuer = issuer.replace("{tenant}", &tenant);
        }
    }
    Ok(whole)
}

fn read(name: &str) -> Result<Map<String, Value>, UpstreamFault> {
    let all: Map<String, Value> = serde_json::from_str(PRESETS).map_err(|_| UpstreamFault::UnknownPreset)?;
    match all.get(name) {
        Some(Value::Object(preset)) => Ok(preset.clone()),
        _ => Err(UpstreamFault::UnknownPreset),
    }
}

/// A provider of which the most is known beforehand.
pub struct Preset {
    /// By which it is asked for.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What is known: [`Settings`](super::Settings) by name.
    pub settings: Map<String, Value>,
}

/// Every preset, by name.
pub fn presets() -> Vec<Preset> {
    let all: Map<String, Value> = serde_json::from_str(PRESETS).unwrap_or_default();
    let preset = |(id, known): (String, Value)| {
        let Value::Object(mut settings) = known else { return None };
        let name = settings.remove("name").and_then(|name| name.as_str().map(str::to_owned))?;
        Some(Preset { id, name, settings })
    };
    all.into_iter().filter_map(preset).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::upstream::{ClientAuth, Settings};

    fn settings(preset: &str, declared: Value) -> Settings {
        let Value::Object(declared) = declared else { panic!() };
        let mut whole = over_preset(Some(preset), declared).unwrap();
        whole.remove("name");
        serde_json::from_value(Value::Object(whole)).unwrap()
    }

    #[test]
    fn every_preset_is_complete_but_for_what_only_the_operator_knows() {
        for (preset, declared) in [
            ("nhs-login", json!({ "client_id": "us", "key_id": "k" })),
            ("nhs-cis2", json!({ "client_id": "us" })),
            ("microsoft-entra-id", json!({ "client_id": "us", "tenant": "5b0c-11" })),
            ("google", json!({ "client_id": "us" })),
        ] {
            let settings = settings(preset, declared);
            assert!(settings.issues().is_empty(), "{preset}: {:?}", settings.issues());
        }
        assert_eq!(presets().len(), 4);
        let bare = settings("microsoft-entra-id", json!({ "client_id": "us" }));
        assert_eq!(bare.issues().len(), 1, "the tenant is missing");
        assert!(matches!(over_preset(Some("aol"), Map::new()), Err(UpstreamFault::UnknownPreset)));
    }

    #[test]
    fn what_is_declared_counts_more() {
        let declared =
            json!({ "client_id": "us", "issuer": "https://auth.sandpit.signin.nhs.uk", "vtr": ["P5.Cp.Cd"] });
        let settings = settings("nhs-login", declared);
        assert_eq!(settings.issuer, "https://auth.sandpit.signin.nhs.uk");
        assert_eq!(settings.vtr, ["P5.Cp.Cd"]);
        assert_eq!(settings.client_auth, ClientAuth::PrivateKeyJwt);
    }
}
