# Whom an application is opened for.

launch-patient-title = Whom is this about?
launch-patient-lead = { $client } works with the record of one patient. Choose whose record it may open; next you decide what it may do there.
launch-patient = Patient
launch-self = Your own record
launch-proxy = You look after this person
launch-practitioner = You treat this person
launch-encounter-title = Which visit is this about?
launch-encounter-lead = { $client } asks which visit of the patient it is opened for.
launch-encounter = Visit
launch-go-on = Continue
launch-menu = Open an application
launch-open-title = Open an application for a patient
launch-open-lead = The application opens with this patient’s record. It asks for your permission the first time.
launch-open-empty = There is no patient or no application to choose here yet. An administrator can set them up.
launch-application = Application
launch-open-act = Open
