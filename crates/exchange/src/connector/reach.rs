//! The first steps of a test of anything that is called by HTTP: its name, a connection, its encryption.

use kernel::World;
use outbound::{Call, Outbound, OutboundFault, Unreached, WholeAnswer};
use url::Url;

use super::{
    Findings, Outcome, StepName, Way,
    look::{CHECK_BYTES_MAX, words},
};

/// What a test of such a source goes through, in this order.
pub(super) const STEPS: [StepName; 7] = [
    StepName::Name,
    StepName::Connection,
    StepName::Tls,
    StepName::Api,
    StepName::SignIn,
    StepName::Permission,
    StepName::SampleRead,
];

/// Whether anybody is there; none if not.
pub(super) async fn reach(
    outbound: &Outbound,
    url: &Url,
    (world, findings): (&World, &mut Findings),
) -> Option<()> {
    let began = world.now();
    let door = outbound.look_up(url).await;
    let said = match &door {
        Ok(_) => (Outcome::Passed, "the host has an address"),
        Err(Unreached::Refused(_)) => {
            (Outcome::Failed, "the address is not one that may be called from here")
        }
        Err(_) => (Outcome::Failed, "the host's name has no address: look whether it is spelt right"),
    };
    findings.tell(StepName::Name, (world, began), said);
    let door = door.ok()?;
    let began = world.now();
    let knocked = door.knock().await;
    let said = match knocked {
        Ok(()) => (Outcome::Passed, "the host takes connections"),
        Err(_) => (
            Outcome::Failed,
            "nobody takes connections there: is the server running, does a firewall let us through?",
        ),
    };
    findings.tell(StepName::Connection, (world, began), said);
    knocked.ok()
}

/// The first call of a test, whose answer also shows whether anything is encrypted; none where there is no turn for it.
pub(super) async fn first(
    way: &Way,
    call: Call,
    (world, findings): (&World, &mut Findings),
) -> Option<Result<WholeAnswer, OutboundFault>> {
    let began = world.now();
    match way.plain(call).await {
        Ok(Ok(answer)) => Some(answer.read(CHECK_BYTES_MAX).await),
        Ok(Err(fault)) => Some(Err(fault)),
        Err(fault) => {
            findings.tell(StepName::Tls, (world, began), (Outcome::Failed, words(&fault)));
            None
        }
    }
}

/// What the first call says of the encryption.
pub(super) fn encryption<T>(url: &Url, answer: &Result<T, OutboundFault>) -> (Outcome, &'static str) {
    match (url.scheme(), answer) {
        ("http", _) => (Outcome::Warning, "nothing is encrypted on the way: that is for hosts inside alone"),
        (_, Err(OutboundFault::NotSent(_))) => (
            Outcome::Failed,
            "no encrypted connection comes about: is the certificate valid, and of this name?",
        ),
        (_, Err(OutboundFault::Refused(_))) => {
            (Outcome::Failed, "the host is not one that may be called from here")
        }
        _ => (Outcome::Passed, "the connection is encrypted, and the certificate is good"),
    }
}
