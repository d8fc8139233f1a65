//! Scopes as a person reads them: in sentences, in groups.  SMART App Launch 2.2 §3.0.2, OpenID Connect Core §5.4

use kernel::Scopes;

use crate::language::{Said, named, t};

/// What a scope lets somebody do, for a person who has never heard of scopes. An unknown one is shown as it is
/// written: nothing is left out of what a person agrees to.
pub(crate) fn sentence(scope: &str) -> String {
    in_words(scope, Whose::Own)
}

/// Scopes that belong together, under one heading.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// What they are about.
    pub(crate) heading: String,
    /// The scopes, each in words.
    pub(crate) lines: Vec<Line>,
}

/// One scope.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// As it is written.
    pub(crate) scope: String,
    /// In words.
    pub(crate) words: String,
}

/// What is asked for, grouped by what it is about; scopes that narrow the same resource stand under its name.
pub(crate) fn groups(scopes: &Scopes) -> Vec<Group> {
    let opens_one =
        scopes.iter().any(|scope| scope.as_str() == "launch" || scope.as_str().starts_with("launch/"));
    let whose = if opens_one { Whose::Chosen } else { Whose::Own };
    let mut groups: Vec<(Topic, Group)> = Vec::new();
    for scope in scopes.iter() {
        let topic = topic_of(scope.as_str(), scopes);
        let words = match (&topic, Smart::read(scope.as_str())) {
            (Topic::Resource(_), Some(smart)) => smart.part(whose),
            _ => in_words(scope.as_str(), whose),
        };
        let line = Line { scope: scope.to_string(), words };
        match groups.iter_mut().find(|(of, _)| *of == topic) {
            Some((_, group)) => group.lines.push(line),
            None => groups.push((topic.clone(), Group { heading: topic.heading(), lines: vec![line] })),
        }
    }
    groups.sort_by(|(one, _), (other, _)| one.cmp(other));
    groups.into_iter().map(|(_, group)| group).collect()
}

/// What a scope is about, in the order of a page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    You,
    Record,
    /// One kind of entry, of which several scopes each take a part.
    Resource(String),
    Services,
    Away,
    Other,
}

impl Topic {
    fn heading(&self) -> String {
        match self {
            Self::You => t("group-you").into(),
            Self::Record => t("group-record").into(),
            Self::Resource(resource) => capital(&name_of(resource)),
            Self::Services => t("group-services").into(),
            Self::Away => t("group-away").into(),
            Self::Other => t("group-other").into(),
        }
    }
}

fn topic_of(scope: &str, all: &Scopes) -> Topic {
    if let Some(smart) = Smart::read(scope) {
        let of_same = |other: &str| Smart::read(other).is_some_and(|other| other.resource == smart.resource);
        let siblings = all.iter().filter(|other| of_same(other.as_str()));
        let is_split = smart.resource != "*" && siblings.count() > 1 && smart.is_own();
        return if is_split { Topic::Resource(smart.resource.to_owned()) } else { Topic::Record };
    }
    match scope {
        "openid" | "udap" | "profile" | "email" | "address" | "phone" | "fhirUser" => Topic::You,
        "offline_access" | "online_access" => Topic::Away,
        _ if scope == "launch" || scope.starts_with("launch/") => Topic::Record,
        _ if scope.starts_with("integrations:") => Topic::Services,
        _ => Topic::Other,
    }
}

/// Whose record a `patient/` scope means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The person's own.
    Own,
    /// That of the patient who is chosen, or open where the person comes from.
    Chosen,
}

fn in_words(scope: &str, whose: Whose) -> String {
    if let Some(smart) = Smart::read(scope) {
        return smart.sentence(whose);
    }
    let name = scope.replace([':', '.', '/'], "-");
    named("scope", &name).unwrap_or_else(|| t("permission-unknown").of("scope", scope)).into()
}

/// `patient/Observation.rs?category=laboratory`, read.
struct Smart<'a> {
    context: &'a str,
    resource: &'a str,
    letters: &'a str,
    query: &'a str,
}

impl<'a> Smart<'a> {
    /// The parts of a scope of SMART version 1 or 2. One that is neither is not put into words that might be wrong.
    fn read(scope: &'a str) -> Option<Self> {
        let (context, rest) = scope.split_once('/')?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (resource, permissions) = rest.split_once('.')?;
        let letters = match permissions {
            "*" => "cruds",
            "read" => "rs",
            "write" => "cud",
            _ => permissions,
        };
        let are_known = !letters.is_empty() && letters.chars().all(|letter| "cruds".contains(letter));
        let is_known = matches!(context, "patient" | "user" | "system") && are_known && !resource.is_empty();
        is_known.then_some(Self { context, resource, letters, query })
    }

    fn is_own(&self) -> bool {
        self.context == "patient"
    }

    /// "read, add and change"
    fn may(&self) -> String {
        let has = |letters: &str| self.letters.contains(|letter| letters.contains(letter));
        let all = [
            (has("rs"), t("may-read")),
            (has("c"), t("may-add")),
            (has("u"), t("may-change")),
            (has("d"), t("may-delete")),
        ];
        let mut verbs: Vec<String> =
            all.into_iter().filter_map(|(may, verb)| may.then(|| verb.into())).collect();
        let last = verbs.pop().unwrap_or_default();
        let before = verbs.into_iter().reduce(|before, verb| listed(t("may-list"), &before, &verb));
        before.map_or(last.clone(), |before| listed(t("may-and"), &before, &last))
    }

