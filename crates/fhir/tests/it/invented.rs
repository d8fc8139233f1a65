//! Records by chance that repeats: few words, so that searches meet.

use kernel::Entropy;
use testkit::SeededEntropy;

/// Chance that repeats.
pub(crate) struct Chance(pub(crate) SeededEntropy);

impl Chance {
    pub(crate) fn below(&self, end: usize) -> usize {
        let mut byte = [0];
        self.0.fill(&mut byte);
        usize::from(byte[0]) % end
    }

    fn one<'a>(&self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn maybe(&self, text: String) -> String {
        if self.below(3) == 0 { String::new() } else { text }
    }
}

pub(crate) fn patient(chance: &Chance) -> String {
    let name = format!(
        r#","name":[{{"family":"{}","given":["{}"]}}]"#,
        chance.one(&[
            "Ümit",
            "Umit",
            "Smith",
            "Smithson-of-a-very-long-name-that-goes-on-and-on-to-the-end-a"
        ]),
        chance.one(&["Ana", "ann", "Bo"]),
    );
    let born = format!(r#","birthDate":"{}""#, chance.one(&["1970", "1970-01", "1970-01-05", "2001-12-31"]));
    let at = match chance.below(4) {
        0 => r#","managingOrganization":{"display":"North without a record"}"#.to_owned(),
        _ => format!(r#","managingOrganization":{{"reference":"Organization/{}"}}"#, chance.below(3)),
    };
    let identifier = format!(
        r#","identifier":[{{"system":"urn:{}","value":"{}","type":{{"text":"Medical Record"}}}}]"#,
        chance.below(2),
        chance.below(4)
    );
    format!(
        r#"{{"resourceType":"Patient"{},"gender":"{}","active":{}{}{}{}{}}}"#,
        chance.maybe(format!(
            r#","text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><b>Hello</b><i>{}</i></div>"}}"#,
            chance.one(&["World", "wider"])
        )),
        chance.one(&["male", "female"]),
        chance.one(&["true", "false"]),
        chance.maybe(name),
        chance.maybe(born),
        chance.maybe(at),
        chance.maybe(identifier),
    )
}

pub(crate) fn observation(chance: &Chance) -> String {
    let quantity = |chance: &Chance| {
        let (number, unit) =
            (chance.one(&["1", "1.0", "1.04", "2500", "0.0025", "-3"]), chance.one(&["mg", "g", "kg"]));
        format!(
            r#"{{"value":{number},"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"}}"#
        )
    };
    let code = |chance: &Chance| {
        format!(
            r#"{{"coding":[{{"system":"http://{}","code":"{}","display":"{}"}}]{}}}"#,
            chance.one(&["loinc.org", "snomed.info/sct"]),
            chance.one(&["a", "b", "c"]),
            chance.one(&["Some Words", "Other words"]),
            chance.one(&["", r#","text":"Some More""#]),
        )
    };
    let when = match chance.below(3) {
        0 => String::new(),
        1 => format!(
            r#","effectiveDateTime":"{}""#,
            chance.one(&[
                "2026",
                "2026-01-05",
                "2026-01-05T08:00:00Z",
                "2026-01-05T08:00:00.0005Z",
                "2025-02"
            ])
        ),
        _ => format!(
            r#","effectivePeriod":{{"start":"{}"}}"#,
            chance.one(&["2026-01-04", "2025-01-01", "2027"])
        ),
    };
    let whose = format!(
        r#","subject":{{"reference":"{}/{}","display":"{}"}}"#,
        chance.one(&["Patient", "Group"]),
        chance.below(5),
        chance.one(&["Somebody", "Someone", "Else"])
    );
    let value = format!(r#","valueQuantity":{}"#, quantity(chance));
    let part = format!(r#","component":[{{"code":{},"valueQuantity":{}}}]"#, code(chance), quantity(chance));
    let profile = format!(
        r#","meta":{{"profile":["http://x.org/a/{}"],"tag":[{{"system":"urn:t","code":"{}"}}]}}"#,
        chance.one(&["b", "b/c", "d|1"]),
        chance.one(&["t", "u"])
    );
    format!(
        r#"{{"resourceType":"Observation"{},"status":"{}","code":{}{}{when}{}{}}}"#,
        chance.maybe(profile),
        chance.one(&["final", "amended"]),
        code(chance),
        chance.maybe(whose),
        chance.maybe(value),
        chance.maybe(part),
    )
}

pub(crate) fn list(chance: &Chance) -> String {
    let item = |chance: &Chance| format!(r#"{{"item":{{"reference":"Patient/{}"}}}}"#, chance.below(5));
    format!(
        r#"{{"resourceType":"List","status":"current","mode":"working","subject":{{"reference":"Patient/{}"}},"entry":[{},{}]}}"#,
        chance.one(&["1", "3"]),
        item(chance),
        item(chance)
    )
}

pub(crate) fn report(chance: &Chance) -> String {
    format!(
        r#"{{"resourceType":"DiagnosticReport","status":"{}","subject":{{"reference":"Patient/{}"}},"result":[{{"reference":"Observation/{}"}}]}}"#,
        chance.one(&["final", "partial"]),
        chance.one(&["1", "2", "3"]),
        chance.below(24)
    )
}

pub(crate) fn organisation(chance: &Chance) -> String {
    let parent = format!(r#","partOf":{{"reference":"Organization/{}"}}"#, chance.below(3));
    format!(
        r#"{{"resourceType":"Organization","name":"{}"{}}}"#,
        chance.one(&["North", "South"]),
        chance.maybe(parent)
    )
}
