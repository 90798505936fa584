// A link that nobody answers (the demonstration leaves its machine for nothing): declared by two, owed, paused, resumed.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { logIn } from "./demo.mjs";

const acme = new URL("../../examples/acme/", import.meta.url).pathname;

/** The files of the demonstration's organisation. */
const files = async (folder = acme, within = "") => {
  const found = {};
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) Object.assign(found, await files(path, `${within}${entry.name}/`));
    else if (entry.name !== "README.md") found[within + entry.name] = await readFile(path, "utf8");
  }
  return found;
};

/** Waits for what a page says after it was loaded anew. */
const until = async (page, path, holds) => {
  for (let round = 0; round < 60; round += 1) {
    await page.goto(path);
    if (await holds(page)) return true;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return false;
};

export const outboxOwes = async ({ browser, demo, check, watched, api }) => {
  const link = `links:
  - name: telephones
    connector: ntfy
    credentials: {token: {env: NTFY_TOKEN}}
    tell: [stop]
    settings: {url: "https://ntfy.acme.example", topic: production}
`;
  const folder = { files: { ...(await files()), "telephones.yaml": link }, source: "browser check" };
  const applied = await api("/api/v1/organisation/apply", "POST", folder);
  check(applied.status === 200 && applied.body.pending, `the link waits for a second person: ${JSON.stringify(applied.body).slice(0, 300)}`);
  const second = await logIn(browser, demo, "ines");
  const ines = await watched(second);
  await ines.goto("/proposals");
  await ines.click("form[action^='/proposals/plans/'][action$='/confirm'] button");
  await ines.waitForURL(/done=confirmed/);
  const pulled = await api("/api/v1/stops", "POST", { scope: { services: ["docs"] }, reason: "to be told on the telephone" });
  check(pulled.status === 201, `the line is stopped: ${pulled.status}`);
  const context = await logIn(browser, demo, "henrik");
  const page = await watched(context);
  const words = (it) => it.locator("main").innerText();
  check(await until(page, "/admin/outbox", async (it) => /telephones[^]*unreachable/.test(await words(it))), "what is owed is shown, and why it is not told");
  await page.click("details:has(form[action='/admin/links/telephones/pause']) summary");
  await page.fill("#why-telephones", "the telephones are exchanged");
  await page.click("form[action='/admin/links/telephones/pause'] button");
  await page.waitForURL(/done=paused/);
  check(/paused/i.test(await words(page)), "the link says that it is paused");
  await page.click("form[action='/admin/links/telephones/resume'] button");
  await page.waitForURL(/done=resumed/);
  check(await page.locator("form[action='/admin/links/telephones/pause'] button").count() === 1, "it is told again");
  await api(`/api/v1/stops/${pulled.body.stop || pulled.body.id}/lift`, "POST", { reason: "the check is over" });
  for (const one of [ines, page]) check(one.faults.length === 0, one.faults.join("; "));
  await second.close();
  await context.close();
};
