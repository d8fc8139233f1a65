# Providers that people sign in through, as administrators see them.

menu-upstream = Sign-in providers
upstream-none = Nobody signs in through another site: everybody has a password here.
upstream-some = { $many ->
    [one] People can sign in through 1 provider.
   *[other] People can sign in through { $many } providers.
}
upstream-failing = { $many ->
    [one] 1 failed last
   *[other] { $many } failed last
}
upstream-empty = Add your first provider
upstream-lead = With an external OpenID provider, such as NHS login or your own directory, people sign in with the account that they have there. A person links it once, after signing in here.
upstream-add = Add a provider
upstream-provider = Provider
upstream-state = State
upstream-on = On
upstream-off = Off
upstream-failed-last = Failed last
upstream-people = People linked
upstream-used = Last sign-in
upstream-failed = Last failure
upstream-never = never
upstream-pick = Which provider?
upstream-pick-lead = Of these the most is known. Any other OpenID provider is found by its issuer.
upstream-other = Another one
upstream-other-hint = by its issuer
upstream-set-up = Set up { $name }
upstream-set-up-lead = Register this deployment there first. Give this address as the redirect URI, with the id that you choose below at the place of the dots: { $callback }
upstream-slug = Id in addresses
upstream-slug-hint = Small letters, digits and hyphens. It stays for good.
upstream-name = Name
upstream-name-hint = What the button on the sign-in page says.
upstream-issuer = Issuer
upstream-issuer-hint = Character by character as the provider’s metadata has it. Replace a part in braces.
upstream-client-id = Client id
upstream-client-id-hint = As the provider has given it to you.
upstream-client-auth = How we prove ourselves there
upstream-secret-basic = A secret, in the header
upstream-secret-post = A secret, in the form
upstream-key = An assertion signed with our key
upstream-secret = Client secret
upstream-sealed = Kept sealed, and never shown again.
upstream-private-key = Private key
upstream-private-key-hint = PKCS#8 as PEM: -----BEGIN PRIVATE KEY-----. Kept sealed, and never shown again.
upstream-key-id = Key id
upstream-key-id-hint = What the provider calls our key.
upstream-assertion-alg = Assertions are signed with
upstream-id-token-alg = ID tokens are signed with
upstream-scopes = Scopes to ask for
upstream-counts-as = What a sign-in there is worth here
upstream-counts-password = One factor, as a password
upstream-counts-mfa = Two factors
upstream-new-people = Who comes for the first time
upstream-new-never = Signs in here first, and links
upstream-new-create = Gets an account, if the provider has checked the e-mail address
upstream-callback = Redirect URI to register there
upstream-since = Set up
upstream-disable = Switch off
upstream-disable-question = Switch { $name } off?
upstream-disable-lead = { $many ->
    [one] 1 person is linked and can no longer sign in through it.
   *[other] { $many } people are linked and can no longer sign in through it.
}
upstream-disable-password = They sign in with their password or a passkey, if they have one.
upstream-disable-stays = Links and settings stay. You can switch it on again.
upstream-enable = Switch on
upstream-told-disabled = Switched off.
upstream-told-enabled = Switched on.
upstream-why-denied_there = the provider refused
upstream-why-untrusted_answer = the answer cannot be used
upstream-why-too_weak = the provider has checked too little
upstream-why-unknown_subject = nobody is linked to the account
upstream-why-linked_otherwise = it is linked to somebody else
upstream-why-disabled = the account here is switched off
upstream-why-unreadable = the provider does not answer as it should

fault-upstream-refused = The provider’s settings are not complete or not right.
fault-upstream-taken = Another provider has this short name.
fault-upstream-issuer = Must be an address without query or fragment, as the provider’s metadata has it.
fault-upstream-braces = Fill in the part in braces.
fault-upstream-empty = Must not be empty.
fault-upstream-scopes = Must hold openid.
fault-upstream-alg = Must be stated with private_key_jwt.
fault-upstream-slug = Must be 1 to 40 of a-z, 0-9 and hyphens.
fault-upstream-stated = Must be stated.
fault-upstream-key = Must be a PKCS#8 key for the algorithm of the assertions: -----BEGIN PRIVATE KEY-----
