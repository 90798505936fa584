// Every page there is, with real records out of the demonstration.

export const ROLES = {
  manager: ["change.read", "change.approve", "change.edit", "stop.pull", "stop.lift", "exception.grant", "calendar.read",
    "organisation.read", "policy.read", "ledger.read", "event.read", "inbox.read", "token.manage"],
  approver: ["change.read", "change.approve", "calendar.read", "organisation.read"],
  developer: ["change.read", "calendar.read", "organisation.read", "policy.read"],
  auditor: ["change.read", "ledger.read", "policy.read", "organisation.read"],
};

const ask = async (demo, token, path) => {
  const answer = await fetch(demo.base + path, { headers: { authorization: `Bearer ${token}` } });
  return answer.json();
};

export const pages = async (demo, token) => {
  const waiting = (await ask(demo, token, "/api/v1/changes?waiting=true")).items;
  const closed = (await ask(demo, token, "/api/v1/changes?state=closed&limit=100")).items;
  const payments = waiting.find((change) => change.services.includes("payments")) || waiting[0];
  const rolledBack = closed.find((change) => change.outcome === "rolled_back") || closed[0];
  return [
    { name: "flow", path: "/" },
    { name: "changes", path: "/changes" },
    { name: "changes-board", path: "/changes?view=board" },
    { name: "change-waiting", path: `/changes/${payments.number}` },
    { name: "change-rolled-back", path: `/changes/${rolledBack.number}` },
    { name: "not-found", path: "/changes/CHG9999999" },
  ];
};
