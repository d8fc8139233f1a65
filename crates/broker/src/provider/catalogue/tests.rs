use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::provider::Auth;

/// The entries that the catalogue is known to begin with, and the two of our own.
const PROVIDERS_MIN: usize = 74;

#[test]
fn every_built_in_file_is_read() {
    let catalogue = Catalogue::built_in().unwrap();
    assert!(catalogue.iter().count() >= PROVIDERS_MIN, "{}", catalogue.iter().count());
    let count = |kind: fn(&Auth) -> bool| catalogue.iter().filter(|provider| kind(&provider.auth)).count();
    assert!(count(|auth| matches!(auth, Auth::OAuth2Code(_))) >= 30);
    assert!(count(|auth| matches!(auth, Auth::SmartDiscovery(_))) >= 17);
}

#[test]
fn every_built_in_file_passes_an_operators_checks() {
    for name in BuiltIn::iter().filter(|name| name.ends_with(".toml") && name != SOURCES) {
        let file = BuiltIn::get(&name).unwrap();
        read_provider(&*name, std::str::from_utf8(&file.data).unwrap()).unwrap();
    }
}

#[test]
fn every_built_in_file_fits_the_json_schema() {
    let schema: Value = serde_json::from_slice(&BuiltIn::get("schema.json").unwrap().data).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    for name in BuiltIn::iter().filter(|name| name.ends_with(".toml") && name != SOURCES) {
        let file = BuiltIn::get(&name).unwrap();
        let document: Value = toml::from_str(std::str::from_utf8(&file.data).unwrap()).unwrap();
        let told: Vec<_> = schema
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(told.is_empty(), "{name}: {told:#?}");
    }
}

#[test]
fn the_json_schema_refuses_what_the_parser_refuses() {
    let schema: Value = serde_json::from_slice(&BuiltIn::get("schema.json").unwrap().data).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let text = BuiltIn::get("sandbox.toml").unwrap();
    let text = std::str::from_utf8(&text.data).unwrap();
    for (from, to) in [
        ("family = \"test\"", "family = \"toy\""),
        ("pkce =", "pcke ="),
        ("client_auth = [\"basic\"]", "client_auth = \"basic\""),
        ("how = { rfc7009", "how = { rfc7008"),
        ("rotation = \"one_time\"", "rotation = \"once\""),
        ("id = \"sandbox\"", "id = \"Sand box\""),
        ("secret", "secrets"),
    ] {
        let changed = text.replacen(from, to, 1);
        if changed == text {
            continue;
        }
        assert!(read_provider("sandbox.toml", &changed).is_err(), "{to}");
        let document: Value = toml::from_str(&changed).unwrap();
        assert!(!schema.is_valid(&document), "{to}");
    }
}

#[test]
fn every_fact_has_sources_that_are_named() {
    let catalogue = Catalogue::built_in().unwrap();
    let mut used = BTreeSet::new();
    for provider in catalogue.iter() {
        assert!(!provider.sources.is_empty(), "{} names no source", provider.id);
        for (field, keys) in &provider.sources {
            assert!(!keys.is_empty(), "{}: {field}", provider.id);
            for key in keys {
                assert!(catalogue.source(key).is_some(), "{}: {field}: no source {key}", provider.id);
                used.insert(key.clone());
            }
        }
        for (present, field) in [
            (!provider.actions.is_empty(), "actions"),
            (provider.webhooks.is_some(), "webhooks"),
            (!provider.limits.is_empty(), "limits"),
        ] {
            assert!(
                !present || provider.sources.contains_key(field),
                "{}: {field} has no source",
                provider.id
            );
        }
    }
    let unused: Vec<_> = catalogue.sources.keys().filter(|key| !used.contains(*key)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn the_quirks_of_the_reference_are_data() {
    let catalogue = Catalogue::built_in().unwrap();
    let rotation = |id: &str| match &catalogue.get(id).unwrap().auth {
        Auth::OAuth2Code(code) => code.token.rotation,
        Auth::ClientCredentials(own) => own.token.rotation,
        _ => panic!("{id}"),
    };
    use crate::provider::Rotation;
    for id in ["fitbit", "oura", "whoop", "cms-blue-button", "nhs-login", "box", "canvas", "sandbox", "oidc"]
    {
        assert_eq!(rotation(id), Rotation::OneTime, "{id}");
    }
    assert_eq!(rotation("withings"), Rotation::Grace { window_s: 8 * 3600 });
    assert_eq!(rotation("google-health"), Rotation::Static);
    assert_eq!(rotation("microsoft-365"), Rotation::ReplaceSoft);
    let polar = &catalogue.get("polar").unwrap().limits[0];
    assert_eq!((polar.limit, polar.per_user, polar.window_s), (500, 20, 900));
}

#[test]
fn an_operators_folder_adds_and_overrides() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let own = |id: &str| {
        format!("id = \"{id}\"\nname = \"Ours\"\nfamily = \"test\"\nconfidence = \"low\"\n[auth.basic]\n")
    };
    file("ours.toml", &own("ours"));
    file("fitbit.toml", &own("fitbit"));
    file("README.md", "not a provider");
    let built_in = Catalogue::built_in().unwrap();
    let catalogue = built_in.with_folder(folder.path()).unwrap();
    assert_eq!(catalogue.iter().count(), built_in.iter().count() + 1);
    assert_eq!(catalogue.get("fitbit").unwrap().name, "Ours");
    assert_ne!(built_in.get("fitbit").unwrap().name, "Ours");
    file("wrong.toml", &own("wrong").replace("low", "hgih"));
    let told = built_in.with_folder(folder.path()).unwrap_err().to_string();
    assert!(told.contains("wrong.toml:4: confidence: unknown variant"), "{told}");
    let missing = built_in.with_folder(&folder.path().join("missing")).unwrap_err();
    assert!(matches!(missing, CatalogueFault::Unreadable { .. }));
}

#[test]
fn the_documents_example_is_read() {
    let page = include_str!("../../../../../docs/providers.md");
    let examples: Vec<_> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let whole = examples.iter().find(|text| text.contains("id = \"nightlight\"")).unwrap();
    read_provider("nightlight.toml", whole).unwrap();
}
