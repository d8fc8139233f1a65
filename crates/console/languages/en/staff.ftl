# Integrations as staff look after them.

menu-staff = Integrations
staff-integrations = All integrations
staff-alerts = Alerts
staff-webhooks = Webhooks
staff-pages = Pages of this integration
staff-overview = Overview
staff-syncs = Syncs
staff-quarantine = Quarantine
staff-logs = Log
staff-metrics = Figures

staff-some = { $many ->
    [0] No integration is registered that you may see.
    [one] 1 integration is registered.
   *[other] { $many } integrations are registered.
}
staff-found-some = { $many ->
    [0] No integration fits.
    [one] 1 integration fits.
   *[other] { $many } integrations fit.
}
staff-none = Nothing is here. Integrations are registered by the API or from a terminal, and services that people link on the administration pages.
staff-any-state = Any
staff-active = Active
staff-inactive = Switched off
staff-pending = Not active yet
staff-error = Does not work
staff-archived = Archived
staff-by-hand = by hand
staff-last-sync = Last sync
staff-next-sync = Next sync

staff-how-synced = It is active. What the other side had came { $when }.
staff-how-active = It is active. Nothing has come yet.
staff-how-inactive = It is switched off: nothing is fetched.
staff-how-error = It has stopped working. Test it to see where.
staff-how-archived = It is archived: nothing is fetched, and it can be restored.
staff-how-tested = It is tested and not switched on yet.
staff-how-pending = It is new. Test it: it becomes active only after a test that went well.

staff-test = Test the connection
staff-test-title = The last test
staff-test-past = It was changed since then: this is how it was before.
staff-test-success = Works
staff-test-warning = Works, with a warning
staff-test-error = Does not work
staff-version = version
staff-host-key = Key that the server has shown
staff-step-passed = Passed
staff-step-warning = Look at it
staff-step-failed = Failed
staff-step-skipped = Not come to
step-configuration = What is configured
step-site = The site that records come into
step-name = The host’s name
step-connection = The connection
step-tls = Its encryption
step-host_key = The server’s key
step-api = What the other side says of itself
step-sign_in = Who we are there
step-permission = What we may do there
step-directory = Where its files lie
step-sample_read = A record of each sort
staff-tested = Last test
staff-not-tested = not since the configuration has changed
staff-frequency = Frequency
staff-credentials = Credentials that are set
staff-no-credentials = none
staff-changed = Last changed
staff-id = Id
staff-newest-sync = Newest sync
staff-all-syncs = All syncs

staff-sync-now = Sync now
staff-sync-full = Sync everything
staff-sync = Sync
staff-sync-kind = What
staff-full = Everything
staff-incremental = What has changed
staff-received = Came in
staff-stored = Stored
staff-unchanged = Unchanged
staff-quarantined = Set aside
staff-deleted = Deleted
staff-adds-up = { $stored } stored + { $unchanged } unchanged + { $quarantined } set aside + { $deleted } deleted
staff-why = Why
staff-ended = ended
staff-syncs-none = No sync was begun yet.
staff-syncs-caption = Syncs, newest first, each with its report: what came in is the sum of what became of it
staff-sync-queued = Queued
staff-sync-running = Under way
staff-sync-done = Done
staff-sync-failed = Failed
staff-sync-cancelled = Ended by hand
staff-cancel = Cancel
staff-retry = Let it go on
staff-told-begun = The sync is queued. Reload the page to see how far it is.
staff-told-cancelled = The sync ends between two pages. What is stored by then stays.
staff-told-retried = The sync goes on from where it was.
staff-told-state = Its state does not allow that now: a sync is under way already, or the integration is not active.

staff-aside-lead = Records that were not taken, with the reason. They wait until somebody lets them in again or lets go of them, or the source sends them anew.
staff-aside-none = Nothing is set aside.
staff-record = Record
staff-code = Reason
staff-aside = A record that was set aside
staff-aside-replay = Let it in again
staff-aside-seen = This is health data. That you have seen it is on record.
staff-aside-discard = Let go of it
staff-aside-discard-hint = It is gone here; the source may send it anew.
staff-told-stored = The record was taken.
staff-told-discarded = The record is gone.
staff-told-quarantined = It was not taken: it goes on waiting, with the reason below.

staff-level = Level
staff-any-level = Any
staff-level-error = Error
staff-level-warning = Warning
staff-level-info = Info
staff-level-debug = Debug
staff-logs-none = No line fits.
staff-logs-caption = { $many ->
    [one] 1 line
   *[other] { $many } lines, newest first
}
staff-records = Records

staff-window = How far back
staff-window-day = 24 hours
staff-window-week = 7 days
staff-window-month = 30 days
staff-figures = Figures of each step, newest first
staff-calls = Calls
staff-errors = Errors
staff-error-percent = of calls failed
staff-p50 = half of the calls within
staff-p95 = 19 of 20 calls within
staff-syncs-completed = syncs done
staff-syncs-failed = syncs failed
staff-messages = messages of the other side
staff-chart-records = Records that came in
staff-chart-calls = Calls to the other side
staff-chart-most = The highest bar is { $most }. Times are UTC.
staff-taken = Taken
staff-answered = Answered
staff-metrics-none = Nothing has happened in this time.

staff-how-no-rules = No rule watches anything yet.
staff-how-quiet = No rule fires.
staff-how-firing = { $many ->
    [one] 1 rule fires.
   *[other] { $many } rules fire.
}
staff-rules-none = Rules are made by the API: error rate, latency, failed or missing syncs, waiting jobs, refusals.
staff-rules-caption = Rules, those that fire first
staff-rule = Rule
staff-rule-off = Switched off
staff-rule-quiet = Quiet
staff-rule-firing = Fires
staff-rule-errors = { $minutes ->
    [one] { $limit }% of calls or more fail within 1 minute
   *[other] { $limit }% of calls or more fail within { $minutes } minutes
}
staff-rule-latency = { $minutes ->
    [one] 1 of 20 calls takes { $limit } ms or more within 1 minute
   *[other] 1 of 20 calls takes { $limit } ms or more within { $minutes } minutes
}
staff-rule-failed = { $minutes ->
    [one] { $limit } syncs or more fail within 1 minute
   *[other] { $limit } syncs or more fail within { $minutes } minutes
}
staff-rule-no-data = { $minutes ->
    [one] Nothing comes within 1 minute
   *[other] Nothing comes within { $minutes } minutes
}
staff-rule-queue = { $limit } jobs or more wait although they are due
staff-rule-refusals = { $minutes ->
    [one] { $limit } calls or messages or more are refused within 1 minute
   *[other] { $limit } calls or messages or more are refused within { $minutes } minutes
}
staff-see = I see to it
staff-see-note = Note for colleagues
staff-seen = Acknowledged
staff-told-seen = It is not told again until it is over.
staff-told-over = It was over already.
staff-told-note = A note has at most 500 characters.
staff-watches = Watches
staff-watches-all = the whole organisation
staff-mailed = Mailed to
staff-found = found { $value }

staff-webhooks-some = { $many ->
    [0] No endpoint is told yet.
    [one] 1 endpoint is told what happens.
   *[other] { $many } endpoints are told what happens.
}
staff-webhooks-none = Endpoints are made by the API or from a terminal: an address, and the events that it is told.
staff-endpoint = Endpoint
staff-told-all = everything
receiver-for-hint = A name by which you know it again, such as that of the partner.
receiver-lasts = It opens for
receiver-days = { $many ->
    [one] 1 day
   *[other] { $many } days
}
receiver-link-heading = Link for { $name }
