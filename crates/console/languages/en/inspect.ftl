# How an application keeps to its profile, and which of its requests failed.

keeps-title = How { $name } keeps to its profile
keeps-all = { $kept ->
    [one] It keeps every rule that is for it: 1 rule is kept.
   *[other] It keeps every rule that is for it: { $kept } rules are kept.
}
keeps-advice = { $kept ->
    [one] No rule is broken; { $advice } could be kept better, and 1 rule is kept.
   *[other] No rule is broken; { $advice } could be kept better, and { $kept } rules are kept.
}
keeps-broken = { $broken ->
    [one] 1 rule is broken, { $advice } could be kept better, and { $kept } are kept.
   *[other] { $broken } rules are broken, { $advice } could be kept better, and { $kept } are kept.
}
keeps-judged = Judged by the registration and by what was seen of the application, against the profile { $profile }.
keeps-state-broken = Broken
keeps-state-advice = Could be better
keeps-why = Why it matters
keeps-mend = How to mend it
keeps-rule = Rule
keeps-kept = Rules that it keeps
keeps-none = None yet.
keeps-asks = It asks for
keeps-written = Written in

failures-title = Failed requests of { $name }
failures-none = No request has failed lately.
failures-some = { $many ->
    [one] 1 request failed in the last 30 days.
   *[other] { $many } requests failed in the last 30 days.
}
failures-kept = We keep the newest 200 for 30 days, with our reason and never with what was sent. More than 20 in a minute are not all written down.
failures-empty = Nothing failed
failures-empty-lead = When a request of the application is refused, it appears here with the reason, what would have been right, and how to mend it.
failures-caption = Refused requests, the newest first
failures-when = When
failures-error = Error
failures-what = What was wrong, and how to mend it
failures-request = request
