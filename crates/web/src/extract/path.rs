//! Parameters in the path.

use axum::extract::{FromRequestParts, path::ErrorKind, rejection::PathRejection};
use http::request::Parts;
use kernel::Kind;
use serde::de::DeserializeOwned;

use crate::Problem;

/// Parameters of the path. One that has not the shape of an id names nothing, so the answer is the 404 that an
/// unknown id gets.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(refusal(&rejection)),
        }
    }
}

fn refusal(rejection: &PathRejection) -> Problem {
    let is_ours = match rejection {
        PathRejection::FailedToDeserializePathParams(failed) => {
            matches!(
                failed.kind(),
                ErrorKind::WrongNumberOfParameters { .. } | ErrorKind::UnsupportedType { .. }
            )
        }
        _ => true,
    };
    if is_ours {
        tracing::error!(%rejection, "a handler and its route do not agree on path parameters");
        return Problem::new(Kind::Internal, Problem::INTERNAL);
    }
    Problem::of_status(http::StatusCode::NOT_FOUND)
}
