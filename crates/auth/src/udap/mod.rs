//! Trust by certificates instead of agreements: HL7 FAST / UDAP Security for Scalable Registration, Authentication, and
//! Authorization, and the UDAP profiles beneath it.
//!
//! A community is a circle that trusts the same certificate authorities. This server shows each of them a certificate that
//! it has from there (`metadata`), lets clients with one register themselves (`register`), and knows them again by it
//! (`authenticate`). What the operator sets up is a folder (`community`). The identity providers of a community sign people in here
//! when a client names one (`identity_provider`, Tiered OAuth); this server is one of them where its certificate says so.

mod apply;
pub(crate) mod authenticate;
pub(crate) mod b2b;
mod community;
pub(crate) mod identity_provider;
pub(crate) mod metadata;
mod queries;
pub(crate) mod register;
mod software;

use crypto::jose::Algorithm;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Auth;

pub(crate) use authenticate::community_of;
pub(crate) use community::Community;
use community::IdentityProviders;
pub use community::{Communities, CommunityFault};
pub use identity_provider::{
    ADDRESS_BYTES_MAX, IDENTITY_PROVIDERS_MAX, LOOKED_AT_ONCE_MAX, REFUSED_KEPT, REGISTERED_FOR, TOLD_KEPT,
};

/// The scope by which Tiered OAuth is asked for.  IG §6.1
pub(crate) const SCOPE: &str = "udap";

/// With what clients may sign what they send.  IG §1.2: RS256 has to be taken, ES256 and the 384s may be.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Rs384, Algorithm::Es384];

/// The longest life of a software statement and of an authentication token, in seconds.  IG §3.1, §5.3
pub const STATEMENT_LIFE_S_MAX: u32 = 300;

/// What clients of communities call; nothing where this deployment belongs to none.
pub(crate) fn routes(auth: &Auth) -> OpenApiRouter<Auth> {
    if auth.config().udap.is_empty() {
        return OpenApiRouter::new();
    }
    OpenApiRouter::new()
        .routes(routes!(metadata::metadata))
        .routes(routes!(metadata::identity_provider_metadata))
        .routes(routes!(register::register))
}
