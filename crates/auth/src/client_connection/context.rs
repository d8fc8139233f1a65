//! Who asks, and about which client it may.  Contract 5, "Order of checks" and "Context"

use kernel::{Client, Id, RequestId};
use web::{Bearer, Problem};

use super::{ConnectionFault, kind::Reach, queries};
use crate::{Acting, Auth};

/// A caller whose token and scope are good.
pub(super) struct Viewer {
    /// Who acts, for the audit trail.
    pub acting: Acting,
    /// The client of the token.
    pub client: Id<Client>,
    /// How far it sees.
    pub reach: Reach,
}

/// Let the caller in: with the scope, and with a client whose type is known.
///
/// # Errors
/// 403 without the scope; 401 where the client has no type, which nothing could be decided by.
pub(super) async fn admit(
    auth: &Auth,
    bearer: &Bearer,
    context: &web::Context,
    scope: &'static str,
) -> Result<Viewer, Problem> {
    let caller = &bearer.0;
    if !caller.scopes.has(scope) {
        return Err(ConnectionFault::Scope(scope).into());
    }
    let (organisation, client) = (caller.organisation, caller.client);
    let kind = queries::live_client_type(&mut auth.db().read().await?, organisation, client).await?;
    let Some(kind) = kind else {
        return Err(ConnectionFault::NoType.into());
    };
    let request: Option<RequestId> = Some(context.request_id().clone());
    let acting = Acting { actor: caller.actor(), organisation, request };
    Ok(Viewer { acting, client, reach: kind.reach() })
}

/// A client that the caller may ask about; whether it exists is another question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked(Option<Id<Client>>);

impl Asked {
    /// Its id, if the text was one.
    pub(super) fn id(&self) -> Result<Id<Client>, ConnectionFault> {
        self.0.ok_or(ConnectionFault::NoClient)
    }
}

impl Viewer {
    /// The client that the path names, if the caller may ask about it.
    ///
    /// # Errors
    /// [`ConnectionFault::Context`].
    pub(super) fn ask_about(&self, text: &str) -> Result<Asked, ConnectionFault> {
        judge(self.reach, self.client, text)
    }

    /// Insist on an administrator's client.
    ///
    /// # Errors
    /// [`ConnectionFault::Context`].
    pub(super) fn require_organisation(&self) -> Result<(), ConnectionFault> {
        if self.reach == Reach::Organisation { Ok(()) } else { Err(ConnectionFault::Context) }
    }
}

fn judge(reach: Reach, own: Id<Client>, text: &str) -> Result<Asked, ConnectionFault> {
    let asked: Option<Id<Client>> = text.parse().ok();
    match reach {
        Reach::Organisation => Ok(Asked(asked)),
        Reach::OwnClient if asked == Some(own) => Ok(Asked(asked)),
        Reach::OwnClient => Err(ConnectionFault::Context),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_is_judged_before_anybody_knows_whether_the_client_exists() {
        let own: Id<Client> = Id::from_bytes([1; 16]);
        let other: Id<Client> = Id::from_bytes([2; 16]);
        let (mine, theirs) = (own.to_string(), other.to_string());
        for (reach, text, expected) in [
            (Reach::OwnClient, mine.as_str(), Some(Some(own))),
            (Reach::OwnClient, &mine.to_uppercase(), Some(Some(own))),
            (Reach::OwnClient, &theirs, None),
            (Reach::OwnClient, "x", None),
            (Reach::OwnClient, "", None),
            (Reach::Organisation, &theirs, Some(Some(other))),
            (Reach::Organisation, "x", Some(None)),
        ] {
            assert_eq!(judge(reach, own, text).ok(), expected.map(Asked), "{reach:?} {text}");
        }
        assert!(matches!(Asked(None).id(), Err(ConnectionFault::NoClient)));
    }
}
