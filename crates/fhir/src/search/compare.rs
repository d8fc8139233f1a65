//! What the rows of dates and numbers are asked, and when versions were written.

use crate::{
    key::Reach,
    query::Comparison,
    search::statement::{Place, Statement},
};

impl Statement<'_> {
    /// `lo` and `lo + span` of a row against what is asked, both ends of both included.
    pub(super) fn compared(
        &mut self,
        place: Place,
        (lo, span): (&'static str, &'static str),
        comparison: Comparison,
        asked: Reach,
    ) {
        let (from, to) = (asked.lo, asked.lo.saturating_add(asked.span));
        let begin = |s: &mut Self, sign, value| {
            s.name(place).text(lo).text(sign).int(value);
        };
        let end = |s: &mut Self, sign, value| {
            s.name(place).text(lo).text(" + ").name(place).text(span).text(sign).int(value);
        };
        self.text(" AND (");
        match comparison {
            Comparison::Equal => {
                begin(self, " >= ", from);
                self.text(" AND ");
                begin(self, " <= ", to);
                self.text(" AND ");
                end(self, " <= ", to);
            }
            Comparison::NotEqual => {
                begin(self, " < ", from);
                self.text(" OR ");
                end(self, " > ", to);
            }
            Comparison::Greater => end(self, " > ", to),
            Comparison::Less => begin(self, " < ", from),
            Comparison::GreaterOrEqual => {
                end(self, " > ", to);
                self.text(" OR (");
                begin(self, " >= ", from);
                self.text(" AND ");
                end(self, " <= ", to);
                self.text(")");
            }
            Comparison::LessOrEqual => {
                begin(self, " < ", from);
                self.text(" OR (");
                begin(self, " >= ", from);
                self.text(" AND ");
                end(self, " <= ", to);
                self.text(")");
            }
            Comparison::StartsAfter => begin(self, " > ", to),
            Comparison::EndsBefore => {
                begin(self, " < ", from);
                self.text(" AND ");
                end(self, " < ", from);
            }
            Comparison::Approximately => {
                begin(self, " <= ", to);
                self.text(" AND ");
                end(self, " >= ", from);
            }
        }
        self.text(")");
    }

    /// As [`Statement::compared`], letting through what is as near as a row can tell.
    pub(super) fn nearly(&mut self, place: Place, comparison: Comparison, asked: Reach) {
        let (from, to) = (asked.lo, asked.lo.saturating_add(asked.span));
        let is_from = |s: &mut Self| {
            s.text(" AND ").name(place).text(".lo + ").name(place).text(".span >= ").int(from);
        };
        let is_to = |s: &mut Self| {
            s.text(" AND ").name(place).text(".lo <= ").int(to);
        };
        match comparison {
            Comparison::NotEqual => {}
            Comparison::Greater | Comparison::GreaterOrEqual | Comparison::StartsAfter => is_from(self),
            Comparison::Less | Comparison::LessOrEqual | Comparison::EndsBefore => is_to(self),
            Comparison::Equal | Comparison::Approximately => {
                is_from(self);
                is_to(self);
            }
        }
    }

    /// When a version was written is one moment.
    pub(super) fn updated(&mut self, place: Place, comparison: Comparison, asked: Reach) {
        let (from, to) =
            (asked.lo.saturating_mul(1_000), asked.lo.saturating_add(asked.span).saturating_mul(1_000));
        let at = |s: &mut Self, sign, value: i64| {
            s.name(place).text(".at").text(sign).int(value);
        };
        self.text(" AND (");
        match comparison {
            Comparison::Equal | Comparison::Approximately => {
                at(self, " >= ", from);
                self.text(" AND ");
                at(self, " <= ", to);
            }
            Comparison::NotEqual => {
                at(self, " < ", from);
                self.text(" OR ");
                at(self, " > ", to);
            }
            Comparison::Greater | Comparison::StartsAfter => at(self, " > ", to),
            Comparison::Less | Comparison::EndsBefore => at(self, " < ", from),
            Comparison::GreaterOrEqual => at(self, " >= ", from),
            Comparison::LessOrEqual => at(self, " <= ", to),
        }
        self.text(")");
    }
}
