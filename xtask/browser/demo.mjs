// The demonstration as a server of its own, and people to look at it with.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A port that nobody listens on. */
const freePort = () => new Promise((resolve, reject) => {
  const server = createServer();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** Starts `sluice demo` in a folder that is thrown away, and waits until its story is told. */
export const startDemo = async (program) => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-browser-"));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(program, ["demo", "--data", join(folder, "demo"), "--listen", address], { stdio: ["ignore", "pipe", "inherit"] });
  const told = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (bytes) => {
      text += bytes;
      if (text.includes("stop with Ctrl-C")) resolve(text);
    });
    child.once("exit", (code) => reject(new Error(`the demonstration ended with ${code}\n${text.slice(-2000)}`)));
  });
  const token = /SLUICE_TOKEN=(\S+)/.exec(told)?.[1];
  const password = /with the password: (.+)/.exec(told)?.[1];
  const stop = async () => {
    child.removeAllListeners("exit");
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { base: `http://${address}`, token, password, told, stop };
};

/** A browser context in which somebody has logged in, as people do: by the form. */
export const logIn = async (browser, demo, handle, options = {}) => {
  const context = await browser.newContext({ baseURL: demo.base, ...options });
  const page = await context.newPage();
  await page.goto("/login");
  await page.fill("#handle", handle);
  await page.fill("#password", demo.password);
  await Promise.all([page.waitForURL((url) => !url.pathname.startsWith("/login")), page.click("button.button")]);
  await page.close();
  return context;
};
