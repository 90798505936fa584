// The emergency path from the role to the debt: two people are given the role, one asks, the other opens it on the page,
// and what is owed afterwards waits for those who may settle it.

import { logIn } from "./demo.mjs";

/** Two people give a third one a role, by the pages. */
const give = async ({ browser, demo, watched }, person, role) => {
  const first = await logIn(browser, demo, "ines");
  const page = await watched(first);
  await page.goto("/proposals");
  await page.fill("#p-person", person);
  await page.selectOption("#p-role", role);
  await page.fill("#p-reason", "on call at night");
  await page.click("form[action='/proposals/roles'] button");
  await page.waitForURL(/done=proposed/);
  const second = await logIn(browser, demo, "henrik");
  const other = await watched(second);
  await other.goto("/proposals");
  await other.click("#roles form[action$='/confirm'] button");
  await other.waitForURL(/done=confirmed/);
  await first.close();
  await second.close();
};

/** A person at the command line. */
const session = async (demo, handle) => {
  const answer = await fetch(`${demo.base}/api/v1/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ handle, password: demo.password, client: "cli" }),
  });
  return (await answer.json()).token;
};

export const emergencyPath = async (tools) => {
  const { browser, demo, check, watched, api } = tools;
  for (const person of ["grace", "bob"]) await give(tools, person, "break_glass");
  const asked = await fetch(`${demo.base}/api/v1/break-glass`, {
    method: "POST",
    headers: { authorization: `Bearer ${await session(demo, "grace")}`, "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify({
      reason: "the checkout is down, and the fix is one line",
      question: {
        service: "identity", environment: "production", version: "1.85.1", commit: "5".repeat(40),
        artifacts: [`sha256:${"5".repeat(64)}`], run: { system: "github:github.com", id: "identity/emergency", attempt: 1 },
      },
    }),
  });
  check(asked.status === 201, `the path is asked for: ${asked.status} ${await asked.text()}`);
  const own = await logIn(browser, demo, "grace");
  const grace = await watched(own);
  await grace.goto("/proposals");
  check(await grace.locator("#emergencies").innerText().then((text) => text.includes("checkout is down")), "whoever asked sees it waiting");
  check(await grace.locator("#emergencies form[action$='/open']").count() === 0, "nobody opens what they asked for");
  const context = await logIn(browser, demo, "bob");
  const bob = await watched(context);
  await bob.goto("/");
  await bob.click("#bell");
  check(await bob.locator("main").innerText().then((text) => text.includes("checkout is down") || /emergency/i.test(text)), "the bell leads to it");
  await bob.goto("/proposals");
  await bob.click("#emergencies form[action$='/open'] button");
  await bob.waitForURL(/done=/);
  check(await bob.locator(".told, .notice").first().innerText().then((text) => text.length > 0), "it says what became of it");
  const { body } = await api("/api/v1/changes?kind=emergency&limit=100");
  const change = body.items.find((item) => item.title.includes("1.85.1"));
  check(Boolean(change), "there is an emergency change");
  await bob.goto(`/changes/${change.number}`);
  check(await bob.locator("main").innerText().then((text) => /After the fact/i.test(text)), "the change says what is owed");
  await bob.goto("/");
  check(await bob.locator(".alarm, main").allInnerTexts().then((texts) => texts.join(" ").toLowerCase().includes("emergency")), "everybody sees that the path is open");
  for (const one of [grace, bob]) check(one.faults.length === 0, one.faults.join("; "));
  await own.close();
  await context.close();
};
