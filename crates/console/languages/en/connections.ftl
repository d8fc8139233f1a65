# Connections of an application with those who make use of it.

connections-title = Connections
connections-lead = Whoever is connected sends people to sign in under this application’s client id, with a redirect URI and a secret of their own.
connections-application = Application
connections-consumer = Connected with
connections-state = State
connections-redirect = Redirect URI
connections-used = Last used
connections-in-use = In use
connections-unused = Not used yet
connections-off = Switched off
connections-refresh = New secret
connections-refresh-question = Draw a new secret for { $name }?
connections-refresh-lead = Whatever still uses the secret before it stops working at once.
connections-refresh-dead = No code can be redeemed and no token refreshed with the old secret any more.
connections-refresh-once = The new secret is shown once, for you to hand on safely.
connections-drawn = New secret of the connection
connections-copy-now = Copy the secret now.
connections-use = They belong together: the secret redeems only codes that were sent to this redirect URI.
connections-kept = I have kept it
connections-delete = Delete
connections-delete-question = Delete the connection with { $name }?
connections-delete-lead = People are no longer sent back to { $uri }.
connections-delete-codes = Its secret is dead at once, and so are codes that have not been redeemed yet.
connections-delete-tokens = Tokens that were got through it cannot be refreshed; each lives its own hour at most.
connections-delete-again = It can be made anew, with another secret.
connections-told-deleted = The connection is deleted.

secrets-ends = A new secret ends
secrets-never = when somebody ends it
