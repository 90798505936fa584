// What only a browser can tell: accessibility of every page, the content security policy at work, hostile text,
// forged forms, frames, keys, live updates, and the daily work of each role.
//
//   node check.mjs PROGRAM [NAME...]

import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { cutOff } from "./cut.mjs";
import { logIn, startDemo } from "./demo.mjs";
import { emergencyPath } from "./emergency.mjs";
import { outboxOwes } from "./outbox.mjs";
import { pages } from "./pages.mjs";

const [program, ...only] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const HOSTILE = "<img src=x onerror=window.hit=1>\"'><script>window.hit=1</script>\u202egpj";

const demo = await startDemo(program);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
let failures = 0;
let checks = 0;

/** @param {boolean} holds @param {string} what */
const check = (holds, what) => {
  checks += 1;
  if (!holds) { failures += 1; console.log(`  FAILED ${what}`); }
};

/** Runs a journey, unless others are asked for by name. */
const journey = async (name, run) => {
  if (only.length > 0 && !only.includes(name)) return;
  const before = [failures, checks, Date.now()];
  try { await run(); } catch (error) { failures += 1; console.log(`  FAILED ${name}: ${error.stack}`); }
  console.log(`${failures === before[0] ? "ok    " : "FAILED"} ${name}: ${checks - before[1]} checks, ${Date.now() - before[2]} ms`);
};

