// @ts-check
// A receipt checked in the browser itself, with Web Crypto and nothing else: leaf hash (RFC 6962, 2.1), inclusion
// proof (RFC 9162, 2.1.3.2), checkpoint and its Ed25519 signature (C2SP tlog-checkpoint, signed-note).
"use strict";

(() => {
  /** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
  const base64 = (text) => Uint8Array.from(atob(text.trim()), (it) => it.charCodeAt(0));
  /** @param {...Uint8Array} parts */
  const joined = (...parts) => {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) { whole.set(part, at); at += part.length; }
    return whole;
  };
  /** @param {Uint8Array<ArrayBuffer>} bytes */
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  /** @param {Uint8Array} a @param {Uint8Array} b */
  const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
  const text = new TextEncoder();

  /** The root that a proof leads to. @param {bigint} index @param {bigint} size @param {Uint8Array} leaf @param {Uint8Array[]} proof */
  const rootOf = async (index, size, leaf, proof) => {
    if (index >= size) return null;
    let [at, last, hash] = [index, size - 1n, leaf];
    for (const sibling of proof) {
      if (last === 0n) return null;
      if ((at & 1n) === 1n || at === last) {
        hash = await sha256(joined(Uint8Array.of(1), sibling, hash));
        while ((at & 1n) === 0n && at !== 0n) { at >>= 1n; last >>= 1n; }
      } else {
        hash = await sha256(joined(Uint8Array.of(1), hash, sibling));
      }
      at >>= 1n;
      last >>= 1n;
    }
    return last === 0n ? hash : null;
  };

  /** A checkpoint's origin, size, root, signed text and signatures. @param {string} note */
  const checkpoint = (note) => {
    const end = note.lastIndexOf("\n\n");
    const body = note.slice(0, end + 1);
    const [origin, size, root] = body.split("\n");
    const signatures = note.slice(end + 2).split("\n").filter((line) => line.startsWith("— ")).map((line) => {
      const [, name, value] = line.split(" ");
      return { name, bytes: base64(value) };
    });
    return { origin, size: BigInt(size), root: base64(root), body, signatures };
  };

  /** A verifier key `name+hash+base64`. @param {string} key */
  const verifier = async (key) => {
    const [name, hash, value] = key.trim().split("+").length > 3
      ? [key.trim().split("+")[0], key.trim().split("+")[1], key.trim().split("+").slice(2).join("+")] : key.trim().split("+");
    const bytes = base64(value);
    const id = (await sha256(joined(text.encode(`${name}\n`), bytes))).slice(0, 4);
    const hex = Array.from(id, (it) => it.toString(16).padStart(2, "0")).join("");
    if (bytes[0] !== 1 || bytes.length !== 33 || hex !== hash) throw new Error("key");
    return { name, id, key: await crypto.subtle.importKey("raw", bytes.slice(1), "Ed25519", false, ["verify"]) };
  };

  /** @param {{index: number, leaf_hash: string, tree_size: number, proof: string[], checkpoint: string}} receipt
   *  @param {Uint8Array<ArrayBuffer>[]} readings @param {string} keyText */
  const check = async (receipt, readings, keyText) => {
    const leaf = base64(receipt.leaf_hash);
    /** @type {{name: string, good: boolean | null}[]} */
    const steps = [];
    const fits = async (/** @type {Uint8Array<ArrayBuffer>} */ one) => same(await sha256(joined(Uint8Array.of(0), one)), leaf);
    const found = await Promise.all(readings.map(fits));
    steps.push(readings.length > 0 ? { name: "leaf", good: found.includes(true) } : { name: "skipped", good: null });
    const head = checkpoint(receipt.checkpoint);
    const root = await rootOf(BigInt(receipt.index), BigInt(receipt.tree_size), leaf, receipt.proof.map(base64));
    steps.push({ name: "path", good: root !== null });
    steps.push({ name: "head", good: root !== null && same(root, head.root) && head.size === BigInt(receipt.tree_size) });
    const key = await verifier(keyText);
    let signed = false;
    for (const { name, bytes: value } of head.signatures) {
      if (name === key.name && same(value.slice(0, 4), key.id)) {
        signed ||= await crypto.subtle.verify("Ed25519", key.key, value.slice(4), text.encode(head.body));
      }
    }
    steps.push({ name: "sign", good: signed });
    return steps;
  };

  /** The bytes that an entry could mean: base64, or JSON as it stands, or as the ledger writes it, which pages show over
   *  several lines. @param {string} given */
  const readingsOf = (given) => {
    if (given === "") return [];
    if (!given.startsWith("{")) return [base64(given)];
    // White space between the parts goes; the parts stay as they are written, so that no number is written anew.
    const compact = given.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
    return [given, compact].map((it) => text.encode(it));
  };

  document.addEventListener("DOMContentLoaded", () => {
    const form = document.getElementById("prove");
    const place = document.getElementById("verdicts");
    const holder = document.getElementById("prover");
    if (!form || !place || !holder) return;
    /** @param {string} name */
    const field = (name) => /** @type {HTMLInputElement | HTMLTextAreaElement | null} */ (document.getElementById(name));
    /** @param {boolean | null} good @param {string} word */
    const line = (good, word) => {
      const item = document.createElement("li");
      item.className = good === null ? "skipped" : good ? "good" : "bad";
      item.textContent = `${good === null ? "–" : good ? "✓" : "✕"} ${word}`;
      return item;
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const words = place.dataset;
      try {
        const receipt = JSON.parse(field("receipt")?.value || holder.dataset.receipt || "");
        const given = (field("entry")?.value ?? holder.dataset.bytes ?? "").trim();
        const steps = await check(receipt, readingsOf(given), field("key")?.value || "");
        const good = steps.every((step) => step.good !== false);
        const whole = line(good, (good ? words.good : words.bad) || "");
        whole.classList.add("whole");
        place.replaceChildren(...steps.map((step) => line(step.good, words[step.name] || "")), whole);
      } catch {
        place.replaceChildren(line(false, words.unreadable || ""));
      }
    });
  });
})();
