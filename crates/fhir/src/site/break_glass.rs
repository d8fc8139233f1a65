//! Who may ask past what patients withhold, in an emergency: nobody, where administrators have named nobody.
//! `docs/decisions/0015-consent-in-the-access-decision.md`

use kernel::Issue;

use crate::consent::Who;

/// Callers that may be named for one site.
pub const BREAK_GLASS_MAX: usize = 200;
/// The longest name of one, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// The callers, as consents name those who act: `Practitioner/5`, `Device/<client id>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BreakGlass(Vec<Box<str>>);

impl BreakGlass {
    /// These.
    ///
    /// # Errors
    /// Every name that is none.
    pub fn new(names: &[String]) -> Result<Self, Vec<Issue>> {
        let words = "must be Practitioner/<id> or Device/<client id>";
        let wrong = names.iter().enumerate().filter(|(_, name)| !is_caller(name));
        let mut issues: Vec<Issue> =
            wrong.map(|(nth, _)| Issue::at(format!("break_glass[{nth}]"), words)).collect();
        if names.len() > BREAK_GLASS_MAX {
            issues.push(Issue::at("break_glass", format!("at most {BREAK_GLASS_MAX} callers")));
        }
        let mut all: Vec<Box<str>> = names.iter().map(|name| name.as_str().into()).collect();
        all.sort();
        all.dedup();
        if issues.is_empty() { Ok(Self(all)) } else { Err(issues) }
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|name| String::from(&**name)).collect()
    }

    /// Whether this one is among them.
    pub(crate) fn has(&self, who: &Who) -> bool {
        who.references.iter().any(|reference| self.0.iter().any(|name| **name == **reference))
    }

    pub(super) fn read(kept: &str) -> Self {
        Self(kept.split_ascii_whitespace().map(Into::into).collect())
    }

    pub(super) fn kept(&self) -> String {
        self.0.join(" ")
    }
}

fn is_caller(name: &str) -> bool {
    let id = name.strip_prefix("Practitioner/").or_else(|| name.strip_prefix("Device/"));
    id.is_some_and(|id| {
        (1..=NAME_BYTES_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_be_named() {
        let named = |name: &str| BreakGlass::new(&[name.to_owned()]).is_ok();
        for good in ["Practitioner/5", "Device/a1b2.clients.example", "Device/x-y_z"] {
            assert!(named(good), "{good}");
        }
        let long = format!("Device/{}", "x".repeat(NAME_BYTES_MAX + 1));
        for bad in
            ["", "Practitioner/", "Patient/1", "Organization/1", "Device/a b", "*", "Device/a/b", &long]
        {
            assert!(!named(bad), "{bad}");
        }
        assert!(BreakGlass::new(&vec!["Device/x".to_owned(); BREAK_GLASS_MAX + 1]).is_err());
        let two = ["Device/x", "Practitioner/5", "Device/x"].map(str::to_owned);
        let two = BreakGlass::new(&two).unwrap();
        assert_eq!(BreakGlass::read(&two.kept()), two);
        assert!(!BreakGlass::default().has(&Who { references: vec![String::new()], ..Who::default() }));
    }
}
