// The reference library of Standard Webhooks: `with_standardwebhooks.mjs ASKED` says of each message whether it verifies.
import { Webhook } from "standardwebhooks";

const asked = JSON.parse(process.argv[2]);
const webhook = new Webhook(asked.secret);
for (const { headers, body } of asked.messages) {
  try {
    webhook.verify(body, headers);
    console.log(JSON.stringify({ verified: true }));
  } catch {
    console.log(JSON.stringify({ verified: false }));
  }
}