/** A page that remembers what went wrong in it. */
const watched = async (context) => {
  const page = await context.newPage();
  page.faults = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 40[34]/.test(message.text())) page.faults.push(message.text());
  });
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("dialog", (dialog) => { page.faults.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  return page;
};

/** An answer of the API. */
const api = async (path, method = "GET", body = undefined) => {
  const answer = await fetch(demo.base + path, {
    method,
    headers: { authorization: `Bearer ${demo.token}`, "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
};

/**
 * A question at the gate about a commit of its own; an emergency where it has a title. Within business hours and outside
 * of them it has the same level of risk, which for `identity` is one that waits for its owner.
 */
const ask = (service, title = undefined, number = Math.random()) => api("/api/v1/gate", "POST", {
  service, environment: "production", version: title || "9.9.9",
  commit: Array.from(String(number).padEnd(40, "7").slice(0, 40), (it) => (/[0-9]/.test(it) ? it : "a")).join(""),
  artifacts: [`sha256:${Array.from({ length: 64 }, () => Math.floor(Math.random() * 10)).join("")}`],
  run: { system: "github:github.com", id: `${service}/${number}`, attempt: 1 },
  evidence: [{ type: "test_report", name: title || "tests", status: "passed" }],
  emergency: title, lines_changed: 120,
});

/** The code of a device with this key now (RFC 6238). */
const oneTimeCode = (key) => {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = Array.from(key, (letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g).map((eight) => parseInt(eight, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", bytes).update(step).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
};

const waitingFor = async (service) => {
  const { body } = await api("/api/v1/changes?waiting=true&limit=100");
  return body.items.find((change) => change.services.includes(service)).number;
};

try {
  await journey("at every hour", async () => {
    // Outside business hours a change has ten points more (core/src/risk): the journeys must not hang on the clock.
    const level = (score) => (score < 30 ? "low" : score < 60 ? "medium" : score < 85 ? "high" : "critical");
    const { body } = await api("/api/v1/changes?waiting=true&limit=100");
    for (const { number, risk } of body.items) {
      const base = risk.factors.filter((factor) => factor.name !== "time_of_day").reduce((sum, factor) => sum + factor.points, 0);
      check(level(base) === level(base + 10), `the risk of ${number} is ${level(base)} by day and ${level(base + 10)} by night`);
      check(level(base) !== "low", `${number} waits for people by day`);
    }
  });

  await journey("every page", async () => {
    const list = await pages(demo);
    for (const [size, viewport] of Object.entries({ desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 }, zoomed: { width: 640, height: 450 } })) {
      for (const colorScheme of ["light", "dark"]) {
        const look = { viewport, colorScheme, reducedMotion: "reduce", bypassCSP: false };
        const context = await logIn(browser, demo, "henrik", look);
        const lead = await logIn(browser, demo, "grace", look);
        const seats = { henrik: await watched(context), grace: await watched(lead) };
        for (const { name, path, as } of [...list, { name: "login", path: "/login" }]) {
          const page = seats[as || "henrik"];
          const where = `${name} (${size}, ${colorScheme})`;
          const answer = await page.goto(path, { waitUntil: "load" });
          check(answer.status() === (name === "not-found" ? 404 : 200), `${where} answers ${answer.status()}`);
          check((await answer.body()).length < 200_000, `${where} weighs ${(await answer.body()).length} bytes`);
          await page.evaluate(axe);
          const found = await page.evaluate(() => window.axe.run(document, {
            runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
          }));
          for (const one of found.violations) {
            check(false, `${where}: ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
          }
          checks += found.passes.length;
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          check(wide <= 0, `${where} is ${wide} px wider than the window`);
          const cut = await cutOff(page, size === "desktop");
          check(cut.length === 0, `${where}: ${cut.join("; ")}`);
          check(page.faults.length === 0, `${where}: ${page.faults.join("; ")}`);
          page.faults.length = 0;
        }
        await context.close();
        await lead.close();
      }
    }
  });

  await journey("an approver decides", async () => {
    const context = await logIn(browser, demo, "henrik");
    const page = await watched(context);
    await page.goto("/");
    const number = await waitingFor("identity");
    await page.click(`.tasks a[href="/changes/${number}#decide"]`);
    await page.fill("#reason", "looked at the difference");
    await page.click("button[value=approve]");
    await page.waitForURL(/done=approved/);
    check(await page.locator(".notice").first().innerText().then((text) => text.includes("recorded")), "it says that the approval is recorded");
    check(await page.locator(".voters").innerText().then((text) => /Henrik Olsen\s*counts/.test(text)), "the approval counts");
    const other = await waitingFor("payments");
    await page.goto(`/changes/${other}`);
    check(await page.locator("button[value=approve]").count() === 0, "who may not approve has no button");
    check(page.faults.length === 0, page.faults.join("; "));
    await context.close();
  });

  await journey("beside a change", async () => {
    const context = await logIn(browser, demo, "grace");
    const page = await watched(context);
    const asked = await ask("identity", undefined, 0.771);
    const number = asked.body.change;
    check(asked.body.answer === "wait", `the question waits: ${JSON.stringify(asked.body).slice(0, 200)}`);
    await page.goto("/");
    await page.waitForFunction(() => !document.querySelector("#bell .badge").hidden);
    await page.click("#bell");
    await page.waitForURL(/\/notifications/);
    check(await page.locator(".rows li").count() > 0, "what waits is listed");
    await page.click("form[action='/notifications/seen'] button");
    await page.waitForFunction(() => document.querySelector("#bell .badge").hidden);
    await page.goto(`/changes/${number}`);
    await page.fill("#comment", HOSTILE);
    await page.click("form[action$='/comments'] button");
    await page.waitForURL(/done=commented/);
    check(await page.locator("#comments blockquote").innerText().then((text) => text.includes("<script>") && text.includes("[U+202E]")), "a comment is text, and what is hidden is shown");
    check(await page.evaluate(() => window.hit === undefined), "a comment runs nothing");
    await page.click("section[aria-labelledby=evidence-title] a");
    await page.waitForURL(/\/evidence\/0/);
    check(await page.locator("main").innerText().then((text) => text.includes("Grace Mwangi")), "who opened the evidence is told");
    await page.goto("/changes/together");
    check(await page.locator(".pick input:checked").count() === 0, "nothing is picked before somebody picks it");
    const picked = page.locator(`#pick-${number}`);
    check(await page.locator(".pick code").first().innerText().then((text) => text.startsWith("sha256:")), "each shows its revision");
    await picked.check();
    await page.fill("#reason", "read each of them");
    await page.click("form[action='/changes/together'] button.ok");
    await page.waitForURL(/said=/);
    check(await page.locator(".notice").innerText().then((text) => text.includes(number) && text.includes("approved")), "it says what became of each");
    await page.goto("/changes?state=closed");
    await page.click(".keep summary");
    await page.fill("#view-title", "What is done");
    await page.click("form[action='/views'] button");
    check(await page.locator("#views a", { hasText: "What is done" }).getAttribute("aria-current") === "true", "a view is kept, and it is the present one");
    check(page.faults.length === 0, page.faults.join("; "));
    await context.close();
  });

  await journey("a developer looks", async () => {
    const context = await logIn(browser, demo, "bob");
    const page = await watched(context);
    await page.goto("/");
    const sections = await page.locator(".rail li a span").allInnerTexts();
    check(!sections.includes("Audit"), `a developer sees ${sections.join(", ")}`);
    const refused = await page.goto("/audit");
    check(refused.status() === 403, `the audit answers a developer with ${refused.status()}`);
    check(await page.locator("h1").count() === 1, "the refusal is a page");
    await context.close();
  });

  await journey("a second person", async () => {
    const first = await logIn(browser, demo, "ines");
    const page = await watched(first);
    await page.goto("/proposals");
    await page.fill("#p-person", "bob");
    await page.selectOption("#p-role", "auditor");
    await page.fill("#p-reason", "the review of the quarter");
    await page.click("form[action='/proposals/roles'] button");
    await page.waitForURL(/done=proposed/);
    check(await page.locator("form[action$='/confirm']").count() === 0, "nobody confirms what they proposed");
    const second = await logIn(browser, demo, "henrik");
    const other = await watched(second);
    await other.goto("/proposals");
    await other.click("form[action$='/confirm'] button");
    await other.waitForURL(/done=confirmed/);
    const third = await logIn(browser, demo, "bob");
    const bob = await watched(third);
    await bob.goto("/audit");
    check(await bob.locator("h1").innerText().then((text) => text === "Audit"), "the role holds at once");
    for (const one of [page, other, bob]) check(one.faults.length === 0, one.faults.join("; "));
    for (const one of [first, second, third]) await one.close();
  });

  await journey("an incident and its cause", async () => {
    const context = await logIn(browser, demo, "grace");
    const page = await watched(context);
    await page.goto("/");
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await page.waitForURL(/\/incidents$/);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("open an inc");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/incidents\/new/);
    await page.fill("#d-title", HOSTILE);
    await page.fill("#d-service", "no-such-service");
    await page.click("form[action='/incidents'] button");
    check(await page.locator("[role=alert]").innerText().then((text) => text.includes("no-such-service")), "the refusal is told in its place");
    check(await page.inputValue("#d-title") === HOSTILE.replaceAll("\u202e", "[U+202E]"), "what was typed is kept, and what is hidden is shown");
    await page.fill("#d-service", "mobile-backend");
    await page.selectOption("#d-environment", "production");
    await page.fill("#d-severity", "high");
    await page.click("form[action='/incidents'] button");
    await page.waitForURL(/done=incident_opened/);
    const number = /INC\d{7}/.exec(page.url())[0];
    check(await page.locator("h1").innerText().then((text) => text.includes("<script>") && text.includes("[U+202E]")), "its title is text");
    await page.goto("/");
    check(await page.locator(`.tasks a[href="/incidents/${number}"]`).count() === 1, "it is among what is to be done");
    check(await page.locator(`.lanes a[href="/incidents/${number}"]`).count() === 1, "it stands at its gate");
    await page.click(`.tasks a[href="/incidents/${number}"]`);
    await page.fill("#move-note", "looking at the traces");
    await page.click("button[value=acknowledged]");
    await page.waitForURL(/done=incident_moved/);
    check(await page.locator(".steps .now").innerText().then((text) => text.includes("acknowledged")), "its life goes on");
    await page.click("section[aria-labelledby=problems-title] .card-head a");
    await page.waitForURL(/\/problems\/new/);
    await page.fill("#d-title", "the pool of connections is too small");
    await page.click("form[action='/problems'] button");
    await page.waitForURL(/done=problem_opened/);
    check(await page.locator(`a[href="/incidents/${number}"]`).count() === 1, "the problem names its incident");
    await page.fill("#move-note", "restart the pool");
    await page.click("button[value=known_error]");
    await page.waitForURL(/done=problem_moved/);
    check(await page.locator("#note-title").innerText().then((text) => text.includes("live with it")), "a known error says how to live with it");
    await page.goto(`/incidents/${number}`);
    await page.selectOption("#resolution", "worked_around");
    await page.fill("#end-note", "the pool was restarted");
    await page.click("form[action$='/resolve'] button");
    await page.waitForURL(/done=incident_resolved/);
    check(await page.locator("form[action$='/resolve']").count() === 0, "what is over has no form");
    check(await page.evaluate(() => window.hit === undefined), "nothing of it runs");
    await page.goto("/services/mobile-backend");
    check(await page.locator(`a[href="/incidents/${number}"]`).count() === 0, "the service has no open incident any more");
    check(page.faults.length === 0, page.faults.join("; "));
    await context.close();
  });

  await journey("a window", async () => {
    const first = await logIn(browser, demo, "grace");
    const page = await watched(first);
    await page.goto("/calendar");
    await page.click("a[href='/calendar/windows/new']");
    await page.fill("#w-title", "Stocktaking");
    await page.fill("#w-start", "2020-01-01T08:00");
    await page.fill("#w-end", "2020-01-01T09:00");
    await page.selectOption("#w-tier", "production");
    await page.click("button[name=preview]");
    check(await page.locator("[role=alert]").innerText().then((text) => text.includes("never comes")), "what is over is not proposed");
    const day = (ahead) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
    await page.fill("#w-start", `${day(2)}T08:00`);
    await page.fill("#w-end", `${day(2)}T18:00`);
    await page.selectOption("#w-again", "weekly");
    await page.fill("#w-service", "docs");
    await page.click("button[name=preview]");
    await page.waitForSelector("#propose");
    check(await page.locator("aside").innerText().then((text) => text.includes("docs")), "the preview names what it would hold");
    await page.fill("#w-reason", "the shelves are counted");
    await page.click("#propose button");
    await page.waitForURL(/done=proposed/);
    check(await page.locator("form[action$='/confirm']").count() === 0, "nobody confirms what they proposed");
    const second = await logIn(browser, demo, "henrik");
    const other = await watched(second);
    await other.goto("/calendar");
    await other.click(".notice a[href='/proposals#windows']");
    await other.click("form[action*='/proposals/windows/'][action$='/confirm'] button");
    await other.waitForURL(/done=window_set/);
    await other.goto("/calendar?view=list");
    await other.locator("#windows a", { hasText: "Stocktaking" }).click();
    check(await other.locator(".facts").innerText().then((text) => text.includes("Grace") && text.includes("Henrik")), "the window names both");
    await other.click(".tools a[href^='/calendar/windows/new']");
    check(await other.inputValue("#w-title") === "Stocktaking", "the form is filled with what stands");
    await other.goto("/calendar/windows/month-end-close");
    check(await other.locator(".tools a[href^='/calendar/windows/new']").count() === 0, "what files declare is not altered here");
    check(await other.locator(".notice").first().innerText().then((text) => text.includes("files")), "and the page says whose it is");
    for (const one of [page, other]) check(one.faults.length === 0, one.faults.join("; "));
    for (const one of [first, second]) await one.close();
  });

  await journey("a second factor", async () => {
    const context = await logIn(browser, demo, "fatima");
    const page = await watched(context);
    await page.goto("/me/second-factor");
    await page.click("form[action$='/begin'] button");
    await page.waitForSelector("svg.qr");
    const key = (await page.locator("code.break").innerText()).replaceAll(" ", "");
    check(await page.locator("svg.qr").evaluate((picture) => picture.getBoundingClientRect().width > 100), "the picture is large enough to be read");
    await page.fill("#code", "000000");
    await page.click("form[action$='/confirm'] button");
    check(await page.locator("[role=alert]").count() === 1, "a wrong code is asked for again");
    await page.fill("#code", oneTimeCode(key));
    await page.click("form[action$='/confirm'] button");
    await page.waitForSelector(".codes");
    check(await page.locator(".codes li").count() === 10, "ten recovery codes are shown");
    check(page.faults.length === 0, page.faults.join("; "));
    await context.close();
  });

  await journey("without a script", async () => {
    const context = await logIn(browser, demo, "henrik", { javaScriptEnabled: false });
    const page = await context.newPage();
    await ask("search-index", undefined, 0.31);
    await page.goto("/stops/new?team=payments&tier=production&preview=1");
    await page.fill("#s-reason", "trying the brake");
    await page.click("form[action='/stops'] button");
    await page.waitForURL(/done=stopped/);
    check(await page.locator(".alarm").count() === 1, "every page says that the line is stopped");
    await page.fill("[id^=lift-]", "it works");
    await page.click("form[action$='/lift'] button");
    await page.waitForURL(/done=lifted/);
    check(await page.locator(".alarm").count() === 0, "the stop is lifted");
    check(await page.locator("time").first().innerText().then((text) => text.length > 1), "times are told");
    await context.close();
  });

  await journey("hostile text", async () => {
    const asked = await ask("docs", HOSTILE.replaceAll("\u202e", ""), 0.7771);
    check(asked.status === 200, `the question is answered: ${JSON.stringify(asked.body).slice(0, 200)}`);
    const context = await logIn(browser, demo, "henrik");
    const page = await watched(context);
    const number = asked.body.change;
    for (const path of ["/", `/changes/${number}`, "/changes", "/changes?view=board", "/cab", "/audit", `/search?q=${encodeURIComponent(HOSTILE)}`, `/login?to=${encodeURIComponent(HOSTILE)}`]) {
      await page.goto(path);
      check(await page.evaluate(() => window.hit === undefined), `${path} runs nothing`);
      check(await page.locator("img").count() === 0, `${path} has no picture`);
    }
    check(page.faults.length === 0, page.faults.join("; "));
    await context.close();
  });

  await journey("forged forms and frames", async () => {
    const context = await logIn(browser, demo, "henrik");
    const number = await waitingFor("web-shop");
    const evil = createServer((request, answer) => {
      answer.setHeader("content-type", "text/html");
      answer.end(request.url === "/frame"
        ? `<iframe id=f src="${demo.base}/"></iframe>`
        : `<form id=f method=post action="${demo.base}/stops"><input name=reason value=evil></form><script>document.getElementById("f").submit()</script>`);
    });
    await new Promise((resolve) => evil.listen(0, "127.0.0.1", resolve));
    const { port } = evil.address();
    const page = await context.newPage();
    const answered = page.waitForResponse((answer) => answer.url().endsWith("/stops"));
    await page.goto(`http://localhost:${port}/`);
    const status = (await answered).status();
    check(status === 403 || status === 303, `a forged form is answered with ${status}`);
    check((await api("/api/v1/stops")).body.items.length === 0, "a forged form stops nothing");
    await page.goto(`http://localhost:${port}/frame`);
    const framed = page.frames().find((frame) => frame !== page.mainFrame());
    check(!framed || !framed.url().startsWith(demo.base), `the page is framed: ${framed?.url()}`);
    const direct = await context.request.post(`${demo.base}/changes/${number}/vote`, {
      form: { verdict: "approve", revision: `sha256:${"0".repeat(64)}`, reason: "x", csrf_token: "wrong" },
      headers: { origin: demo.base, "sec-fetch-site": "same-origin" }, maxRedirects: 0,
    });
    check(direct.status() === 403, `a form with a wrong token is answered with ${direct.status()}`);
    evil.close();
    await context.close();
  });

  await journey("a receipt in the browser", async () => {
    const context = await logIn(browser, demo, "henrik");
    const page = await watched(context);
    await page.goto("/audit/17");
    await page.click("#prove button");
    await page.waitForSelector("#verdicts .whole");
    check(await page.locator("#verdicts .good").count() === 5, "hash, path, head and signature hold");
    await page.evaluate(() => {
      const holder = document.getElementById("prover");
      holder.dataset.bytes = btoa(atob(holder.dataset.bytes).replace("format", "Format"));
    });
    await page.click("#prove button");
    await page.waitForSelector("#verdicts .bad");
    check(await page.locator("#verdicts .whole.bad").count() === 1, "a changed entry is not proven");
    check(page.faults.length === 0, page.faults.join("; "));
    await context.close();
  });

  await journey("what comes and goes while a page is open", async () => {
    const context = await logIn(browser, demo, "henrik");
    const [open, deciding, acting] = [await watched(context), await watched(context), await watched(context)];
    const number = 0.5151;
    const asked = await ask("identity", undefined, number);
    check(asked.status === 200 && Boolean(asked.body.change), "a change waits");
    await open.goto("/calendar");
    await open.waitForSelector("#live.on");
    await deciding.goto(`/changes/${asked.body.change}`);
    await deciding.waitForSelector("#live.on");
    const stop = async (service) => {
      await acting.goto(`/stops/new?service=${service}&tier=production&preview=1`);
      await acting.fill("#s-reason", `a brake for ${service}`);
      await acting.click("form[action='/stops'] button");
      await acting.waitForURL(/done=stopped/);
    };
    await stop("docs");
    await open.bringToFront();
    await open.waitForSelector(".alarm", { timeout: 10000 });
    await open.fill("[id^=lift-]", "half a rea");
    await open.evaluate(() => document.activeElement.blur());
    await stop("search-index");
    await open.bringToFront();
    await open.waitForFunction(() => document.querySelectorAll(".halt[id^=stop-]").length === 2, undefined, { timeout: 10000 });
    const typed = await open.evaluate(() => Array.from(document.querySelectorAll(".halt[id^=stop-]"), (it) =>
      [it.textContent.includes("a brake for docs"), it.querySelector("input[name=reason]").value]));
    check(typed.every(([docs, value]) => value === (docs ? "half a rea" : "")), `what was typed stays with its stop: ${JSON.stringify(typed)}`);
    // Revised meanwhile: what stands on the page is new, what would be decided on is not, and it says so.
    await ask("identity", undefined, number);
    await deciding.bringToFront();
    await deciding.waitForSelector("#vote [data-revised]:not([hidden])", { timeout: 10000 });
    check(await deciding.locator("#vote [data-revised]").isVisible(), "who decides is told that it was revised");
    for (const left of [1, 0]) {
      await acting.goto("/calendar");
      await acting.locator("[id^=lift-]").first().fill("it works");
      await acting.locator("form[action$='/lift'] button").first().click();
      await acting.waitForURL(/done=lifted/);
      check(await acting.locator(".alarm p").count() === left, `${left} left`);
    }
    await deciding.waitForFunction(() => !document.querySelector(".alarm"), undefined, { timeout: 10000 });
    for (const page of [open, deciding, acting]) check(page.faults.length === 0, page.faults.join("; "));
    await context.close();
  });

  await journey("rows that come while somebody reads", async () => {
    const [first, second] = [await logIn(browser, demo, "ines"), await logIn(browser, demo, "henrik")];
    const [proposing, reading] = [await watched(first), await watched(second)];
    const propose = async (role) => {
      await proposing.goto("/proposals");
      await proposing.fill("#p-person", "alice");
      await proposing.selectOption("#p-role", role);
      await proposing.fill("#p-reason", `to see ${role}`);
      await proposing.click("form[action='/proposals/roles'] button");
      await proposing.waitForURL(/done=proposed/);
    };
    const roles = ["problem_manager", "configuration_manager", "service_desk_1", "service_desk_2", "service_desk_3"];
    await propose(roles[0]);
    await reading.goto("/proposals");
    await reading.waitForSelector("#live.on");
    const mine = reading.locator("#roles form[action$='/confirm'] button").first();
    await mine.focus();
    const focused = () => reading.evaluate(() => [document.activeElement.form?.getAttribute("action"), document.activeElement.closest("li")?.innerText.includes("to see problem_manager")]);
    const [action] = await focused();
    for (const role of roles.slice(1)) {
      await propose(role);
      await reading.bringToFront();
      await reading.waitForFunction((text) => document.querySelector("#roles").textContent.includes(text), `to see ${role}`, { timeout: 10000 });
      const [now, stays] = await focused();
      check(now === action && stays, `the button under the finger stays with its row: ${action}, ${now}`);
    }
    check(await reading.locator("#roles li", { hasText: "to see" }).count() === roles.length, "each is there once");
    for (const page of [proposing, reading]) check(page.faults.length === 0, page.faults.join("; "));
    for (const one of [first, second]) await one.close();
  });

  await journey("what was said stays beside what is written", async () => {
    const context = await logIn(browser, demo, "henrik");
    const [page, acting] = [await watched(context), await watched(context)];
    const number = await waitingFor("identity");
    await page.goto(`/changes/${number}`);
    await page.fill("#comment", "first");
    await page.click("form[action$='/comments'] button");
    await page.waitForURL(/done=commented/);
    await page.waitForSelector("#live.on");
    await page.fill("#comment", "half a sent");
    await page.locator("h1").click();
    await acting.goto(`/changes/${number}`);
    await acting.fill("#comment", "another says something");
    await acting.click("form[action$='/comments'] button");
    await acting.waitForURL(/done=commented/);
    await page.bringToFront();
    await page.waitForFunction(() => document.querySelector("#comments").textContent.includes("another says something"), undefined, { timeout: 10000 });
    check(await page.locator(".split").count() === 1 && await page.locator("[id='comment']").count() === 1, "the page is there once");
    check(await page.inputValue("#comment") === "half a sent", "what was written stays");
    check(await page.locator(".told .notice").count() === 1, "what was done is still said");
    const doubled = await page.evaluate(() => Array.from(document.querySelectorAll("[id]"), (it) => it.id).filter((id, at, ids) => ids.indexOf(id) !== at));
    check(doubled.length === 0, `ids that are there twice: ${doubled}`);
    for (const one of [page, acting]) check(one.faults.length === 0, one.faults.join("; "));
    await context.close();
  });

  await journey("live and by keys", async () => {
    const context = await logIn(browser, demo, "henrik");
    const page = await watched(context);
    await page.goto("/");
    await page.waitForSelector("#live.on");
    await page.keyboard.press("/");
    await page.keyboard.type("half a wor");
    await page.evaluate(() => window.scrollTo(0, 200));
    const before = await page.locator(".foot").innerText();
    const asked = await ask("docs", undefined, 0.4242);
    check(asked.status === 200, "a question is asked meanwhile");
    await page.waitForFunction((old) => document.querySelector(".foot").innerText !== old, before, { timeout: 10000 });
    check(await page.inputValue("#find") === "half a wor", "what was typed is still there");
    check(await page.evaluate(() => document.activeElement.id) === "find", "the focus is where it was");
    check(Math.abs(await page.evaluate(() => window.scrollY) - 200) < 2, "the page has not moved");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("g");
    await page.keyboard.press("c");
    await page.waitForURL(/\/changes$/);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    check(await page.locator("tr.at").count() === 1, "j moves to a row");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/changes\/CHG/);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("numb");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/numbers/);
    check(page.faults.length === 0, page.faults.join("; "));
    await context.close();
  });

  await journey("another policy", async () => {
    const context = await logIn(browser, demo, "henrik");
    const page = await watched(context);
    const { body } = await api("/api/v1/decisions?answer=wait&limit=1");
    await page.goto(`/policies/decisions/${body.items[0].id}`);
    const text = await page.inputValue("#text");
    await page.fill("#text", `${text}\n\ndeny contains {"rule": "acme.tried", "message": "tried on a page"} if true\n`);
    await page.click(".editor button");
    check(await page.locator(".verdict, .notice.no").count() >= 1, "another policy is judged by, or its problems are named");
    check(page.faults.length === 0, page.faults.join("; "));
    await context.close();
  });

  const tools = { browser, demo, check, watched, api };
  await journey("an emergency path", () => emergencyPath(tools));
  await journey("a link that is owed", () => outboxOwes(tools));
} finally {
  await browser.close();
  await demo.stop();
}
console.log(`${checks} checks, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
