//! Permissions in plain words.

use std::borrow::Cow;

/// What a scope lets somebody do, for a person who has never heard of scopes. An unknown one is shown as it is
/// written: nothing is left out of what a person agrees to.
pub(crate) fn scope(scope: &str) -> Cow<'static, str> {
    let known = match scope {
        "openid" => "Know who you are, by a number that stands for your account",
        "profile" => "See your name",
        "email" => "See your e-mail address",
        "fhirUser" => "Know which record in the health system is yours",
        "offline_access" => "Keep this access while you are away, until you take it back",
        "online_access" => "Keep this access while you are signed in",
        "integrations:read" => "See which of your services are linked",
        "integrations:use" => "Use your linked services for you, as far as it is trusted to",
        "integrations:revoke" => "Unlink your services for you",
        "launch/patient" => "Know which patient this is about",
        "heartrate" | "heart_rate" => "Read your heart rate",
        "activity" => "Read your activity: steps, distance, exercise",
        "sleep" => "Read your sleep",
        "weight" => "Read your weight",
        "nutrition" => "Read what you eat and drink",
        "oxygen_saturation" | "spo2" => "Read your blood oxygen",
        "temperature" => "Read your temperature",
        "location" => "Read where your activities took place",
        "settings" => "Read your account settings there",
        "social" => "Read your list of friends there",
        _ => return smart(scope).map_or_else(|| Cow::Owned(format!("Permission “{scope}”")), Cow::Owned),
    };
    Cow::Borrowed(known)
}

/// `patient/Observation.rs` (SMART App Launch 2.2 §3.0.2) in words.
fn smart(scope: &str) -> Option<String> {
    let (context, rest) = scope.split_once('/')?;
    let (resource, permissions) = rest.split_once('.')?;
    let permissions = permissions.split_once('?').map_or(permissions, |(before, _)| before);
    let whose = match context {
        "patient" => "in your record",
        "user" => "that you may see",
        "system" => "of everybody, without a person being there",
        _ => return None,
    };
    let writes = permissions == "*" || permissions == "write" || permissions.contains(['c', 'u', 'd']);
    let reads = permissions == "*"
        || permissions == "read"
        || permissions.contains(['r', 's']) && permissions != "write";
    let verb = match (reads, writes) {
        (true, true) => "Read and change",
        (true, false) => "Read",
        (false, true) => "Change",
        (false, false) => return None,
    };
    let what =
        if resource == "*" { "everything".to_owned() } else { format!("every {} entry", spaced(resource)) };
    Some(format!("{verb} {what} {whose}"))
}

/// `AllergyIntolerance` as `allergy intolerance`.
fn spaced(resource: &str) -> String {
    let mut words = String::new();
    for (nth, letter) in resource.chars().enumerate() {
        if letter.is_uppercase() && nth > 0 {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// The first letter of a name, for the square that stands for a thing.
pub(crate) fn monogram(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_else(|| "·".to_owned())
}

/// `must be at most 20` as `Must be at most 20.`
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if message.ends_with(char::is_alphanumeric) { "." } else { "" };
    format!("{first}{}{end}", letters.as_str())
}

/// `1 of 3 services` and the like: a number and the word that goes with it.
pub(crate) fn count(amount: usize, one: &str, many: &str) -> String {
    match amount {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        _ => format!("{amount} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_in_plain_words() {
        assert_eq!(scope("heartrate"), "Read your heart rate");
        assert_eq!(scope("patient/Observation.rs"), "Read every observation entry in your record");
        assert_eq!(scope("patient/*.cruds"), "Read and change everything in your record");
        assert_eq!(
            scope("user/AllergyIntolerance.write"),
            "Change every allergy intolerance entry that you may see"
        );
        assert_eq!(scope("odd.thing"), "Permission “odd.thing”");
    }

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("must be at most 20"), "Must be at most 20.");
        assert_eq!(sentence("Such as app://"), "Such as app://");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn a_name_without_letters_still_has_a_mark() {
        assert_eq!(monogram("fitbit"), "F");
        assert_eq!(monogram("…"), "·");
    }
}
