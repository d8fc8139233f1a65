//! Removing what has expired and can matter to nobody.

use std::time::Duration;

use jobs::{Job, JobFault, Retry};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use store::{DbError, Writer, binds};

use crate::{Auth, authorize, person::factor::ENROLMENT_LIFE, status};

/// How many rows of a table go in one transaction, so that nothing else waits long.
const ROWS_MAX: i64 = 1_000;

/// How many such transactions one run makes for each table.
const ROUNDS_MAX: usize = 100;

/// How long after its end a session stays to be looked at.
const SESSION_KEPT: Duration = Duration::from_hours(24 * 30);

/// How long an account's success at a source is remembered.
const TALLY_KEPT: Duration = Duration::from_hours(24 * 90);

/// The job.
#[derive(Serialize, Deserialize)]
pub(crate) struct SweepExpired {}

/// One table: what of it goes, and when.
struct Sweep {
    sql: &'static str,
    before: Timestamp,
}

impl Job for SweepExpired {
    const NAME: &'static str = "auth.sweep_expired";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 60, max_s: 600, jitter_percent: 20 };
    type Context = Auth;

    async fn run(self, auth: &Auth, _attempt: u32) -> Result<(), JobFault> {
        for sweep in sweeps(auth.world().now()) {
            for _ in 0..ROUNDS_MAX {
                let (sql, before) = (sweep.sql, sweep.before);
                let gone = auth
                    .db()
                    .write(async move |tx: &mut Writer| -> Result<u64, DbError> {
                        tx.execute(sql, binds![before, ROWS_MAX]).await
                    })
                    .await?;
                if i64::try_from(gone).is_ok_and(|rows| rows < ROWS_MAX) {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// How long a code stays after its end, so that a second use of it can still end what came of it: as long as an access token lives.
const CODE_KEPT: Duration = Duration::from_hours(24);

/// How long a client's failed request is there to be looked at.
const FAILURE_KEPT: Duration = Duration::from_hours(24 * 30);

/// How long a grant stays after its end to be looked at.
const GRANT_KEPT: Duration = Duration::from_hours(24 * 30);

/// Codes before the sessions that they point at.
fn sweeps(now: Timestamp) -> Vec<Sweep> {
    vec![
        Sweep {
            sql: "DELETE FROM status_entry WHERE list_id IN \
                  (SELECT id FROM status_list WHERE created_at < $1 ORDER BY id LIMIT $2)",
            before: status::serve::over_before(now),
        },
        Sweep {
            sql: "DELETE FROM status_list WHERE id IN (SELECT id FROM status_list WHERE created_at < $1 AND NOT EXISTS \
                  (SELECT 1 FROM status_entry WHERE status_entry.list_id = status_list.id) LIMIT $2)",
            before: status::serve::over_before(now),
        },
        Sweep {
            sql: "DELETE FROM device_code WHERE id IN (SELECT id FROM device_code WHERE expires_at < $1 LIMIT $2)",
            before: now,
        },
        Sweep {
            sql: "DELETE FROM smart_launch WHERE digest IN \
                  (SELECT digest FROM smart_launch WHERE expires_at < $1 LIMIT $2)",
            before: now,
        },
        Sweep {
            sql: "DELETE FROM pushed_request WHERE digest IN \
                  (SELECT digest FROM pushed_request WHERE expires_at < $1 LIMIT $2)",
            before: now - authorize::SIGN_IN_TIME,
        },
        Sweep {
            sql: "DELETE FROM authorization_request WHERE id IN \
                  (SELECT id FROM authorization_request WHERE expires_at < $1 LIMIT $2)",
            before: now,
        },
        Sweep {
            sql: "DELETE FROM authorization_code WHERE digest IN (SELECT digest FROM authorization_code \
                  WHERE expires_at < $1 LIMIT $2)",
            before: now - CODE_KEPT,
        },
        Sweep {
            sql: "DELETE FROM session WHERE id IN (SELECT session.id FROM session WHERE session.ends_at < $1 AND NOT EXISTS \
                  (SELECT 1 FROM authorization_code WHERE authorization_code.session_id = session.id) LIMIT $2)",
            before: now - SESSION_KEPT,
        },
        Sweep {
            sql: "DELETE FROM authorization_grant WHERE id IN \
                  (SELECT id FROM authorization_grant WHERE expires_at < $1 LIMIT $2)",
            before: now - GRANT_KEPT,
        },
        Sweep {
            sql: "DELETE FROM client_failure WHERE id IN \
                  (SELECT id FROM client_failure WHERE failed_at < $1 LIMIT $2)",
            before: now - FAILURE_KEPT,
        },
        // All but the newest 200 of each client: trace::FAILURES_KEPT.
        Sweep {
            sql: "DELETE FROM client_failure WHERE id IN (SELECT id FROM (SELECT id, failed_at, ROW_NUMBER() OVER \
                  (PARTITION BY client_id ORDER BY failed_at DESC, id DESC) AS nth FROM client_failure) AS counted \
                  WHERE nth > 200 AND failed_at < $1 LIMIT $2)",
            before: now,
        },
        Sweep {
            sql: "DELETE FROM token_revocation WHERE expires_at < $1 AND subject IN \
                  (SELECT subject FROM token_revocation WHERE expires_at < $1 LIMIT $2)",
            before: now,
        },
        Sweep {
            sql: "DELETE FROM udap_statement WHERE expires_at < $1 AND digest IN \
                  (SELECT digest FROM udap_statement WHERE expires_at < $1 LIMIT $2)",
            before: now,
        },
        Sweep {
            sql: "DELETE FROM sign_in_tally WHERE tried_at < $1 AND account IN \
                  (SELECT account FROM sign_in_tally WHERE tried_at < $1 LIMIT $2)",
            before: now - TALLY_KEPT,
        },
        Sweep {
            sql: "DELETE FROM replay WHERE digest IN (SELECT digest FROM replay WHERE expires_at < $1 LIMIT $2)",
            before: now,
        },
        Sweep {
            sql: "DELETE FROM passkey_question WHERE id IN \
                  (SELECT id FROM passkey_question WHERE expires_at < $1 LIMIT $2)",
            before: now,
        },
        Sweep {
            sql: "DELETE FROM factor WHERE id IN \
                  (SELECT id FROM factor WHERE confirmed_at IS NULL AND created_at < $1 LIMIT $2)",
            before: now - ENROLMENT_LIFE,
        },
        Sweep {
            sql: "DELETE FROM upstream_attempt WHERE state IN \
                  (SELECT state FROM upstream_attempt WHERE expires_at < $1 LIMIT $2)",
            before: now,
        },
    ]
}
