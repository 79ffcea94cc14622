// Roles for a MongoDB deployment of Vox. Run once, as a user who may make roles:
//
//   mongosh "mongodb://admin@host/?authSource=admin" --eval 'var database = "vox"' scripts/mongodb/roles.js
//
// vox_runtime: what vox-bridge needs while it serves. It reads and writes every collection, but of the ledger, the audit log and the proofs of
// campaigns it may only read and add: neither update nor remove is granted there, so nothing that runs with this role can change an entry.
// vox_billing: reads the ledger, statements, sums, plans and prices, and nothing else.
//
// `vox-bridge migrate` and `copy` write documents as they are kept elsewhere; run them with a user of `readWrite` and `dbAdmin`.
// The tests' server has no roles of this kind: this script was not run by them.

const name = typeof database === "undefined" ? "vox" : database;
const target = db.getSiblingDB(name);
const added = ["ledger", "audit", "campaign_proofs"];
const read = ["find", "listIndexes", "collStats"];
const all = [
  "tenants", "users", "bots", "bot_versions", "calls", "workers", "hosts", "reservations", "dialouts", "do_not_call",
  "campaign_imports", "campaign_refused_rows",
  "carriers", "dids", "trunks", "dispatches", "tickets", "refresh_tokens", "api_keys", "invitations", "erasures", "events", "settings",
  "data_keys", "vault", "webhooks", "webhook_lanes", "deliveries", "plans", "quotas", "prices", "usage_days", "jobs",
  "crm_integrations", "crm_pushes", "call_digests", "rollups", "rollup_batches", "budgets", "config_requests",
  "sign_in_providers", "identities", "sign_ins", "reports", "statements", "voices", "sounds", "latencies",
  "exotel_accounts", "campaigns", "campaign_leases", "contacts", "attempts", "numbers", "diallers", "schemas", "write_probes",
];

// Whatever else the deployment has, of this version or a later one.
const others = target.getCollectionNames().filter((c) => !all.includes(c) && !added.includes(c) && !c.startsWith("system."));
const changed = all.concat(others);
const on = (collection, actions) => ({ resource: { db: name, collection }, actions });

const runtime = [
  ...changed.map((c) => on(c, [...read, "insert", "update", "remove", "createIndex", "createCollection"])),
  ...added.map((c) => on(c, [...read, "insert", "createIndex", "createCollection"])),
  on("", ["listCollections"]),
];
const billing = ["ledger", "statements", "quotas", "usage_days", "prices", "plans"].map((c) => on(c, read));

for (const [role, privileges] of [["vox_runtime", runtime], ["vox_billing", billing]]) {
  const exists = target.getRole(role) !== null;
  exists
    ? target.updateRole(role, { privileges, roles: [] })
    : target.createRole({ role, privileges, roles: [] });
  print(`${exists ? "updated" : "created"} ${name}.${role}`);
}
