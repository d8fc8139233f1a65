//! What every answer is wrapped in.  Contract 5, "Envelope"

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Context, Json};

use super::paging::Slice;

/// About the answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct Meta {
    code: u16,
    url: String,
    r#type: &'static str,
    request_id: String,
}

/// Where in a list the answer is.
#[derive(Serialize, ToSchema, Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) struct Paging {
    pub page_number: u64,
    pub page_size: u64,
    pub total_entries: u64,
    pub total_pages: u64,
}

/// One thing.
#[derive(Serialize, ToSchema)]
pub(crate) struct One<T: ToSchema> {
    meta: Meta,
    data: T,
}

/// A page of things.
#[derive(Serialize, ToSchema)]
pub(crate) struct Many<T: ToSchema> {
    meta: Meta,
    data: Vec<T>,
    paging: Paging,
}

impl Meta {
    fn of(context: &Context, status: StatusCode, r#type: &'static str) -> Self {
        Self {
            code: status.as_u16(),
            url: context.url().to_owned(),
            r#type,
            request_id: context.request_id().to_string(),
        }
    }
}

/// An answer of one thing.
pub(super) fn one<T: ToSchema>(context: &Context, status: StatusCode, data: T) -> (StatusCode, Json<One<T>>) {
    (status, Json(One { meta: Meta::of(context, status, "object"), data }))
}

/// An answer of a page of things.
pub(super) fn many<R, T: ToSchema + From<R>>(context: &Context, slice: Slice<R>) -> Json<Many<T>> {
    let data = slice.rows.into_iter().map(T::from).collect();
    Json(Many { meta: Meta::of(context, StatusCode::OK, "list"), data, paging: slice.paging })
}
