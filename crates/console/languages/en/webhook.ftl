# Webhook endpoints: for staff and for whoever receives their calls.

hook-test = Send a test event
hook-health = How it does
hook-url = Address
hook-reason = Why it is not called
hook-pending = Events that wait
hook-calls = Calls of the last day
hook-taken = { $percent }% taken
hook-p95 = 19 of 20 calls took at most
hook-ms = { $ms } ms
hook-last-failure = Last failure
hook-answered = answered { $status }
hook-enabled = Delivered
hook-failing = Calls fail
hook-paused = Paused
hook-paused-by = Paused by
hook-paused-by-staff = staff of the organisation
hook-paused-by-receiver = its receiver, by a link
hook-held = Staff of the organisation have paused it. Only they can let it go on.
hook-told-held = It was not changed: staff of the organisation have paused it.
hook-disabled = Not called
hook-how-well = { $many ->
    [one] It was called once in the last day, and took what it was told.
   *[other] It was called { $many } times in the last day, and took the last call.
}
hook-how-quiet = It is ready. Nothing was to be told in the last day.
hook-how-failing = Calls fail, the first one { $since }. They are tried again for about three days.
hook-how-fails = Calls fail. They are tried again for about three days.
hook-how-paused = { $many ->
    [0] It is paused: what happens from now on waits.
    [one] It is paused: 1 event waits.
   *[other] It is paused: { $many } events wait.
}
hook-how-disabled = { $many ->
    [0] It is not called any more: what happens from now on waits.
    [one] It is not called any more: 1 event waits.
   *[other] It is not called any more: { $many } events wait.
}
hook-pause = Pause
hook-pause-hint = Events wait until you go on, for 30 days.
hook-resume = Go on
hook-resume-hint = What waits is delivered first.
hook-deliveries = Deliveries
hook-state = State
hook-all = All
hook-waits = Waits
hook-delivered = Delivered
hook-failed = Given up
hook-none = Nothing was to be told yet. Send a test event to see whether one arrives.
hook-none-fits = No delivery stands so.
hook-caption = { $many ->
    [one] 1 delivery
   *[other] { $many } deliveries, newest events first
}
hook-event = Event
hook-attempts = Calls
hook-since-when = To be told since
hook-next = Next try
hook-newer = ← Newer
hook-replay = Deliver again
hook-replay-act = Deliver again
hook-replay-failed = Those that were given up
hook-replay-all = All of them
hook-since = Since (UTC)
hook-since-hint = Whoever remembers ids takes nothing twice: each event keeps its own.
hook-which = Which
hook-told = What it is told
hook-keys = Signatures
hook-keys-lead = Every call is signed by Standard Webhooks: with a secret that both sides know (v1), and with a key whose public half is here (v1a).
hook-key = Public key
hook-key-until = Public key of before, until
hook-secret = Secret
hook-secret-shown = Shown once, when it is drawn.
hook-rotate = Draw new keys
hook-rotate-question = Draw new keys for { $name }?
hook-rotate-lead = Every call will be signed with a new secret and a new key.
hook-rotate-once = The new secret is shown once, on the next page.
hook-rotate-overlap = For a day calls carry both signatures, so that nothing is lost while you change it.
hook-rotate-public = The public key changes too.
hook-rotated-lead = The keys of before sign beside these for a day.
hook-secret-new = New secret
hook-secret-heading = New secret of { $name }
hook-kept = I have kept it
hook-delivery = Delivery
hook-calls-made = Calls
hook-calls-none = No call was made yet.
hook-call = Call
hook-status = Status
hook-duration = Duration
hook-answer = Start of the answer
hook-answer-none = nothing
hook-sent = What is sent
hook-again = Deliver again
hook-told-tested = The test event is on its way. Reload the page in a moment to see what became of it.
hook-told-paused = Paused: events wait.
hook-told-resumed = It goes on: what waited is delivered now.
hook-told-replayed = On their way again.
hook-told-link-revoked = The link opens nothing any more.

receiver-none-title = This link opens nothing
receiver-none-lead = It may have expired, been revoked, or be open in another browser. Ask whoever sent it to you for a new one.
receiver-left-title = You have left the page
receiver-left-lead = Open the link again to come back, as long as it lasts.
receiver-visit = Your access
receiver-visit-lead = A link has opened this page in this browser, without an account. What you do here is on record under this link. It ends
receiver-leave = Leave this page
receiver-links = Links for the receiver
receiver-links-lead = With a link, whoever receives these calls sees and manages this endpoint, and nothing else, without an account.
receiver-links-none = No link was made yet.
receiver-link = Link
receiver-make = Make a link
receiver-for = For
receiver-opened = Last opened
receiver-expires = Ends
receiver-never = never
receiver-revoke = Revoke
receiver-live = Opens
receiver-expired = Expired
receiver-revoked = Revoked
receiver-copy-now = Copy the link now.
receiver-hand-over = Hand it over by a way that only the receiver reads: whoever has it may manage the endpoint.
receiver-opens-until = It ends

event-type-connection-linked = A person has linked an account at an integration.
event-type-connection-needs_reconnect = An integration no longer takes a person’s tokens: the account has to be linked again.
event-type-connection-revoked = A person’s account was unlinked.
event-type-alert-firing = A rule of the organisation begins to hold.
event-type-alert-resolved = A rule holds no more.
event-type-integration-created = Staff have registered an integration.
event-type-integration-updated = Staff have changed an integration.
event-type-integration-activated = An integration was switched on.
event-type-integration-deactivated = An integration was switched off.
event-type-integration-archived = An integration was put away.
event-type-integration-restored = An integration that was put away was brought back.
event-type-integration-tested = A connection was tested, and how that went.
event-type-sync-begun = A sync of an integration was begun.
event-type-sync-completed = A sync has come to its end, with its report.
event-type-sync-failed = A sync goes no further, with the reason.
event-type-sync-cancelled = Somebody has ended a sync.
event-type-inbound-received = A third party has told us something; the subject is the message.
event-type-webhook-test = Somebody asked for a test; told to that endpoint alone.
event-type-webhook-endpoint_disabled = An endpoint is not called any more, because it said that it is gone or has taken nothing for days.
event-type-webhook-delivery_failed = An endpoint did not take an event in any of the tries.

fault-since = Must be a day and a time.
fault-hook-gone = It said that it is gone (410).
fault-hook-nothing = It has taken nothing for five days.
fault-hook-inside = Its address is not allowed here.
fault-hook-large = Its answer is too large.
fault-hook-silent = It did not answer.
