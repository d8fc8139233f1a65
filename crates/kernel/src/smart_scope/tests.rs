use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::Scopes;

#[test]
fn well_formed_scopes_come_back_as_they_were_written() {
    for text in [
        "patient/Observation.read",
        "patient/Observation.write",
        "user/*.*",
        "system/*.cruds",
        "patient/*.rs",
        "system/Patient.d",
        "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
        "patient/Observation.rs?category=laboratory&code=a,b",
        "user/Condition.s?_lastUpdated=ge2026-01-01T00:00:00Z",
        "patient/Observation.rs?code:in=http://example.org/set",
        "patient/Observation.rs?subject.name=%C3%9Cnal%20K",
    ] {
        assert_eq!(text.parse::<SmartScope>().map(|scope| scope.to_string()), Ok(text.to_owned()));
    }
}

#[test]
fn what_is_no_smart_scope() {
    for text in [
        "",
        "openid",
        "launch/patient",
        "patient/Patient.",
        "patient/Patient",
        "patient/.read",
        "patient/",
        "Patient/Patient.read",
        "practitioner/Patient.read",
        "patient/patient.read",
        "patient/Pat1ent.read",
        "patient/Pat-ient.read",
        "patient/**.read",
        "patient/Patient.Read",
        "patient/Patient.rc",
        "patient/Patient.sr",
        "patient/Patient.rr",
        "patient/Patient.x",
        "patient/Patient.rx",
        "patient/Patient.r*",
        "patient/Patient.read,write",
        "patient/Patient.read.write",
        "patient/Patient.rs?",
        "patient/Patient.rs?category",
        "patient/Patient.rs?category=",
        "patient/Patient.rs?=laboratory",
        "patient/Patient.rs?category=a&",
        "patient/Patient.rs?&category=a",
        "patient/Patient.rs?category=a,,b",
        "patient/Patient.rs?cat%0Aegory=a",
        "patient/Patient.rs?category=%00",
        "patient/Patient.rs?category=%FF",
        "patient/Patient.rs?_include=Observation:subject",
        "patient/Patient.rs?_include:iterate=Observation:subject",
        "patient/Patient.rs?_count=10",
        "patient/Patient.rs?category=a&_summary=count",
        "patient/Patient.read?category=a",
        "patient/Patient.*?category=a",
        "patient/Patient/1.read",
        "patient//Patient.read",
        &format!("patient/P{}.read", "a".repeat(TYPE_BYTES_MAX)),
    ] {
        assert_eq!(text.parse::<SmartScope>(), Err(MalformedSmartScope), "{text}");
    }
}

#[test]
fn what_means_to_be_a_smart_scope() {
    for (text, is_meant) in [
        ("patient/Patient.", true),
        ("system/anything at all", true),
        ("user/", true),
        ("launch/patient", false),
        ("openid", false),
        ("patients/Patient.read", false),
    ] {
        assert_eq!(SmartScope::is_meant(text), is_meant, "{text}");
    }
}

#[test]
fn the_versions_say_the_same_in_different_words() {
    for (words, letters) in [("read", "rs"), ("write", "cud"), ("*", "cruds")] {
        let of = |permissions: &str| -> SmartScopes {
            SmartScopes::of(&format!("patient/Observation.{permissions}").parse().unwrap())
        };
        assert_eq!(of(words), of(letters), "{words} {letters}");
    }
}

