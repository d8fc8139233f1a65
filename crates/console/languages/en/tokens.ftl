# Initial access tokens: what lets somebody’s clients register themselves.

tokens-title = Initial access tokens
tokens-none = No token is good now, so nobody can register clients with one.
tokens-some = { $many ->
    [one] 1 token lets somebody’s clients register themselves.
   *[other] { $many } tokens let somebody’s clients register themselves.
}
tokens-closed = Registration is closed in this deployment: no token works until an operator opens it.
tokens-lead = Give one to somebody whose software registers its clients by itself (RFC 7591). The clients belong to your organisation and wait to be verified, as those that developers register.
tokens-empty = Make your first token
tokens-make = Make a token
tokens-for = For whom
tokens-for-hint = So that you recognise it: the vendor or the system. No names of patients.
tokens-state = State
tokens-good = Good
tokens-over = Over
tokens-spent = Spent
tokens-revoked = Revoked
tokens-left = Uses left
tokens-used = Last used
tokens-ends = Ends
tokens-never = never
tokens-made-by = made by { $name }
tokens-made-at = made
tokens-uses = How many clients it registers
tokens-uses-hint = 1 to { $most }.
tokens-lifetime = How long it is good
tokens-days = { $days ->
    [one] 1 day
   *[other] { $days } days
}
tokens-made = New token
tokens-made-heading = The token for { $name } is made
tokens-copy-now = Copy the token now.
tokens-use = It is sent as “Authorization: Bearer …” to this address, with the client’s metadata as JSON:
tokens-token = Token
tokens-kept = I have kept it
tokens-revoke = Revoke
tokens-revoke-question = Revoke the token for { $name }?
tokens-revoke-lead = Nobody can register a client with it any more.
tokens-revoke-clients = Clients that were registered with it stay. You find them among the applications.
tokens-revoke-final = It cannot be brought back. You can make another.
tokens-told-revoked = The token is revoked.

fault-tokens-many = Your organisation has as many tokens as it may; revoke one first.
fault-tokens-name = Must be 1 to 100 characters.
fault-tokens-uses = Must be 1 to 1000 registrations.
fault-tokens-days = Must be 1 to 365 days.
