# How a person signs in, and where they are signed in.

passkey-use = Use a passkey
passkey-not-used = The passkey was not used. Try again, or go on without it.
provider-continue = Continue with { $name }

second-title = Second step
second-heading = One more step
second-lead-password = Your password is right. Your account asks for a second proof that it is you.
second-lead-provider = You have signed in at the other site. Your account here asks for a second proof that it is you.
second-code = Code
second-hint-app = The six digits that your authenticator app shows now, or one of your recovery codes.
second-hint-recovery = One of the recovery codes that you wrote down, if your passkey is not at hand.
second-act = Go on
second-not-you = Not you?
second-again = Start again

security-title = Your sign-in
security-passkey = You sign in with a passkey, or with your password and a second step
security-two = You sign in with your password and a second step
security-one = You sign in with your password alone
security-but = a second step would protect you if somebody learns it
security-anew = Sign in again to make changes
security-anew-why = Looking is always possible. To change how you sign in, you must have signed in within the last five minutes.

told-added = Added.
told-saved = Saved.
told-removed = Removed.
told-signed-out = Signed out there.
told-more-needed = The application asks for a stronger sign-in than your account can show. Add an authenticator app or a passkey here, then start again from the application.

factors-title = Second step and passkeys
factors-none = Nothing besides your password yet
factors-what = An authenticator app on your phone shows a new code every half minute. A passkey is kept by your phone or computer and opens with your finger, face or PIN: with it you need no password at all.
factor-app = Authenticator app
factor-passkey = Passkey
factor-name = Name
factor-kind = What it is
factor-added = Added
factor-used = Last used
factor-unused = not yet
factor-change = Change
factor-rename = Rename
factor-remove = Remove
factor-save = Save
factor-rename-lead = { $kind }. Give it a name by which you recognise it.
factor-remove-question = Remove { $name }?
factor-remove-lead = { $kind }, with which you sign in.
factor-remove-effect = Nobody can sign in with { $name } any more.
factor-remove-last = Your password alone is enough to sign in from then on.
factor-remove-codes = Your recovery codes end as well.

app-add = Add an authenticator app
app-lead = Scan the picture with the app, or type the key into it. Then type the code that it shows.
app-picture = The key as a QR code; the same key stands beside it in letters
app-key = The key in letters
app-key-hint = For typing into an app that cannot scan. Spaces do not matter.
app-here = The app is on this very device
app-here-how = Open this address with the app, or copy it into it. It holds the key: show it to nobody.
app-code-hint = The six digits that the app shows now.
app-name-hint = So that you recognise it later.
app-name = Phone
app-act = Add this app

passkey-name = Name of the passkey
passkey-name-hint = Where it is kept: this laptop, your phone, a security key.
passkey-device = This device
passkey-add = Add a passkey
passkey-not-made = The passkey was not made. Try again.
passkey-script = Passkeys need JavaScript.

codes-title = Recovery codes
codes-none = You have none left. Without them you cannot sign in when your devices are lost.
codes-left = { $many ->
    [one] 1 is left. It opens your account once, together with your password, when your devices are lost.
   *[other] { $many } are left. Each opens your account once, together with your password, when your devices are lost.
}
codes-make = Make recovery codes
codes-again = Make new ones, and end these
codes-yours = Your recovery codes
codes-keep = Write them down or print them now.
codes-once = We keep only fingerprints of them and cannot show them again.
codes-where = Each opens your account once, together with your password. Keep them where you would keep a spare key: not on the phone that they stand in for.
codes-kept = I have kept them

links-title = Accounts elsewhere that sign you in
links-where = Where
links-since = Linked
links-no = no
links-link = Link
links-unlink = Unlink
links-link-question = Link { $name }?
links-link-lead = You sign in at { $name } now. From then on you can come in here through { $name }.
links-link-act = Go on
links-unlink-question = Unlink { $name }?
links-unlink-lead = You can no longer come in here through { $name }.
links-unlink-sure = You sign in with your password or a passkey from then on: make sure that you have one.
links-unlink-again = You can link it again at any time.

sessions-title = Where you are signed in
sessions-others = Sign out everywhere else
sessions-browser = Browser
sessions-browser-on = { $browser } on { $system }
sessions-began = Signed in
sessions-seen = Last seen
sessions-end = Sign out there
sessions-here = This browser
sessions-unknown = An unknown browser
sessions-one = with one factor
sessions-two = with two factors
sessions-passkey = with a passkey

handover-title = Back to the application
handover-act = Continue

fault-code = The code is not right, or was used before.
fault-first-code = This is not the code that the app shows now. Look again, and mind the clock of the phone.
fault-passkey = This passkey does not sign you in here.
fault-passkey-saved = The passkey was not saved. Try again.
fault-no-passkeys = Passkeys are not possible here.
fault-halfway = That took too long. Start again with your password.
fault-factor-gone = There is no such thing among your ways to sign in, or it took too long.
fault-factor-anew = Sign in again first: this changes how you sign in.
fault-factor-name = Must be 1 to 60 characters.
fault-factors-max = You have as many as anybody may have. Remove one first.
fault-provider-gone = There is no such way to sign in.
fault-provider-not-asked = This sign-in was not begun in this browser, took too long, or was finished before. Start again.
fault-provider-denied = The other site did not sign you in.
fault-provider-untrusted = You were not signed in: the other site’s answer cannot be used here.
fault-provider-weak = You were not signed in: the other site has not checked enough who you are.
fault-provider-unknown = Nobody here is linked to this account of { $provider } yet. Sign in with your e-mail address and password first, then link it under “Your sign-in”.
fault-provider-otherwise = This account there is linked to somebody else here, or you have linked another one. Unlink that first.
fault-provider-unreadable = The other site does not answer as it should. Try again later.
