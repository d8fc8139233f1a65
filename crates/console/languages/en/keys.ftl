# API keys of an organisation.

keys-title = API keys
keys-none = No key is there yet.
keys-some = { $many ->
    [one] 1 key.
   *[other] { $many } keys.
}
keys-empty = Make your first key
keys-lead = A key lets a program of yours call this deployment’s APIs for itself, without a person signing in. It gets tokens with its id and its key.
keys-make = Make a key
keys-key = Key
keys-id = API Key Id
keys-since = Made
keys-scopes = Scopes
keys-scopes-hint = Separated by spaces, as few as it needs. You may give, and narrower ones of their kind: { $scopes }
keys-role = A role
keys-roles = Roles
keys-roles-hint = For calls that manage integrations: a role, or a role, a colon and a study’s short name, separated by spaces. Never more than your own.
keys-used = Last used
keys-never = never
keys-ends = Ends
keys-over = Has ended
keys-without-end = when you delete it
keys-for-days = { $days ->
    [one] after 1 day
   *[other] after { $days } days
}
keys-act = Act
keys-name = Name
keys-name-hint = Letters a to z, digits and spaces. Without the spaces it becomes the end of the API Key Id. Names are not used twice.
keys-lifetime = It ends
keys-made = New key
keys-made-heading = { $name } is made
keys-copy-now = Copy the key now.
keys-shown-once = We keep only a fingerprint of it and cannot show it again.
keys-use = Give both to your program as client_id and client_secret, with grant_type=client_credentials. Keep the key where only the program can read it.
keys-kept = I have kept it
keys-delete = Delete
keys-delete-question = Delete the key { $name }?
keys-delete-lead = Whatever still uses { $id } stops working at once.
keys-delete-tokens = Every token that was got with it is dead at once.
keys-delete-name = Its name is not given again: an id in an old record always means this key.
keys-delete-final = It cannot be brought back. You can make another under another name.
keys-told-deleted = The key is deleted.

fault-key-name = Must be letters a to z, digits and spaces, 1 to 40 of them without the spaces.
fault-key-taken = Your organisation has or had a key or an application of this name; names are not used twice.
fault-keys-many = Your organisation has as many keys as it may; delete one first.
fault-one-at-least = Must be at least one.
