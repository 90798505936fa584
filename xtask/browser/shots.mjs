// Screenshots of every page: light and dark, desktop and phone.
//
//   node shots.mjs PROGRAM FOLDER [PAGE...]

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { personToken, startDemo } from "./demo.mjs";
import { ROLES, pages } from "./pages.mjs";

const [program, folder, ...only] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

const demo = await startDemo(program);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  await mkdir(folder, { recursive: true });
  const token = await personToken(demo, "grace", ROLES.manager);
  const list = (await pages(demo, token)).filter((page) => only.length === 0 || only.includes(page.name));
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: size === "phone" ? 2 : 1,
        extraHTTPHeaders: { authorization: `Bearer ${token}` } });
      for (const { name, path } of list) {
        const page = await context.newPage();
        await page.goto(demo.base + path, { waitUntil: "load" });
        await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`), fullPage: true });
        await page.close();
      }
      await context.close();
    }
  }
  console.log(`${list.length} pages in ${folder}`);
} finally {
  await browser.close();
  await demo.stop();
}
