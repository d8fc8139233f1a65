# A person as administrators see them: roles, and which records of the health system are theirs to open.

person-may = What this person may do
person-roles = Roles
person-roles-save = Save roles
person-study-roles = Roles in studies
person-study-roles-hint = A role, a colon and the study’s short name, such as viewer:cardio, separated by spaces. Study managers, data managers, analysts, viewers and auditors can be given for a study alone.
person-user = Their own record
person-user-lead = The record in the health system that is this person. Applications learn it with the permission fhirUser.
person-user-field = Record
person-user-hint = Such as Practitioner/5 or Patient/nadia. Empty: none.
person-user-save = Save record
person-patients = Patients whose records they may open
person-patients-lead = An application that the person opens, or that asks for a patient, offers these and no others.
person-patients-none = None yet.
person-patient = Patient
person-patient-id = Id of the patient’s record
person-patient-id-hint = As in the health system: letters, digits, hyphens and dots.
person-relation = What they are to the patient
person-relation-self = It is their own record
person-relation-proxy = They look after the patient
person-relation-practitioner = They treat the patient
person-label = Name of the patient
person-label-hint = By which the person knows the record. Kept sealed.
person-link = Link patient
person-unlink = Unlink
person-unlink-question = Unlink the patient { $label }?
person-unlink-lead = { $name } can no longer open this record in an application that asks for a patient.
person-unlink-tokens = Applications that hold it open keep it until their access ends, or is taken away.
person-unlink-again = You can link it again.
person-off = { $email }. The account is switched off.
person-on = { $email }.

fault-fhir-id = Must be 1 to 64 letters, digits, hyphens or dots.
fault-fhir-user = Must be Patient, Practitioner, PractitionerRole, RelatedPerson or Person, a slash and an id.
fault-relation = Choose what they are to the patient.
