//! What the domains say of a refusal, in the language of the page. The domains speak English, to machines and people alike.

use super::said::said;
use crate::words::sentence;

/// The words of a domain that people read on a page, and the message that says the same. A test finds each of them in the
/// source that says it.
pub(super) const HEARD: &[(&str, &str)] = &[
    ("The e-mail address or the password is not right.", "fault-password"),
    ("Too many tries. Wait a little, then try again.", "fault-throttled"),
    (
        "No device is waiting with this code. Codes are good for ten minutes: look at your device again.",
        "fault-device",
    ),
    ("The account is not complete or not right.", "fault-account"),
    ("There is an account with this e-mail address already.", "fault-email-taken"),
    ("must be an e-mail address", "fault-email"),
    ("must be 1 to 200 characters", "fault-name"),
    ("must be at least 12 characters", "fault-password-short"),
    ("must be at most 1024 bytes", "fault-password-long"),
    ("must have more than four different characters", "fault-password-alike"),
    ("is among the first that anybody would try", "fault-password-guessed"),
    (
        "This question was answered already or is too old. Start again from the application.",
        "fault-not-pending",
    ),
    (
        "The application that sent you here is not known: its client_id is not registered.",
        "fault-unknown-client",
    ),
    (
        "The application asked for the answer to be sent to an address that it has not registered \
         (redirect_uri must be equal to a registered one, character by character).",
        "fault-redirect",
    ),
    ("there is no such service to link here", "fault-no-service"),
    ("the application that sent you here may not link this service", "fault-may-not-link"),
    (
        "this answer was used before, came too late, or belongs to another browser. What was linked stays as it \
         was; please begin again",
        "fault-journey",
    ),
    ("there is nothing here", "fault-nothing-here"),
    ("not allowed", "fault-not-allowed"),
    ("the request is malformed", "fault-malformed"),
    ("this form was sent from another site", "fault-other-site"),
    ("too many requests; see the Retry-After header", "fault-too-many"),
    ("not available at the moment; try again later", "fault-unavailable"),
    ("internal error", "fault-internal"),
    ("choose where you belong", "fault-choose-organisation"),
    ("choose to allow or not to allow", "fault-choose-decision"),
];

/// What a domain says, as a sentence in the language of the page; what is not known here stays in English.
pub(crate) fn heard(message: &str) -> String {
    let found = HEARD.iter().find(|(words, _)| *words == message);
    found.map_or_else(|| sentence(message), |(_, key)| said(key).into())
}
