# Coming in and going out.

sign-in-title = Sign in
sign-in-lead = Link your health services, and see who may use them.
sign-in-act = Sign in
sign-in-new = No account yet?
sign-in-create = Create one
field-email = E-mail address
field-password = Password
field-name = Your name
field-organisation = Where you belong
password-hint = { $least ->
    [one] At least 1 character.
   *[other] At least { $least } characters. A few words in a row are good.
}
register-title = Create an account
register-lead = With it you link your health services in one place, and decide who may use them.
register-act = Create account
register-known = Have one already?
sign-out-title = Sign out
sign-out-question = Sign out?
sign-out-lead = You sign out of this deployment. Applications that you allowed keep working.
sign-out-stay = Or stay, and
sign-out-start = go to the start page
signed-out-title = Signed out
signed-out-heading = You are signed out
signed-out-lead = Applications that you allowed keep working. On a shared computer, close the browser as well.
signed-out-back = Back again?
