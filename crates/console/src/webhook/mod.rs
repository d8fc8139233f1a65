//! Webhook endpoints on pages: what is shown of one, whoever looks at it.

pub(crate) mod view;
