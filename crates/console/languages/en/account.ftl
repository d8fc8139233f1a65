# Coming in and going out.

sign-in-title = Sign in
sign-in-lead = Link your health services, and see who may use them.
sign-in-anew = The application asks you to show once more that it is you.
sign-in-stronger-mfa = The application asks for a stronger sign-in: a second step follows your password, or use a passkey.
sign-in-stronger-passkey = The application asks for the strongest sign-in: use a passkey. A password alone will not be enough.
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

# A device without a browser.

device-title = Connect a device
device-lead = Your device shows a code. Type it in here, or check that it is the one shown here.
device-code = Code
device-hint = Eight letters, such as WDJB-MJHT. Go on only if you started this yourself, on a device in front of you.
device-act = Go on
device-returns = the device that shows the code
device-done-title = That is all
device-done-lead = Your device goes on by itself in a few seconds. You can close this page.
