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
  const stop = async () => {
    child.removeAllListeners("exit");
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { base: `http://${address}`, token, told, stop };
};

/** A token for a person, made by the administrator. */
export const personToken = async (demo, handle, permissions) => {
  const answer = await fetch(`${demo.base}/api/v1/tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${demo.token}`, "content-type": "application/json" },
    body: JSON.stringify({ label: `browser: ${handle}`, kind: "person", person: handle, permissions, expires_in_hours: 24 }),
  });
  const body = await answer.json();
  if (answer.status !== 201) throw new Error(`no token for ${handle}: ${JSON.stringify(body)}`);
  return body.secret;
};
