//! A person's own services.  contract 1, `GET /integrations/`

pub(crate) mod show;
pub(crate) mod unlink;