#[test]
fn what_covers_what() {
    for (wide, narrow, covers) in [
        ("patient/*.read", "patient/Observation.rs", true),
        ("patient/*.rs", "patient/*.read", true),
        ("patient/Observation.rs", "patient/*.rs", false),
        ("patient/Observation.r patient/*.s", "patient/Observation.rs", true),
        ("patient/Observation.r", "patient/Observation.rs", false),
        ("user/Observation.rs", "patient/Observation.rs", false),
        ("system/*.*", "patient/Observation.rs", false),
        ("patient/Observation.rs", "patient/Observation.rs?category=a", true),
        ("patient/Observation.rs?category=a", "patient/Observation.rs", false),
        ("patient/Observation.rs?category=a", "patient/Observation.rs?category=a&code=x", true),
        ("patient/Observation.rs?category=a,b", "patient/Observation.rs?category=b", true),
        ("patient/Observation.rs?category=a", "patient/Observation.rs?category=a,b", false),
        ("patient/Observation.rs?category=a%7Cb", "patient/Observation.rs?category=a|b", true),
        ("patient/Observation.rs?category:not=a,b", "patient/Observation.rs?category:not=a", false),
        ("patient/Observation.rs?code=a%5C,b", "patient/Observation.rs?code=b", false),
        ("", "patient/Observation.rs", false),
        ("patient/Patient.", "patient/Patient.r", false),
    ] {
        let set = |text: &str| SmartScopes::of(&text.parse().unwrap());
        assert_eq!(set(wide).cover_all(&set(narrow)), covers, "{wide} ⊇ {narrow}");
    }
}

#[test]
fn granted_is_what_was_both_asked_and_registered() {
    for (asked, registered, granted) in [
        ("openid launch/patient", "openid offline_access", "openid"),
        ("patient/Observation.read", "patient/*.read", "patient/Observation.read"),
        ("patient/*.read", "patient/Observation.rs", "patient/Observation.read"),
        (
            "patient/*.rs",
            "patient/Observation.read patient/Condition.r",
            "patient/Condition.r patient/Observation.rs",
        ),
        ("patient/Observation.*", "patient/Observation.read", "patient/Observation.read"),
        ("patient/Observation.read", "patient/Observation.r", "patient/Observation.r"),
        ("system/*.*", "system/Patient.rs", "system/Patient.read"),
        ("system/*.cruds", "system/Patient.read", "system/Patient.rs"),
        ("system/*.*", "system/*.cruds", "system/*.*"),
        ("patient/Observation.rs?category=a", "patient/Observation.rs", "patient/Observation.rs?category=a"),
        (
            "patient/Observation.read",
            "patient/Observation.rs?category=a",
            "patient/Observation.rs?category=a",
        ),
        (
            "patient/Observation.rs",
            "patient/Observation.rs?category=a patient/Observation.rs?category=b",
            "patient/Observation.rs?category=a patient/Observation.rs?category=b",
        ),
        (
            "patient/Observation.rs?category=a patient/Observation.rs?category=b",
            "patient/*.*",
            "patient/Observation.rs?category=a patient/Observation.rs?category=b",
        ),
        (
            "patient/Observation.rs?category=a",
            "patient/Observation.rs?code=x",
            "patient/Observation.rs?category=a&code=x",
        ),
        ("patient/*.read patient/Observation.read", "patient/*.*", "patient/*.read patient/Observation.read"),
        ("user/Observation.read", "patient/*.* system/*.*", ""),
        ("patient/Patient. system/*", "patient/Patient. system/* patient/*.*", ""),
        ("patient/Observation.read", "", ""),
    ] {
        let scopes = |text: &str| text.parse::<Scopes>().unwrap();
        assert_eq!(scopes(asked).as_far_as(&scopes(registered)), scopes(granted), "{asked} ∩ {registered}");
    }
}

#[test]
fn what_is_permitted() {
    let set = SmartScopes::of(
        &"openid patient/Observation.rs?category=a patient/Observation.rs?category=b patient/Observation.c \
          patient/*.d user/Patient.read patient/Patient."
            .parse()
            .unwrap(),
    );
    let matching = |level, on, what| match set.permits(level, on, what) {
        Permit::Nothing => "nothing".to_owned(),
        Permit::Everything => "everything".to_owned(),
        Permit::Matching(any) => any.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "),
    };
    assert_eq!(matching(Level::Patient, "Observation", Interaction::Read), "category=a | category=b");
    assert_eq!(matching(Level::Patient, "Observation", Interaction::Create), "everything");
    assert_eq!(matching(Level::Patient, "Observation", Interaction::Update), "nothing");
    assert_eq!(matching(Level::Patient, "Condition", Interaction::Delete), "everything");
    assert_eq!(matching(Level::Patient, "Patient", Interaction::Read), "nothing");
    assert_eq!(matching(Level::User, "Patient", Interaction::Search), "everything");
    assert_eq!(matching(Level::System, "Patient", Interaction::Read), "nothing");
    let none = SmartScopes::of(&"openid profile offline_access".parse().unwrap());
    assert!(none.is_empty());
    for interaction in Interaction::ALL {
        assert_eq!(none.permits(Level::Patient, "Observation", interaction), Permit::Nothing);
    }
}

