//! Who is in a group.  <https://hl7.org/fhir/R4/group.html>

use std::collections::HashSet;

use fhirpath::document::{Document, DocumentLimits, Element};
use kernel::Interaction;

use crate::{
    Fhir,
    interaction::{Asked, answer, asked::type_of, posted::Said, read::newest},
    resource::{LogicalId, Version},
};

/// The group as the caller may read it, and who is in it.
pub(crate) async fn group_of(fhir: &Fhir, asked: &Asked, id: &str) -> Said<(Version, HashSet<String>)> {
    let of = type_of("Group")?;
    let rule = asked.rule(of, Interaction::Read)?;
    let id: LogicalId = id.parse().map_err(|_| answer::missing())?;
    let group = newest(fhir, asked, (of, &id), &rule).await?.ok_or_else(answer::missing)?;
    let text = group.body.as_ref().ok_or_else(|| answer::gone(&group))?;
    let members = members(text.as_str(), &fhir.base);
    Ok((group, members))
}

/// The patients that are members, as the group's text says it: those that are marked inactive, and whoever the group leaves out by a
/// characteristic alone, are not.
pub(super) fn members(text: &str, base: &str) -> HashSet<String> {
    let Ok(document) = Document::from_json(text.as_bytes(), &DocumentLimits::default()) else {
        return HashSet::new();
    };
    document
        .root()
        .members()
        .filter(|element| element.name() == "member")
        .filter_map(|member| patient(member, base))
        .collect()
}

fn patient(member: Element<'_>, base: &str) -> Option<String> {
    let text = |element: Option<Element<'_>>| element.and_then(|it| it.text().map(|text| text.into_owned()));
    let is_inactive = member.child("inactive").is_some_and(|inactive| inactive.raw() == "true");
    if is_inactive {
        return None;
    }
    let reference = text(member.child("entity")?.child("reference"))?;
    let own = reference.strip_prefix(base).map_or(&*reference, |path| path.trim_start_matches('/'));
    let id = own.strip_prefix("Patient/")?;
    let id = id.split('/').next().unwrap_or_default();
    let id: LogicalId = id.parse().ok()?;
    Some(id.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_the_active_patients() {
        let text = r#"{"resourceType":"Group","member":[{"entity":{"reference":"Patient/a"}},
            {"entity":{"reference":"Patient/b"},"inactive":true},{"entity":{"reference":"Device/c"}},
            {"entity":{"reference":"https://hilum.example/fhir/Patient/d/_history/2"}},{"entity":{"display":"e"}},
            {"entity":{"reference":"https://elsewhere.example/fhir/Patient/f"}}]}"#;
        let expected: HashSet<String> = ["a", "d"].map(str::to_owned).into_iter().collect();
        let base = "https://hilum.example/fhir";
        assert_eq!(members(text, base), expected);
        assert!(members("{", base).is_empty());
    }
}
