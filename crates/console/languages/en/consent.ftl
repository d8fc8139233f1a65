# May this application act for me?

consent-title = Allow { $client }?
consent-heading = Allow { $client } to use your account?
consent-lead = { $client } asks to act for you as { $person }. You can take this back at any time under “Connected applications”.
consent-application = Application
consent-checked = Checked by
consent-verified = Verified
consent-verified-by = by { $who }
consent-not-verified = Not verified
consent-nobody-checked = Nobody has checked who made it. Allow it only if you know them.
consent-returns = The answer goes to
consent-on-device = an application on this device ({ $scheme }://)
consent-before = Before
consent-before-none = You have not allowed this application anything yet.
consent-before-some = { $many ->
    [one] You allowed 1 of these before.
   *[other] You allowed { $many } of these before.
}
consent-before-all = You allowed all of this before. It asks again because only you should decide that it really is this application.
consent-asks = It asks to
consent-hint = Take the tick away from what you do not want to allow.
consent-before-mark = Allowed before
consent-needed-sign-in = It cannot sign you in without this
consent-needed-launch = It cannot know whose record to open without this
consent-allow = Allow
consent-deny = Do not allow

group-you = About you
group-record = In the health record
group-services = Your linked services
group-away = When you are away
group-other = Other permissions
