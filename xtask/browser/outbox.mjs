// A neighbour that refuses what it is told, and then does not: what was given up is told again from the page.

import { createServer } from "node:http";
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

export const outboxAgain = async ({ browser, demo, check, watched, api }) => {
  let refuses = true;
  const taken = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes) => { body += bytes; });
    request.on("end", () => {
      if (!refuses) taken.push(body);
      response.writeHead(refuses ? 400 : 200, { "content-type": "application/json" });
      response.end(refuses ? "{\"code\":40001,\"http\":400,\"error\":\"no\"}" : "{\"id\":\"m1\",\"event\":\"message\",\"time\":1,\"topic\":\"t\"}");
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const link = `links:
  - name: telephones
    connector: ntfy
    credentials: {token: {env: NTFY_TOKEN}}
    tell: [stop]
    settings: {url: "http://127.0.0.1:${server.address().port}", topic: production, networks: [127.0.0.0/8], plain_http: true}
`;
  const folder = { files: { ...(await files()), "telephones.yaml": link }, source: "browser check" };
  const applied = await api("/api/v1/organisation/apply", "POST", folder);
  check(applied.status === 200, `the link is declared: ${applied.status} ${JSON.stringify(applied.body).slice(0, 300)}`);
  const pulled = await api("/api/v1/stops", "POST", { scope: { services: ["docs"] }, reason: "to be told on the telephone" });
  check(pulled.status === 201, `the line is stopped: ${pulled.status}`);
  const context = await logIn(browser, demo, "henrik");
  const page = await watched(context);
  const again = "form[action='/admin/links/telephones/replay'] button";
  check(await until(page, "/admin/outbox", (it) => it.locator(again).count()), `what the neighbour refused is given up, and can be told again: ${JSON.stringify((await api("/api/v1/outbox?link=telephones")).body).slice(0, 600)}`);
  refuses = false;
  await page.click(again);
  await page.waitForURL(/done=/);
  check(await until(page, "/admin/outbox", async (it) => taken.length > 0 && (await it.locator(again).count()) === 0), "it was told again");
  check(taken.join("").includes("telephone"), `the neighbour has it: ${taken.join("").slice(0, 200)}`);
  await page.click("form[action='/admin/links/telephones/pause'] button");
  await page.waitForURL(/done=/);
  check(await page.locator("form[action='/admin/links/telephones/resume'] button").count() === 1, "a paused link can be resumed");
  check(page.faults.length === 0, page.faults.join("; "));
  await context.close();
  server.close();
};
