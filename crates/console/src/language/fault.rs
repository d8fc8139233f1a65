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
    ("The code is not right, or was used before.", "fault-code"),
    (
        "This is not the code that the app shows now. Look again, and mind the clock of the phone.",
        "fault-first-code",
    ),
    ("This passkey does not sign you in here.", "fault-passkey"),
    ("The passkey was not saved. Try again.", "fault-passkey-saved"),
    ("Passkeys are not possible here.", "fault-no-passkeys"),
    ("That took too long. Start again with your password.", "fault-halfway"),
    ("There is no such thing among your ways to sign in, or it took too long.", "fault-factor-gone"),
    ("Sign in again first: this changes how you sign in.", "fault-factor-anew"),
    ("must be 1 to 60 characters", "fault-factor-name"),
    ("You have as many as anybody may have. Remove one first.", "fault-factors-max"),
    ("There is no such way to sign in.", "fault-provider-gone"),
    (
        "This sign-in was not begun in this browser, took too long, or was finished before. Start again.",
        "fault-provider-not-asked",
    ),
    ("The other site did not sign you in.", "fault-provider-denied"),
    ("You were not signed in: the other site's answer cannot be used here.", "fault-provider-untrusted"),
    ("You were not signed in: the other site has not checked enough who you are.", "fault-provider-weak"),
    (
        "This account there is linked to somebody else here, or you have linked another one. Unlink that first.",
        "fault-provider-otherwise",
    ),
    ("The other site does not answer as it should. Try again later.", "fault-provider-unreadable"),
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
    ("choose an application", "fault-choose-application"),
    ("No patient and no application is set up for you here.", "fault-nothing-to-launch"),
    ("request: must name a request", "fault-no-request"),
    ("Type the name exactly as it is shown", "confirm-name-wrong"),
    ("must be letters a to z, digits and spaces, 1 to 40 of them without the spaces", "fault-key-name"),
    (
        "Your organisation has or had a key or an application of this name; names are not used twice.",
        "fault-key-taken",
    ),
    ("Your organisation has as many keys as it may; delete one first.", "fault-keys-many"),
    ("must be at least one", "fault-one-at-least"),
    ("The registration has changed since you opened this page. Look at it again.", "fault-client-changed"),
    (
        "It is not your turn: the application waits for an administrator, or is verified.",
        "fault-not-sent-back",
    ),
    ("must be 1 to 1000 characters of text", "fault-review-note"),
    ("choose one", "fault-review-decision"),
    ("Your organisation has as many tokens as it may; revoke one first.", "fault-tokens-many"),
    ("must be 1 to 100 characters", "fault-tokens-name"),
    ("must be 1 to 1000 registrations", "fault-tokens-uses"),
    ("must be 1 to 365 days", "fault-tokens-days"),
    ("The provider's settings are not complete or not right.", "fault-upstream-refused"),
    ("Another provider has this short name.", "fault-upstream-taken"),
    (
        "must be an address without query or fragment, as the provider's metadata has it",
        "fault-upstream-issuer",
    ),
    ("fill in the part in braces", "fault-upstream-braces"),
    ("must not be empty", "fault-upstream-empty"),
    ("must hold `openid`", "fault-upstream-scopes"),
    ("must be stated with private_key_jwt", "fault-upstream-alg"),
    ("must be 1 to 40 of a-z, 0-9 and hyphens", "fault-upstream-slug"),
    ("must be stated", "fault-upstream-stated"),
    ("must be a PKCS#8 key for assertion_alg: -----BEGIN PRIVATE KEY-----", "fault-upstream-key"),
    ("must be 1 to 64 letters, digits, hyphens or dots", "fault-fhir-id"),
    (
        "must be Patient, Practitioner, PractitionerRole, RelatedPerson or Person, a slash and an id",
        "fault-fhir-user",
    ),
    ("choose what they are to the patient", "fault-relation"),
    ("must be 1 to 40 of 0-9 and a-z", "fault-suffix"),
    ("Verify the application first.", "fault-verify-first"),
    ("are separated by spaces", "fault-spaces"),
    ("must be a number", "fault-number"),
    ("choose at least one", "fault-one-role"),
    ("write a role, a colon and a study's short name", "fault-study-role"),
    ("names what is no role of a study", "fault-study-role-unknown"),
    ("names a study that there is not", "fault-study-unknown"),
    ("there is an integration with this id already", "fault-integration-taken"),
    ("Another application of your organisation has this suffix.", "fault-suffix-taken"),
    ("The registration is not complete or not right.", "fault-registration"),
    ("choose where you belong", "fault-choose-organisation"),
    ("choose to allow or not to allow", "fault-choose-decision"),
    ("must be HC and five letters or digits", "fault-site-code"),
    ("this code is another site's", "fault-site-taken"),
    ("must be Practitioner/<id> or Device/<client id>", "fault-site-glass"),
    ("must be the canonical of a profile", "fault-site-profile"),
    ("must be a day and a time", "fault-since"),
    ("it says that it is gone (410)", "fault-hook-gone"),
    ("it has taken nothing for five days", "fault-hook-nothing"),
    ("the third party's address is not allowed here", "fault-hook-inside"),
    ("the third party's answer is too large", "fault-hook-large"),
    ("the third party does not answer", "fault-hook-silent"),
    ("is a profile in none of the packages that the site has switched on", "fault-site-profile-none"),
];

/// What a domain says, as a sentence in the language of the page; what is not known here stays in English.
pub(crate) fn heard(message: &str) -> String {
    let found = HEARD.iter().find(|(words, _)| *words == message);
    found.map_or_else(|| sentence(message), |(_, key)| said(key).into())
}