/// A request for one record, as a model that knows no algebra judges it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    level: Level,
    on: &'static str,
    interaction: Interaction,
    categories: BTreeSet<&'static str>,
    code: &'static str,
}

fn matches(criteria: &Criteria, asked: &Asked) -> bool {
    criteria.iter().all(|(name, mut values)| match name {
        "category" => values.any(|value| asked.categories.contains(value)),
        "code" => values.any(|value| asked.code == value),
        _ => false,
    })
}

/// The model: one scope after the other, letter by letter.
fn lets(scopes: &Scopes, asked: &Asked) -> bool {
    scopes.iter().filter_map(|scope| scope.as_str().parse::<SmartScope>().ok()).any(|scope| {
        scope.level() == asked.level
            && scope.resource_type().is_none_or(|on| on == asked.on)
            && scope.lets(asked.interaction)
            && matches(scope.criteria(), asked)
    })
}

fn permitted(set: &SmartScopes, asked: &Asked) -> bool {
    match set.permits(asked.level, asked.on, asked.interaction) {
        Permit::Nothing => false,
        Permit::Everything => true,
        Permit::Matching(any) => any.iter().any(|criteria| matches(criteria, asked)),
    }
}

fn scope() -> impl Strategy<Value = String> {
    let level = prop_oneof![3 => Just("patient"), 1 => Just("user"), 1 => Just("system")];
    let on = prop_oneof![Just("*"), Just("Observation"), Just("Condition")];
    let words = prop_oneof![Just("read"), Just("write"), Just("*")].prop_map(str::to_owned);
    let letters = (1_u8..32).prop_map(|bits| Permissions(bits).to_string());
    let criteria = prop_oneof![
        Just(""),
        Just("?category=a"),
        Just("?category=b"),
        Just("?category=a,b"),
        Just("?code=x"),
        Just("?category=b&code=x,y"),
        Just("?category=a&category=b"),
    ];
    let written = prop_oneof![words.clone(), (letters, criteria).prop_map(|(one, other)| one + other)];
    (level, on, written).prop_map(|(level, on, written)| format!("{level}/{on}.{written}"))
}

fn scopes() -> impl Strategy<Value = Scopes> {
    let other =
        prop_oneof![Just("openid"), Just("launch/patient"), Just("patient/Patient."), Just("system/*")];
    let one = prop_oneof![9 => scope(), 1 => other.prop_map(str::to_owned)];
    prop::collection::vec(one, 0..7).prop_map(|all| all.join(" ").parse().unwrap())
}

fn set() -> impl Strategy<Value = SmartScopes> {
    scopes().prop_map(|scopes| SmartScopes::of(&scopes))
}

fn asked() -> impl Strategy<Value = Asked> {
    let level = prop_oneof![Just(Level::Patient), Just(Level::User), Just(Level::System)];
    let on = prop_oneof![Just("Observation"), Just("Condition"), Just("Encounter")];
    let interaction = prop::sample::select(&Interaction::ALL[..]);
    let categories = prop::sample::subsequence(vec!["a", "b", "c"], 0..=3);
    let code = prop_oneof![Just("x"), Just("y"), Just("z")];
    (level, on, interaction, categories, code).prop_map(|(level, on, interaction, categories, code)| Asked {
        level,
        on,
        interaction,
        categories: categories.into_iter().collect(),
        code,
    })
}

