"""An application written with Authlib. Says what it needs and what it found as one JSON object a line.

    authlib_client.py ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI SCOPE

prints where the person must be sent, reads the address at which the person came back, and prints what that brought.
"""

import json
import sys

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

issuer, client_id, client_secret, redirect_uri, scope = sys.argv[1:]
server = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
assert server["issuer"] == issuer


def say(**what):
    print(json.dumps(what), flush=True)


def session(**more):
    return OAuth2Session(client_id, client_secret, token_endpoint_auth_method="client_secret_basic", **more)


# For itself.
own = session()
own_token = own.fetch_token(server["token_endpoint"], grant_type="client_credentials")
told = own.introspect_token(server["introspection_endpoint"], token=own_token["access_token"], token_type_hint="access_token").json()
own.revoke_token(server["revocation_endpoint"], token=own_token["access_token"], token_type_hint="access_token")
ended = own.introspect_token(server["introspection_endpoint"], token=own_token["access_token"]).json()
say(own=dict(own_token), told=told, ended=ended)

# For a person.
verifier = "authlib-verifier-authlib-verifier-authlib-verifier"
person = session(scope=scope, redirect_uri=redirect_uri, code_challenge_method="S256")
url, state = person.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier, nonce="n-authlib")
say(url=url, state=state)
back = sys.stdin.readline().strip()
token = person.fetch_token(server["token_endpoint"], authorization_response=back, code_verifier=verifier, state=state)
keys = KeySet.import_key_set(requests.get(server["jwks_uri"], timeout=10).json())
decoded = jwt.decode(token["id_token"], keys, algorithms=server["id_token_signing_alg_values_supported"])
claims = CodeIDToken(
    decoded.claims,
    decoded.header,
    options={"iss": {"value": issuer}, "aud": {"value": client_id}},
    params={"nonce": "n-authlib", "client_id": client_id, "access_token": token["access_token"]},
)
claims.validate()
about = person.get(server["userinfo_endpoint"]).json()
renewed = None
if token.get("refresh_token"):
    renewed = dict(person.refresh_token(server["token_endpoint"], refresh_token=token["refresh_token"]))
say(token=dict(token), claims=decoded.claims, about=about, renewed=renewed)
