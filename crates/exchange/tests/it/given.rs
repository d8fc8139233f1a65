//! A source that brings what it is given.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use exchange::connector::{
    Abilities, Asked, Connector, Cursor, Deletions, Findings, Found, Name, Page, PullFault, Since,
};
use futures_util::future::{BoxFuture, ready};
use kernel::World;

/// Brings these pages, each as a run of its own. Clones are the same.
#[derive(Clone, Default)]
pub struct Given {
    pages: Arc<Mutex<VecDeque<Page>>>,
    types: Vec<&'static str>,
}

impl Given {
    /// Which types it declares.
    pub fn of(types: &[&'static str]) -> Self {
        Self { types: types.to_vec(), ..Self::default() }
    }

    pub fn then(&self, page: Page) {
        self.pages.lock().unwrap().push_back(page);
    }
}

pub fn found(of: &str, id: &str, rest: &str) -> Found {
    let text = format!(r#"{{"resourceType":"{of}","id":"{id}"{rest}}}"#);
    Found::new(Name { of: of.to_owned(), id: id.to_owned() }, text)
}

impl Connector for Given {
    fn abilities(&self) -> Abilities {
        Abilities { since: Since::Told, deletions: Deletions::Unknown }
    }
    fn types(&self) -> BTreeSet<&str> {
        self.types.iter().copied().collect()
    }
    fn check<'a>(&'a self, _: &'a World) -> BoxFuture<'a, Findings> {
        Box::pin(ready(Findings::default()))
    }
    fn pull<'a>(&'a self, _: &'a Cursor) -> BoxFuture<'a, Result<Page, PullFault>> {
        Box::pin(ready(Ok(self.pages.lock().unwrap().pop_front().unwrap_or_default())))
    }
    fn ask<'a>(&'a self, _: &'a Name) -> BoxFuture<'a, Result<Asked, PullFault>> {
        Box::pin(ready(Ok(Asked::Gone)))
    }
}
