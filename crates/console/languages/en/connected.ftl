# The applications that may act for a person.

connected-title = Connected applications
connected-none = No application may act for you.
connected-some = { $many ->
    [one] 1 application may act for you.
   *[other] { $many } applications may act for you.
}
connected-empty = When you allow an application to use your account, it appears here, with what it may do and when it last did.
connected-may = It may
connected-since = Since
connected-no-access = It has no access at the moment. When you sign in to it again, we do not ask you again.
connected-used = Last used
connected-ends = Ends if not used
connected-revoke = Take access away
connected-effect = At once. What it has read before stays with it; ask it to delete that.