    fn sentence(&self, whose: Whose) -> String {
        let whole = match (self.context, whose) {
            ("patient", Whose::Own) => t("permission-own"),
            ("patient", Whose::Chosen) => t("permission-chosen"),
            ("user", _) => t("permission-user"),
            _ => t("permission-system"),
        };
        let whole: String = whole.of("may", self.may()).of("what", name_of(self.resource)).into();
        capital(&self.filters().fold(whole, |words, (name, value)| match category(&name, &value) {
            Some(kinds) => t("permission-only").of("words", words).of("kinds", kinds).into(),
            None => t("permission-filter").of("words", words).of("name", name).of("value", value).into(),
        }))
    }

    /// Under the name of its resource: "read laboratory results".
    fn part(&self, whose: Whose) -> String {
        let mut filters = self.filters();
        let first = filters.next().and_then(|(name, value)| category(&name, &value));
        match (first, filters.next()) {
            (Some(kinds), None) => {
                capital(&t("permission-part").of("may", self.may()).of("kinds", kinds).to_string())
            }
            _ => self.sentence(whose),
        }
    }

    fn filters(&self) -> impl Iterator<Item = (String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes()).into_owned()
    }
}

/// "laboratory results", for a category that is known by that name, whatever code system says so.
fn category(name: &str, value: &str) -> Option<Said> {
    let code = value.rsplit('|').next().unwrap_or_default();
    if name == "category" { named("category", code) } else { None }
}

fn listed(said: Said, before: &str, last: &str) -> String {
    said.of("before", before).of("last", last).into()
}

fn name_of(resource: &str) -> String {
    let said = if resource == "*" { Some(t("resource-all")) } else { named("resource", resource) };
    said.unwrap_or_else(|| t("resource-other").of("name", resource)).into()
}

/// With a capital at its beginning.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::rendered_in;

    #[test]
    fn scopes_are_read_in_plain_words() {
        for (scope, english, ukrainian) in [
            ("heartrate", "Read your heart rate", "Читати ваш пульс"),
            (
                "patient/Observation.rs",
                "Read measurements and test results in your health record",
                "Читати вимірювання та результати аналізів у вашій медичній картці",
            ),
            (
                "patient/*.cruds",
                "Read, add, change and delete everything in your health record",
                "Читати, додавати, змінювати та видаляти усе у вашій медичній картці",
            ),
            (
                "patient/Observation.s?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
                "Read measurements and test results in your health record, only laboratory results",
                "Читати вимірювання та результати аналізів у вашій медичній картці, лише лабораторні результати",
            ),
            (
                "user/AllergyIntolerance.write",
                "Add, change and delete allergies and intolerances that you may see yourself",
                "Додавати, змінювати та видаляти алергії та непереносимості — те, що дозволено бачити вам",
            ),
            (
                "system/Patient.r",
                "Read personal details, such as name, birthday and address of everybody, without a person being there",
                "Читати особисті дані: ім’я, дату народження, адресу тощо усіх людей, без участі людини",
            ),
            (
                "patient/Basic.r?code=x",
                "Read entries of the kind Basic in your health record, only where code is x",
                "Читати записи виду Basic у вашій медичній картці, лише якщо code дорівнює x",
            ),
            (
                "offline_access",
                "Keep this access when you are not using the application, until you take it away",
                "Зберігати цей доступ, коли ви не користуєтеся застосунком, доки ви його не заберете",
            ),
            ("odd.thing", "Permission “odd.thing”", "Дозвіл «odd.thing»"),
            (
                "patient/Observation.xyz",
                "Permission “patient/Observation.xyz”",
                "Дозвіл «patient/Observation.xyz»",
            ),
            ("patient/Observation.", "Permission “patient/Observation.”", "Дозвіл «patient/Observation.»"),
        ] {
            assert_eq!(rendered_in("en", || sentence(scope)), english);
            assert_eq!(rendered_in("uk", || sentence(scope)), ukrainian);
        }
    }

    #[test]
    fn what_narrows_one_resource_stands_under_its_name() {
        let scopes = "openid offline_access patient/Observation.rs?category=laboratory \
                      patient/Observation.rs?category=vital-signs patient/Condition.rs integrations:read odd"
            .parse()
            .unwrap();
        let found: Vec<(String, Vec<String>)> = groups(&scopes)
            .into_iter()
            .map(|group| (group.heading, group.lines.into_iter().map(|line| line.words).collect()))
            .collect();
        let headings: Vec<&str> = found.iter().map(|(heading, _)| heading.as_str()).collect();
        assert_eq!(
            headings,
            [
                "About you",
                "In the health record",
                "Measurements and test results",
                "Your linked services",
                "When you are away",
                "Other permissions",
            ]
        );
        assert_eq!(found[2].1, ["Read laboratory results", "Read vital signs, such as blood pressure"]);
        assert_eq!(found[1].1, ["Read diagnoses and health problems in your health record"]);
    }

    #[test]
    fn every_scope_has_its_line() {
        let scopes: Scopes = "launch/patient patient/*.rs system/*.* user/Task.u? a b c".parse().unwrap();
        let mut listed: Vec<String> =
            groups(&scopes).into_iter().flat_map(|group| group.lines).map(|line| line.scope).collect();
        listed.sort();
        let mut asked: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        asked.sort();
        assert_eq!(listed, asked);
    }
}
