// Every page there is, with real records out of the demonstration. Henrik looks at them, `as` somebody else where he may not.

const ask = async (demo, path) => {
  const answer = await fetch(demo.base + path, { headers: { authorization: `Bearer ${demo.token}` } });
  return answer.json();
};

/** A day so many days ahead. */
const ahead = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

export const pages = async (demo) => {
  const waiting = (await ask(demo, "/api/v1/changes?waiting=true")).items;
  const closed = (await ask(demo, "/api/v1/changes?state=closed&limit=100")).items;
  const decisions = (await ask(demo, "/api/v1/decisions?answer=wait&limit=5")).items;
  const payments = waiting.find((change) => change.services.includes("payments")) || waiting[0];
  const identity = waiting.find((change) => change.services.includes("identity")) || waiting[0];
  const rolledBack = closed.find((change) => change.outcome === "rolled_back") || closed[0];
  const decision = decisions[0].id;
  const incidents = (await ask(demo, "/api/v1/incidents?limit=100")).items;
  const problems = (await ask(demo, "/api/v1/problems?limit=100")).items;
  const open = incidents.find((incident) => incident.state !== "resolved") || incidents[0];
  const over = incidents.find((incident) => incident.state === "resolved") || incidents[0];
  return [
    { name: "flow", path: "/" },
    { name: "changes", path: "/changes" },
    { name: "changes-board", path: "/changes?view=board" },
    { name: "changes-none", path: "/changes?q=zzz" },
    { name: "change-waiting", path: `/changes/${payments.number}` },
    { name: "change-to-decide", path: `/changes/${identity.number}` },
    { name: "change-rolled-back", path: `/changes/${rolledBack.number}` },
    { name: "changes-together", path: "/changes/together" },
    { name: "evidence", path: `/changes/${identity.number}/evidence/0` },
    { name: "cab", path: "/cab" },
    { name: "incidents", path: "/incidents" },
    { name: "incidents-all", path: "/incidents?state=all" },
    { name: "incidents-none", path: "/incidents?q=zzz" },
    { name: "incident-open", path: `/incidents/${open.number}`, as: "grace" },
    { name: "incident-over", path: `/incidents/${over.number}` },
    { name: "incident-new", path: "/incidents/new?service=web-shop&environment=production", as: "grace" },
    { name: "problems", path: "/problems" },
    { name: "problem", path: `/problems/${problems[0].number}` },
    { name: "problem-new", path: `/problems/new?service=search&records=${over.number}` },
    { name: "calendar-month", path: "/calendar" },
    { name: "calendar-week", path: "/calendar?view=week" },
    { name: "calendar-list", path: "/calendar?view=list" },
    { name: "window", path: "/calendar/windows/month-end-close" },
    { name: "window-new", path: `/calendar/windows/new?title=Stocktaking&kind=freeze&team=storefront&tier=production&start=${ahead(3)}T08:00&end=${ahead(3)}T18:00&zone=Europe/Berlin&again=monthly&preview=1` },
    { name: "stop", path: "/stops/new?team=payments&preview=1" },
    { name: "exception", path: "/exceptions/new" },
    { name: "services", path: "/services" },
    { name: "services-matrix", path: "/services?view=matrix" },
    { name: "services-graph", path: "/services?view=graph" },
    { name: "services-path", path: "/services?view=graph&focus=web-shop&to=payments-db" },
    { name: "service", path: "/services/payments" },
    { name: "numbers", path: "/numbers" },
    { name: "audit", path: "/audit" },
    { name: "audit-entry", path: "/audit/40" },
    { name: "audit-check", path: "/audit/check" },
    { name: "policies", path: "/policies" },
    { name: "policies-what-if", path: `/policies/decisions/${decision}` },
    { name: "admin", path: "/admin" },
    { name: "admin-inbox", path: "/admin/inbox" },
    { name: "admin-delivery", path: "/admin/inbox/1" },
    { name: "admin-outbox", path: "/admin/outbox" },
    { name: "admin-people", path: "/admin/people" },
    { name: "admin-tokens", path: "/admin/tokens" },
    { name: "admin-access", path: "/admin/access?person=grace&permission=change.approve" },
    { name: "search", path: "/search?q=pay" },
    { name: "notifications", path: "/notifications" },
    { name: "proposals", path: "/proposals" },
    { name: "me", path: "/me" },
    { name: "second-factor", path: "/me/second-factor" },
    { name: "confirm", path: "/confirm" },
    { name: "device", path: "/device?code=ABCD-EFGH" },
    { name: "enrol", path: "/enrol" },
    { name: "not-found", path: "/changes/CHG9999999" },
  ];
};
