//! What consents withhold, as SQL.  `docs/decisions/0015-consent-in-the-access-decision.md`

use std::{collections::HashSet, sync::Arc};

use store::{Reader, Value};

use crate::{
    consent::{self, Action, Asking},
    query::Test,
    resource::Rid,
    search::{
        Access, FETCHED_MAX, Search, SearchFault,
        statement::{Place, Statement},
    },
    tenant::Tenant,
};

/// A question to consents at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consented {
    pub(crate) asking: Asking,
    /// In microseconds since 1970.
    pub(crate) now: i64,
}

/// Those of these places at which consents let a record be had to do with: one statement for [`FETCHED_MAX`] of them.
pub(super) async fn permitted(
    reader: &mut Reader,
    tenant: &Tenant,
    places: &[Rid],
    consented: &Consented,
) -> Result<HashSet<Rid>, SearchFault> {
    let mut permitted = HashSet::new();
    for places in places.chunks(FETCHED_MAX) {
        let mut statement = Statement::new(tenant, "SELECT ");
        let of = statement.alias();
        statement.rid(of).text(" FROM fhir_version ").name(of).text(" WHERE ").tenant_of(of).text(" AND ");
        statement.rid(of).text(" IN (").ints(places.iter().map(|place| place.number())).text(") AND ");
        statement.permitted(consented, of);
        let found = reader.all_composed::<(i64,)>(&statement.done()?).await?;
        permitted.extend(found.into_iter().map(|(rid,)| Rid::numbered(rid)));
    }
    Ok(permitted)
}

/// What a test asks of consents.
pub(super) fn asked_of_consents(test: &Test) -> Vec<&Arc<Consented>> {
    match test {
        Test::All(tests) => tests.iter().flat_map(asked_of_consents).collect(),
        Test::Consented(consented) => vec![consented],
        _ => Vec::new(),
    }
}

/// The same search, without asking consents where the site has none: what is counted by bitmaps then still is, and PostgreSQL plans a
/// page in half the time.
pub(super) async fn as_bound(
    reader: &mut Reader,
    tenant: &Tenant,
    search: Search,
) -> Result<Search, SearchFault> {
    if consent::has_any(reader, tenant).await? {
        return Ok(search);
    }
    let access = Arc::clone(&search.access);
    let access: Access = Arc::new(move |of| match access(of) {
        Test::All(tests) => {
            Test::All(tests.into_iter().filter(|test| !matches!(test, Test::Consented(_))).collect())
        }
        test => test,
    });
    Ok(Search { access, ..search })
}

impl Statement<'_> {
    /// No denial speaks of the record at a place that no permission lifts: as `consent::permits` decides of one record.
    pub(super) fn permitted(&mut self, consented: &Consented, of: Place) {
        self.text("(");
        for (at, action) in consented.asking.actions.iter().enumerate() {
            self.text(if at == 0 { "NOT EXISTS (" } else { " AND NOT EXISTS (" });
            self.denied(consented, *action, of);
            self.text(" LIMIT 1 OFFSET 0)");
        }
        self.text(if consented.asking.actions.is_empty() { "1 = 0)" } else { ")" });
    }

    fn denied(&mut self, consented: &Consented, action: Action, of: Place) {
        let (about, denial) = (self.alias(), self.alias());
        self.ruled((about, denial), of);
        self.speaks(denial, "0", (consented, action));
        for own in consented.asking.own.iter() {
            self.text(" AND ").name(denial).text(".patient <> ").bound(own);
        }
        self.text(" AND NOT EXISTS (");
        let (also, permission) = (self.alias(), self.alias());
        self.ruled((also, permission), about);
        self.speaks(permission, "1", (consented, action));
        self.lifts(permission, denial);
        self.text(" LIMIT 1 OFFSET 0)");
    }

    /// `SELECT 1 FROM …` of the rules that speak of the record at a place, in this order: its few rows, then each one's rule by its key.
    fn ruled(&mut self, (row, rule): (Place, Place), of: Place) {
        self.text("SELECT 1 FROM fhir_consented ").name(row);
        self.leads_to().text("fhir_consent_rule ").name(rule).text(" WHERE ").tenant_of(rule);
        self.text(" AND ").name(rule).text(".rule = ").name(row).text(".rule");
        self.found(rule);
        self.text(" AND ").tenant_of(row).text(" AND ").rid(row).text(" = ").rid(of);
    }

    /// A rule says this, now and to who asks.
    fn speaks(&mut self, rule: Place, effect: &'static str, (consented, action): (&Consented, Action)) {
        self.text(" AND ").name(rule).text(".effect = ").text(effect);
        self.text(" AND ").name(rule).text(".begins <= ").int(consented.now);
        self.text(" AND ").name(rule).text(".ends > ").int(consented.now);
        let ask = self.alias();
        self.text(" AND ").name(rule).text(".clauses = (SELECT COUNT(DISTINCT ").name(ask);
        self.text(".clause) FROM fhir_consent_ask ").name(ask).text(" WHERE ").tenant_of(ask);
        self.text(" AND ").name(ask).text(".rule = ").name(rule).text(".rule AND ").name(ask);
        self.text(".word IN (").value(Value::Text(action.word().to_owned()));
        for word in consented.asking.words.iter() {
            self.text(", ").value(Value::Text(word.clone()));
        }
        self.text("))");
    }

    fn lifts(&mut self, permission: Place, denial: Place) {
        let same = |s: &mut Self, column: &'static str, sign: &'static str| {
            s.name(permission).text(column).text(sign).name(denial).text(column);
        };
        self.text(" AND ");
        same(self, ".patient", " = ");
        self.text(" AND ((");
        same(self, ".consent", " = ");
        self.text(" AND ");
        same(self, ".rule", " > ");
        self.text(" AND ").name(permission).text(".rule <= ").name(denial).text(".last) OR (");
        same(self, ".consent", " <> ");
        self.text(" AND ");
        same(self, ".at", " > ");
        self.text(" AND (");
        same(self, ".dims", " & ");
        self.text(") = ").name(denial).text(".dims))");
    }
}