proptest! {
    #[test]
    fn union_is_idempotent_commutative_and_associative(a in set(), b in set(), c in set()) {
        prop_assert_eq!(a.union(&a), a.clone());
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
        prop_assert!(a.union(&b).cover_all(&a) && a.union(&b).cover_all(&b));
    }

    #[test]
    fn intersection_is_the_greatest_lower_bound(a in set(), b in set(), c in set()) {
        let both = a.intersection(&b);
        prop_assert!(a.cover_all(&both) && b.cover_all(&both));
        prop_assert_eq!(&both, &b.intersection(&a));
        prop_assert_eq!(a.intersection(&a), a.clone());
        if a.cover_all(&c) && b.cover_all(&c) {
            prop_assert!(both.cover_all(&c));
        }
        prop_assert_eq!(a.intersection(&b.union(&c)), a.intersection(&b).union(&a.intersection(&c)));
    }

    #[test]
    fn implication_is_an_order(a in set(), b in set(), c in set()) {
        prop_assert!(a.cover_all(&a));
        let (ab, bc) = (a.union(&b), a.union(&b).union(&c));
        prop_assert!(bc.cover_all(&ab) && ab.cover_all(&a) && bc.cover_all(&a));
        if a.cover_all(&b) && b.cover_all(&c) {
            prop_assert!(a.cover_all(&c));
        }
    }

    /// Mutual implication, and only that, is to permit the same.
    #[test]
    fn sets_that_imply_one_another_permit_the_same(a in set(), b in set(), asked in prop::collection::vec(asked(), 16)) {
        for asked in &asked {
            if a.cover_all(&b) {
                prop_assert!(permitted(&a, asked) || !permitted(&b, asked));
            }
            if a == b {
                prop_assert_eq!(permitted(&a, asked), permitted(&b, asked));
            }
        }
    }

    #[test]
    fn permits_agrees_with_the_model_on_any_walk(
        start in scopes(),
        steps in prop::collection::vec((any::<bool>(), scopes()), 0..5),
        asked in prop::collection::vec(asked(), 32),
    ) {
        let mut set = SmartScopes::of(&start);
        let mut model: Vec<bool> = asked.iter().map(|asked| lets(&start, asked)).collect();
        for (is_union, scopes) in steps {
            let other = SmartScopes::of(&scopes);
            set = if is_union { set.union(&other) } else { set.intersection(&other) };
            for (known, asked) in model.iter_mut().zip(&asked) {
                *known = if is_union { *known || lets(&scopes, asked) } else { *known && lets(&scopes, asked) };
            }
        }
        for (known, asked) in model.iter().zip(&asked) {
            prop_assert_eq!(permitted(&set, asked), *known, "{:?} {:?}", set, asked);
        }
    }

    #[test]
    fn nothing_is_granted_that_was_not_both_asked_and_registered(
        wanted in scopes(), registered in scopes(), asked in prop::collection::vec(asked(), 32),
    ) {
        let granted = wanted.as_far_as(&registered);
        for asked in &asked {
            prop_assert_eq!(lets(&granted, asked), lets(&wanted, asked) && lets(&registered, asked));
        }
        for scope in granted.iter().filter(|scope| scope.as_str().parse::<SmartScope>().is_err()) {
            prop_assert!(wanted.has(scope.as_str()) && registered.has(scope.as_str()));
            prop_assert!(!SmartScope::is_meant(scope.as_str()));
        }
        prop_assert_eq!(&granted.as_far_as(&registered), &granted);
    }

    #[test]
    fn what_is_written_is_read_back(text in "(patient|user|system)/(\\*|[A-Z][a-z]{1,9})\\.(c?r?u?d?s?|read|write|\\*)(\\?[a-z_:.%]{1,9}=[!-~]{0,12})?") {
        if let Ok(scope) = text.parse::<SmartScope>() {
            let written = scope.to_string();
            prop_assert!(written.parse::<crate::Scope>().is_ok());
            prop_assert_eq!(written.parse::<SmartScope>(), Ok(scope));
        }
    }

    #[test]
    fn no_text_upsets_the_reader(text in "\\PC{0,60}") {
        let _ = text.parse::<SmartScope>();
    }
}
