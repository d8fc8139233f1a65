# The developer portal: applications and what they may do.

apps-none = No application is registered yet
apps-all-verified = { $many ->
    [one] 1 application is registered and verified
   *[other] { $many } applications are registered and verified
}
apps-some-verified = { $many ->
    [one] { $verified } of 1 application is verified
   *[other] { $verified } of { $many } applications are verified
}
apps-waiting = { $many ->
    [one] 1 waits to be verified
   *[other] { $many } wait to be verified
}
apps-register = Register an application
apps-first = Register your first application
apps-empty = You get a client id and a secret, and can try the sign-in at once. To reach people’s linked services, ask for trust once { $organisation } has verified the application.
apps-caption = Applications of { $organisation }
apps-application = Application
apps-state = State
apps-trusted-for = Trusted for
apps-nothing-yet = nothing yet
apps-registered = Registered
apps-more = More applications
apps-pages = Pages

client-registration = Registration
client-id = Client id
client-uri = Uri
client-redirect-uris = Redirect URIs
client-none = None
client-kind = Kind
client-kind-confidential = Confidential: it runs on a server and keeps a secret
client-kind-public = Public: it runs where it cannot keep a secret
client-profile = Security profile
client-proves = It proves itself with
client-grants = Ways to get a token
client-scopes = Scopes
client-logo = Logo
client-change = Change
client-conformance = How it keeps to its profile
client-failures = Failed requests
client-how = { $all ->
    [one] { $state }, and trusted with { $trusted } of 1 integration.
   *[other] { $state }, and trusted with { $trusted } of { $all } integrations.
}
grant-authorization-code = a person signs in
grant-client-credentials = it acts for itself
grant-refresh-token = it keeps its access without asking again
grant-jwt-bearer = it brings a signed assertion
grant-device-code = a person types in a code on another device
grant-token-exchange = it acts on with another application's token

trust-title = Trust
trust-empty = There is no integration to ask for yet. An administrator sets them up.
trust-caption = Integrations and whether this application is trusted with them
trust-integration = Integration
trust-state = State
trust-may = What it may do
trust-nothing = Nothing
trust-ask = Ask for trust
trust-ask-change = Change the request
trust-trusted = Trusted
trust-asked-for = Asked for
trust-withdrawn = Withdrawn
trust-not = Not trusted
terms-see = See whether an account is linked
terms-direct = { $many ->
    [one] call 1 address directly
   *[other] call { $many } addresses directly
}
terms-rate = { $many ->
    [one] 1 call a minute
   *[other] { $many } calls a minute
}

secrets-title = Secrets
secrets-add = Add a secret
secrets-replace = Replace all
secrets-replaced = Secrets that are replaced work for one more day, so that nothing is interrupted while you put the new one into use.
secrets-empty = There is no secret that works. Without one the application cannot get a token.
secrets-secret = Secret
secrets-when-ended = when you end it
secrets-end = End
