# A person's linked services.

services-title = Your services
services-none = No service is set up here yet
services-one-not-linked = Your one service is not linked
services-one-linked = Your one service is linked
services-none-linked = { $all ->
    [one] Your one service is not linked
   *[other] None of { $all } services is linked
}
services-all-linked = { $all ->
    [one] Your one service is linked
   *[other] All { $all } services are linked
}
services-some-linked = { $linked ->
    [one] 1 of { $all } services is linked
   *[other] { $linked } of { $all } services are linked
}
services-attention = { $many ->
    [one] 1 needs your attention
   *[other] { $many } need your attention
}
services-empty = There is nothing to link yet
services-empty-lead = When { $organisation } sets up a service, such as a step counter or a hospital portal, it appears here and you can link your account to it.
services-linked = Linked
services-last-used = last used
services-not-used = not used yet
services-never-used = never used
services-ends = the permission ends
services-allowed = You allowed us to
services-said-nothing = The service did not say.
services-withheld = Not allowed:
services-users = Who may use it
services-no-users = No application so far.
services-sees-linked = see whether it is linked
services-link = Link
services-link-again = Link again
services-unlink = Unlink
services-purpose = Link your account there, and applications that your organisation trusts can use it for you.
service-linked = Linked
service-link-again = Link again
service-not-linked = Not linked
status-degraded = Linked; the service does not answer at the moment.
status-not-accepted = Link again: the service no longer accepts the earlier permission.
status-scope-missing = Link again: more permission is needed.
status-rotation-lost = Link again: a renewal was interrupted and could not be completed.
status-closed = The service has ended this kind of access.
status-consent-ended = Link again: the permission has run out.
status-revoking = Unlinked; telling the service.

unlink-question = Unlink { $name }?
unlink-nobody = No application uses it now.
unlink-users = { $names } can no longer use it for you.
unlink-destroy = We destroy the key to your { $name } account at once. Nobody can use it from here any more.
unlink-tell = We tell { $name } to end the access. If it does not answer, we keep trying.
unlink-read-before = What applications have read before stays with them. Ask them to delete it.
unlink-again = You can link it again at any time.

told-unlinked = Unlinked. Nobody can use this account from here any more.
told-revoked = The application has no access any more.
told-access-denied = It was not linked: access was not allowed there.
told-invalid-scope = It was not linked: the service did not give the permission that is needed.
told-unavailable = It was not linked: the service does not answer at the moment. Try again later.
told-not-linked = It was not linked: something went wrong between us and the service. Try again later.
