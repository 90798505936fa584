// Screenshots of every page: light and dark, desktop and phone.
//
//   node shots.mjs PROGRAM FOLDER [PAGE...]

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { logIn, startDemo } from "./demo.mjs";
import { pages } from "./pages.mjs";

const [program, folder, ...only] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

const demo = await startDemo(program);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  await mkdir(folder, { recursive: true });
  const list = (await pages(demo)).filter((page) => only.length === 0 || only.includes(page.name));
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"]) {
      const look = { viewport, colorScheme, deviceScaleFactor: size === "phone" ? 2 : 1 };
      const file = (name) => join(folder, `${name}-${size}-${colorScheme}.png`);
      const outside = await browser.newContext({ baseURL: demo.base, ...look });
      const door = await outside.newPage();
      await door.goto("/login");
      await door.screenshot({ path: file("login"), fullPage: true });
      await outside.close();
      const context = await logIn(browser, demo, "henrik", look);
      const lead = await logIn(browser, demo, "grace", look);
      const seats = { henrik: await context.newPage(), grace: await lead.newPage() };
      for (const { name, path, as } of list) {
        const page = seats[as || "henrik"];
        await page.goto(path, { waitUntil: "load" });
        await page.screenshot({ path: file(name), fullPage: true });
      }
      await context.close();
      await lead.close();
    }
  }
  console.log(`${list.length + 1} pages in ${folder}`);
} finally {
  await browser.close();
  await demo.stop();
}
