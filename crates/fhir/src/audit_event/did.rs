//! What was done, by FHIR's words for interactions.  <http://hl7.org/fhir/restful-interaction>

/// An interaction. The numbers stand in what was kept and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Did {
    /// Versions were written; each says by which interaction.
    Wrote = 0,
    Read = 1,
    Vread = 2,
    HistoryOfRecord = 3,
    HistoryOfType = 4,
    HistoryOfSite = 5,
    SearchOfType = 6,
    SearchOfSite = 7,
    Operation = 8,
    Create = 9,
    Update = 10,
    Patch = 11,
    Delete = 12,
    Batch = 13,
    Transaction = 14,
}

impl Did {
    pub const ALL: [Self; 15] = [
        Self::Wrote,
        Self::Read,
        Self::Vread,
        Self::HistoryOfRecord,
        Self::HistoryOfType,
        Self::HistoryOfSite,
        Self::SearchOfType,
        Self::SearchOfSite,
        Self::Operation,
        Self::Create,
        Self::Update,
        Self::Patch,
        Self::Delete,
        Self::Batch,
        Self::Transaction,
    ];

    pub const fn number(self) -> i64 {
        self as i64
    }

    pub fn numbered(number: i64) -> Self {
        Self::ALL.into_iter().find(|one| one.number() == number).unwrap_or(Self::Operation)
    }

    /// `AuditEvent.subtype`
    pub const fn code(self) -> &'static str {
        match self {
            Self::Wrote => "transaction",
            Self::Read => "read",
            Self::Vread => "vread",
            Self::HistoryOfRecord => "history-instance",
            Self::HistoryOfType => "history-type",
            Self::HistoryOfSite => "history-system",
            Self::SearchOfType => "search-type",
            Self::SearchOfSite => "search-system",
            Self::Operation => "operation",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Batch => "batch",
            Self::Transaction => "transaction",
        }
    }

    /// `AuditEvent.action`
    pub const fn action(self) -> &'static str {
        match self {
            Self::Create => "C",
            Self::Read | Self::Vread | Self::HistoryOfRecord | Self::HistoryOfType | Self::HistoryOfSite => {
                "R"
            }
            Self::Update | Self::Patch => "U",
            Self::Delete => "D",
            Self::Wrote
            | Self::SearchOfType
            | Self::SearchOfSite
            | Self::Operation
            | Self::Batch
            | Self::Transaction => "E",
        }
    }

    /// The profile of IHE BALP 1.1.4 that events of it conform to, if it was done; a patient's has a `Patient` before it.
    pub const fn profile(self) -> Option<&'static str> {
        match self {
            Self::Create => Some("Create"),
            Self::Read | Self::Vread => Some("Read"),
            Self::Update | Self::Patch => Some("Update"),
            Self::Delete => Some("Delete"),
            Self::SearchOfType | Self::SearchOfSite => Some("Query"),
            _ => None,
        }
    }

    /// Whether events of it say what was asked for, and not of which record.
    pub const fn is_question(self) -> bool {
        matches!(
            self,
            Self::HistoryOfRecord
                | Self::HistoryOfType
                | Self::HistoryOfSite
                | Self::SearchOfType
                | Self::SearchOfSite
                | Self::Operation
        )
    }
}
