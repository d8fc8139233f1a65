# Administration.

over-how-but = { $how }, of which { $but }
over-waits = { $many ->
    [one] 1 thing waits for you
   *[other] { $many } things wait for you
}
over-linked = accounts linked
over-verify = to verify
over-asking = asking for trust
over-people = with an account
over-verify-one = Verify { $name }
over-trust-one = Trust { $what }
over-waiting = Waiting for you
over-nothing = Nothing waits. New applications and requests for trust appear here.
over-caption = What waits for an administrator
over-what = What
over-for = For what
over-since = Since
over-all = All services people link
adm-apps-empty = No application is registered. Give a person the developer role, and they can register one in the developer portal.
adm-apps-people = Go to people
adm-apps-caption = Applications, those to verify first
verif-withdraw-question = Withdraw the verification of { $name }?
verif-none = It is trusted with none of your integrations now.
verif-some = { $many ->
    [one] It is trusted with 1 integration.
   *[other] It is trusted with { $many } integrations.
}
verif-trust = { $many ->
    [one] Its trust with 1 integration ends: it can no longer use what people have linked there.
   *[other] Its trust with { $many } integrations ends: it can no longer use what people have linked there.
}
verif-people = People who sign in to it are told that nobody has checked who made it.
verif-stays = Its registration stays. It can be verified again; trust has to be granted anew.
grant-with = { $client } with { $integration }
grant-none = No application is trusted with an integration yet
grant-some = { $many ->
    [one] 1 grant is in force
   *[other] { $many } grants are in force
}
grant-waits = { $many ->
    [one] 1 request waits for you
   *[other] { $many } requests wait for you
}
grant-empty = No application has asked for an integration. Developers ask on the page of their application.
grant-caption = What applications may do with integrations, requests first
grant-what-with = Application and integration
grant-requested = A developer has asked for this. It waits for you.
grant-granted = The application is trusted. You can change the terms, or withdraw the trust.
grant-withdrawn = The application is not trusted. You can grant trust again.
grant-who = Who asks, and for what
grant-asked = Asked for
grant-only-linked = Only whether the account is linked
grant-asked-at = Asked
grant-terms = Terms
grant-act = Grant trust
grant-save = Save
grant-asked-mark = Asked for.
grant-may = It may
grant-may-hint = Whether an account is linked can always be seen.
grant-proxy = Addresses it may call directly
grant-proxy-hint = One on each line: a method and a path, where * stands for one part, such as { $example }
grant-proxy-wrong = “{ $line }” is not a method and a path, such as { $example }
grant-scopes = Scopes of the service that it may make use of
grant-scopes-hint = Separated by spaces. Empty: all that the integration asks for.
grant-rate = Calls a minute
grant-withdraw = Withdraw trust
grant-withdraw-question = Withdraw the trust between { $client } and { $integration }?
grant-withdraw-lead = { $client } can no longer use what people have linked at { $integration }.
grant-withdraw-once = It takes effect at once, on every node.
grant-withdraw-linked = People’s accounts stay linked at { $integration }, and other applications go on as before.
grant-withdraw-again = The developer can ask again, and you can grant it again.
fault-verify-first = Verify the application first.
fault-spaces = Are separated by spaces.
fault-number = Must be a number.
int-none = No integration is set up yet
int-some = { $many ->
    [one] 1 integration is set up
   *[other] { $many } integrations are set up
}
int-attention = { $many ->
    [one] 1 needs attention
   *[other] { $many } need attention
}
int-disabled = Disabled
int-enabled = Enabled
int-needs-attention = Needs attention
int-linked = { $many ->
    [one] 1 account is linked.
   *[other] { $many } accounts are linked.
}
int-again = { $many ->
    [one] 1 needs to be linked again.
   *[other] { $many } need to be linked again.
}
int-add = Add an integration
int-add-act = Add integration
int-first = Add the first integration
int-empty = Choose a third-party service from the catalogue, register Hilum there, and enter the client id and secret you were given.
int-caption = Integrations and how they are
int-provider = Provider
int-accounts = Linked accounts
int-attention-many = Need attention
int-add-one = Add { $name }
int-all = All services
int-add-lead = Register this deployment there with the redirect URI { $callback }, then enter what you were given.
int-looked-after = Its state and figures
int-facts = How it is set up
int-callback = Redirect URI
int-slug = Id in addresses
int-trusted = Trusted applications
int-settings = Settings
int-disable = Disable
int-enable = Enable
int-disable-one = Disable { $name }
int-disable-question = Disable { $name }?
int-disable-lead = Nobody can link an account there or use one until you enable it again.
int-disable-calls = Applications no longer see it, and no call reaches it from here.
int-disable-linked = What people have linked stays linked, and works again when you enable it.
int-disable-unlink = People can still unlink.
int-name = Name
int-name-hint = As people know it.
int-slug-hint = Small letters, digits and hyphens. It stays for good.
int-client-id-hint = As the service has given it to you.
int-sealed-stays = Empty: what is sealed stays.
int-usual = The usual one
int-installation = Installation
int-scopes = Scopes to ask for
int-scopes-hint = Separated by spaces. Empty: what is usual for this service.
int-secret = Client secret
int-example = Such as { $example }.
int-default = Empty: { $default }.
int-catalogue = First choose the third-party service. The catalogue knows { $known } of them.
int-search = Search
int-family = Kind
int-family-all = Every kind
int-found = { $found } of { $all } services
int-not-found = Nothing by that name. A provider that the catalogue does not know can be described in a file of your own: see “providers” in the configuration.
int-by-keys = works by keys, not by people’s accounts
int-sure = facts from its own documents
int-rather-sure = facts from clients in use
int-unsure = facts from one source: check first
family-wearable = Wearables
family-device = Devices at home
family-ehr = Health records
family-lab = Laboratories
family-payer = Insurers
family-national-service = National health services
family-national-identity = National sign-in
family-clinical-trial = Clinical research
family-aggregator = Aggregators
family-signature = Electronic signatures
family-files = Files
family-office = Mail, calendar and meetings
family-identity = Sign-in
family-test = For development
fault-integration-taken = There is an integration with this id already.
people-some = { $many ->
    [one] 1 person with an account
   *[other] { $many } people with an account
}
people-more = { $many ->
    [one] 1 person, and there are more
   *[other] { $many } people, and there are more
}
people-add = Add a person
people-add-act = Add
people-add-lead = They can sign in at once.
people-caption = People of { $organisation }
people-person = Person
people-since = Since
people-next = More people
people-off = switched off
people-name = Name
people-password = First password
people-password-hint = { $many ->
    [one] At least 1 character. Hand it over by another way than e-mail.
   *[other] At least { $many } characters. Hand it over by another way than e-mail.
}
role-person = Person
role-person-hint = Links own services and sees who may use them.
role-developer = Developer
role-developer-hint = Registers applications and asks for trust.
role-administrator = Administrator
role-administrator-hint = Verifies applications, grants trust, sets up integrations, adds people.
role-system-admin = System administrator
role-system-admin-hint = Manages the integrations of all organisations of this deployment, and opens no records. Only another one can give it.
role-study-manager = Study manager
role-study-manager-hint = Sets integrations up, changes and archives them.
role-data-manager = Data manager
role-data-manager-hint = Tests integrations, lets data flow, mends records that did not fit.
role-analyst = Analyst
role-analyst-hint = Looks at integrations, their logs and numbers.
role-viewer = Viewer
role-viewer-hint = Looks at integrations.
role-auditor = Auditor
role-auditor-hint = Looks at everything that was done to integrations, and does nothing.
fault-one-role = Choose at least one.
fault-study-role = Write a role, a colon and a study's short name.
fault-study-role-unknown = Names what is no role of a study.
fault-study-unknown = Names a study that there is not.
org-sites-some = { $many ->
    [one] 1 site
   *[other] { $many } sites
}
org-sites-none = no sites
org-studies-some = { $many ->
    [one] 1 study
   *[other] { $many } studies
}
org-studies-none = no studies
org-how = { $sites } and { $studies }
org-sites = Sites
org-sites-empty = A site is a place where care is given or a study is run. Tokens can be limited to a site.
org-site = Site
org-short = Short name
org-short-hint = Small letters, digits and hyphens, such as north-clinic.
org-studies = Studies
org-studies-empty = A study is research that people take part in. It may run at several sites.
org-study = Study
org-where = Where
org-add-site = Add site
org-add-study = Add study
org-site-name = Name of a site
org-study-name = Name of a study
org-runs = Where it runs
audit-none = Nothing is recorded yet
audit-none-fits = Nothing was recorded that fits
audit-newest = { $many ->
    [one] The newest entry
   *[other] The newest { $many } entries, newest first
}
audit-newest-fit = { $many ->
    [one] The newest entry that fits
   *[other] The newest { $many } entries that fit, newest first
}
audit-next = { $many ->
    [one] The next entry
   *[other] The next { $many } entries, newest first
}
audit-next-fit = { $many ->
    [one] The next entry that fits
   *[other] The next { $many } entries that fit, newest first
}
audit-id = An id has the form 0190b6e0-0000-7000-8000-000000000000.
audit-application = application { $id }
audit-person = person { $id }
audit-through = { $person }, through { $client }
audit-itself = Hilum itself
audit-receiver = whoever opened link { $id }
audit-nobody = nobody known
audit-done = Done
audit-refused = Refused
audit-failed = Failed
audit-act = Act
audit-person-id = Person id
audit-client-id = Application id
audit-subject = Id of the thing
audit-filter = Filter
audit-empty = No entry matches.
audit-all = Show everything
audit-caption = Entries, newest first
audit-when = When
audit-who = Who
audit-on = On what
audit-outcome = Outcome
audit-first = ← Newest
audit-older = Older →
