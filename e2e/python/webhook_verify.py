"""Whether the official library of Standard Webhooks accepts a message: secret, id, timestamp, signature, body."""
import sys

from standardwebhooks import Webhook, WebhookVerificationError

secret, identifier, timestamp, signature, body = sys.argv[1:]
headers = {"webhook-id": identifier, "webhook-timestamp": timestamp, "webhook-signature": signature}
try:
    Webhook(secret).verify(body, headers)
    print("accepted")
except WebhookVerificationError:
    print("refused")
