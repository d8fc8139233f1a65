# Sites with records, and the plan, as administrators see them.

menu-sites = Records of sites
sites-none = The organisation has no sites yet.
sites-some = { $coded } of { $many ->
    [one] 1 site takes records.
   *[other] { $many } sites take records.
}
sites-no-plan = The plan is empty: no call of the FHIR API is answered.
sites-empty = Records are kept under a site. Add the first one to the organisation.
sites-caption = Sites, their codes, and how they take records
sites-no-code = Takes no records
sites-enforce = Records must be valid
sites-warn = Faults are told
sites-off = Not validated
sites-ids-caller = Callers may name them
sites-ids-server = Hilum names them
sites-changes = Last changes
sites-changes-none = Nothing has been changed yet.
site-code = Site code
site-code-hint = HC and five letters or digits; callers send it as SU-SiteId. Left empty, one is drawn. It stays for good.
site-none = none yet
site-base = Address of the FHIR API
site-facts = Where its records are
site-change = How it takes records
site-validation = Validation
site-enforce = Only valid records
site-enforce-hint = A record with errors is refused, and everything that was found is told.
site-warn = All records, with what was found
site-warn-hint = A record with errors is kept. Who asks for it is told what was found.
site-off = All records, unchecked
site-off-hint = For loading data that was checked elsewhere.
site-ids = Ids of new records
site-ids-caller = Callers may name them
site-ids-caller-hint = A record is created under the id that a PUT names.
site-ids-server = Hilum names them
site-ids-server-hint = A PUT to an id that is not there is refused.
site-save = Save
fault-site-code = Must be HC and five letters or digits.
fault-site-taken = This code is another site's.
plan-title = Plan
plan-lead = What the sites of the organisation may keep and call for. A call for anything else is refused, and names what is missing. Records that are there already stay.
plan-choices = Subscriptions
plan-save = Save the plan
plan-foundation = Foundation
plan-foundation-hint = Conformance, terminology, security, documents, messages
plan-base = Base
plan-base-hint = Patients, practitioners, organisations, locations, appointments, tasks
plan-clinical = Clinical
plan-clinical-hint = Observations, conditions, medications, care plans, requests
plan-financial = Financial
plan-financial-hint = Coverage, claims, invoices, payments
plan-specialized = Specialized
plan-specialized-hint = Research, quality measures, definitions of medications
