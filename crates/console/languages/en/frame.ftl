# What surrounds every page.

language-name = English
language-choice = Language
brand-line = Hilum health integration gateway
frame-skip = Skip to content
frame-menu = Menu
frame-main-navigation = Main
frame-signed-in-as = Signed in as
frame-sign-out = Sign out
frame-documentation = API documentation
menu-you = You
menu-developer = Developer portal
menu-own-applications = Your applications
menu-administration = Administration
menu-overview = Overview
menu-integrations = Services people link
menu-applications = Applications
menu-trust = Trust
menu-people = People
menu-organisation = Organisation
menu-audit = Audit trail

copy-act = Copy
copy-done = Copied
copy-by-hand = Press Ctrl+C

form-problem = There is a problem
form-cancel = Cancel
form-optional = (optional)
confirm-effects = What will happen
confirm-name = Type the name to go on
confirm-name-is = The name is: { $name }
confirm-name-wrong = Type the name exactly as it is shown.

time-now = just now
time-soon = in a moment
time-minutes-ago = { $amount ->
    [one] 1 minute ago
   *[other] { $amount } minutes ago
}
time-hours-ago = { $amount ->
    [one] 1 hour ago
   *[other] { $amount } hours ago
}
time-days-ago = { $amount ->
    [one] 1 day ago
   *[other] { $amount } days ago
}
time-in-minutes = { $amount ->
    [one] in 1 minute
   *[other] in { $amount } minutes
}
time-in-hours = { $amount ->
    [one] in 1 hour
   *[other] in { $amount } hours
}
time-in-days = { $amount ->
    [one] in 1 day
   *[other] in { $amount } days
}
time-date = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }
time-exact = { $date }, { $clock } UTC
