// @ts-check
// What the pages gain by a script: the viewer's own times, live updates without loss of focus and
// scroll, keys, the command palette, light and dark. Everything works without it, only less so.
"use strict";

(() => {
  const root = document.documentElement;
  root.classList.add("js");

  /** @param {string} key @returns {string} */
  const kept = (key) => { try { return localStorage.getItem(key) || ""; } catch { return ""; } };
  /** @param {string} key @param {string} value */
  const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode */ } };

  const theme = kept("sluice-theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;

  /** @param {string} selector @param {ParentNode} [within] @returns {HTMLElement[]} */
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));

  // -- Times: the viewer's zone, relative texts that stay true ------------------------------------

  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" });
  /** @type {[Intl.RelativeTimeFormatUnit, number][]} */
  const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

  /** @param {number} seconds @returns {string} */
  const relative = (seconds) => {
    for (const [unit, size] of units) {
      if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
    }
    return words.format(0, "second");
  };

  /** The difference between the server's clock, as of this page, and ours. */
  let skew = 0;
  /** @param {ParentNode} [within] */
  const tell = (within = document) => {
    for (const element of all("time[data-when]", within)) {
      const at = new Date(element.getAttribute("datetime") || "");
      if (Number.isNaN(at.getTime())) continue;
      const text = exact.format(at);
      const wanted = element.dataset.when === "exact" ? text : relative((at.getTime() - Date.now() - skew) / 1000);
      if (element.textContent !== wanted) element.textContent = wanted;
      element.title = text;
    }
  };

  // -- Live updates: the same page again, and only what differs is changed ------------------------

  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("sluice-own-pages", { createHTML: (/** @type {string} */ text) => text })
    : { createHTML: (/** @type {string} */ text) => text };

  /** Fields that differ from one writing of the same form to the next. */
  const passing = ["csrf_token", "version", "revision", "seen"];

  /** What a form does, and to what. @param {Element} form */
  const deed = (form) => {
    const fields = all("input[type=hidden]", form).filter((field) => !passing.includes(field.getAttribute("name") || ""));
    return `form ${form.getAttribute("action")} ${fields.map((field) => `${field.getAttribute("name")}=${field.getAttribute("value")}`).join("&")}`;
  };

  /** What says that an element of a page is the same one in the next. @param {Element} element @returns {string} */
  const key = (element) => {
    const named = element.id || element.getAttribute("data-part");
    if (named) return named;
    if (element.matches("section")) return element.getAttribute("aria-labelledby") || `section ${element.className}`;
    if (element.matches("form")) return deed(element);
    // A row is about what can be done in it, else about what it leads to.
    const [form, link] = element.matches("li, tr") ? [element.querySelector("form"), element.querySelector("a[href]")] : [];
    return form ? deed(form) : link ? `row ${link.getAttribute("href")}` : "";
  };

  /** The key of each child; where several have the same one, the later ones have a number too. @param {Element} parent */
  const keys = (parent) => {
    /** @type {Map<string, number>} */
    const counted = new Map();
    return new Map(Array.from(parent.children, (child) => {
      const name = key(child);
      const count = (counted.get(name) || 0) + 1;
      counted.set(name, count);
      return /** @type {[Element, string]} */ ([child, name && count > 1 ? `${name} ${count}` : name]);
    }));
  };

  /** What is left as it is: what somebody types in, what a script of ours made. @param {Element} old */
  const held = (old) => old.matches("[data-still]") || (old.matches("form") && (writes(old) || typed(old)));

  /** @param {Element} within */
  const writes = (within) => {
    const active = document.activeElement;
    return active !== null && active.matches("input, textarea, select") && within.contains(active);
  };

  /** Whether nothing in it is lost with it. @param {Element} old */
  const spare = (old) => !held(old) && ![...old.querySelectorAll("form, [data-still]")].some(held);

  /** Makes `old` be like `fresh`, and leaves alone what is the same. @param {Element} old @param {Element} fresh */
  const morph = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.matches("form[data-bound]") && old.getAttribute("data-bound") !== fresh.getAttribute("data-bound")) {
      // Whoever decides here has read what was here before: they read again before they decide.
      for (const word of all("[data-revised]", old)) word.hidden = false;
      return;
    }
    if (held(old) || (writes(old) && old.matches("input, textarea, select"))) return;
    for (const { name } of Array.from(old.attributes)) {
      if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    const at = old.classList.contains("at");
    for (const { name, value } of Array.from(fresh.attributes)) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    if (at) old.classList.add("at");
    within(old, fresh);
  };

  /** Makes what is in `old` be like what is in `fresh`. @param {Element} old @param {Element} fresh */
  const within = (old, fresh) => {
    const [mine, theirs] = [keys(old), keys(fresh)];
    const wanted = new Set(theirs.values());
    /** @type {Map<string, Element>} */
    const known = new Map();
    for (const [child, name] of mine) {
      if (name && wanted.has(name)) known.set(name, child);
      else if (name && spare(child)) child.remove();
    }
    /** @type {ChildNode | null} */
    let at = old.firstChild;
    /** Goes past what stays although the fresh page has no such thing. */
    const pass = () => {
      while (at instanceof Element && !known.has(mine.get(at) || "") && (mine.get(at) || at.matches("[data-still]"))) at = at.nextSibling;
    };
    /** Takes away what stands before `target` without a name: what it was has been met. @param {Element} target */
    const clear = (target) => {
      while (at && at !== target && (!(at instanceof Element) || (!mine.get(at) && spare(at)))) {
        const after = at.nextSibling;
        at.remove();
        at = after;
      }
    };
    /** Whether it is nothing but the space between two lines. @param {ChildNode | null} node */
    const blank = (node) => node !== null && node.nodeType === Node.TEXT_NODE && (node.textContent || "").trim() === "";
    for (const next of Array.from(fresh.childNodes)) {
      pass();
      const name = next instanceof Element ? theirs.get(next) || "" : "";
      const named = name ? known.get(name) : undefined;
      if (named) clear(named);
      if (named && named !== at) old.insertBefore(named, at);
      while (!named && next instanceof Element && blank(at)) {
        const space = at;
        at = space ? space.nextSibling : null;
        if (space) space.remove();
        pass();
      }
      const present = named || at;
      if (present instanceof Element && next instanceof Element && present.tagName === next.tagName && (mine.get(present) || "") === name) {
        at = present.nextSibling;
        morph(present, next);
      } else if (present && present.nodeType === Node.TEXT_NODE && next.nodeType === Node.TEXT_NODE) {
        if (present.textContent !== next.textContent) present.textContent = next.textContent;
        at = present.nextSibling;
      } else {
        old.insertBefore(document.importNode(next, true), at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      if (!(at instanceof Element) || spare(at)) at.remove();
      at = next;
    }
  };

  /** Whether somebody has begun to fill a form in. @param {Element} form */
  const typed = (form) => all("input:not([type=hidden]), textarea, select", form).some((field) => {
    if (field instanceof HTMLInputElement && field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
    if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) return field.value !== field.defaultValue;
    if (!(field instanceof HTMLSelectElement)) return false;
    const options = Array.from(field.options);
    // Where none is chosen by the page, the first one is.
    const first = field.multiple || options.some((it) => it.defaultSelected) ? undefined : options[0];
    return options.some((it) => it.selected !== (it.defaultSelected || it === first));
  });

  let busy = false;
  let again = false;
  const refresh = async () => {
    if (busy || document.hidden) { again = true; return; }
    busy = true;
    again = false;
    try {
      const answer = await fetch(location.pathname + location.search.replace(/[?&]done=[a-z_]+/, ""), {
        headers: { accept: "text/html" }, credentials: "same-origin", redirect: "error",
      });
      if (answer.ok) {
        const text = await answer.text();
        const fresh = new DOMParser().parseFromString(policy.createHTML(text), "text/html");
        tell(fresh);
        const active = document.activeElement;
        for (const id of ["alarm", "main", "foot"]) {
          const [old, element] = [document.getElementById(id), fresh.getElementById(id)];
          if (old && element) within(old, element);
        }
        // What was moved has lost the focus.
        if (active instanceof HTMLElement && active.isConnected && active !== document.activeElement) active.focus({ preventScroll: true });
        tell();
      }
      await count();
    } catch { /* the next event tries again */ }
    busy = false;
    if (again) setTimeout(refresh, 500);
  };

  const follow = () => {
    const address = document.body.dataset.live;
    const lamp = document.getElementById("live");
    if (!address || !lamp || !window.EventSource) return;
    let size = "";
    const source = new EventSource(address);
    source.addEventListener("open", () => lamp.classList.add("on"));
    source.addEventListener("error", () => lamp.classList.remove("on"));
    source.addEventListener("size", (event) => {
      if (size !== "" && size !== event.data) {
        lamp.classList.remove("beat");
        void lamp.offsetWidth;
        lamp.classList.add("beat");
        refresh();
      }
      size = event.data;
    });
    document.addEventListener("visibilitychange", () => { if (!document.hidden && again) refresh(); });
    window.addEventListener("pagehide", () => source.close());
  };

  // -- Keys ---------------------------------------------------------------------------------------

  /** @param {number} step */
  const move = (step) => {
    const rows = all("table[data-rows] tbody tr, .rows > li").filter((row) => row.offsetParent);
    if (rows.length === 0) return;
    const now = rows.findIndex((row) => row.classList.contains("at"));
    const next = Math.max(0, Math.min(rows.length - 1, now < 0 ? (step > 0 ? 0 : rows.length - 1) : now + step));
    if (now >= 0) rows[now].classList.remove("at");
    rows[next].classList.add("at");
    const link = rows[next].querySelector("a");
    if (link) link.focus({ preventScroll: true });
    rows[next].scrollIntoView({ block: "nearest" });
  };

  let prefix = 0;
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); palette(); return; }
    const target = event.target;
    const writing = target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
    if (kept("sluice-keys") === "off") return;
    if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (Date.now() - prefix < 1200) {
      prefix = 0;
      const link = document.querySelector(`.rail a[data-key="${CSS.escape(event.key)}"]`);
      if (link instanceof HTMLAnchorElement) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "g") prefix = Date.now();
    else if (event.key === "/") { event.preventDefault(); document.getElementById("find")?.focus(); }
    else if (event.key === "?") palette();
  };

  // -- Command palette ----------------------------------------------------------------------------

  /** @param {string} name @param {Record<string, string>} [attributes] @param {...(Node | string)} children */
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  /** @type {HTMLDialogElement | null} */
  let box = null;
  const palette = () => {
    if (box && box.open) { box.close(); return; }
    if (!box) box = build();
    const field = box.querySelector("input");
    if (field) field.value = "";
    list("");
    box.showModal();
  };

  const build = () => {
    const label = document.getElementById("palette-open")?.getAttribute("aria-label") || "Commands";
    const field = make("input", { type: "text", "aria-label": label, placeholder: label, autocomplete: "off",
      role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list" });
    const dialog = /** @type {HTMLDialogElement} */ (make("dialog", { class: "palette", "aria-label": label }, field,
      make("ul", { id: "palette-list", role: "listbox", "aria-label": label })));
    field.addEventListener("input", () => list(/** @type {HTMLInputElement} */ (field).value));
    field.addEventListener("keydown", (event) => {
      const rows = all("#palette-list [role=option]");
      const now = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        pick(rows, now + (event.key === "ArrowDown" ? 1 : -1));
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (rows[now]) rows[now].click();
      }
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    return dialog;
  };

  /** @param {HTMLElement[]} rows @param {number} at */
  const pick = (rows, at) => {
    if (rows.length === 0) return;
    const next = (at + rows.length) % rows.length;
    rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === next)));
    rows[next].scrollIntoView({ block: "nearest" });
    box?.querySelector("input")?.setAttribute("aria-activedescendant", rows[next].id);
  };

  /** @param {string} wanted */
  const list = (wanted) => {
    const place = document.getElementById("palette-list");
    if (!place) return;
    const text = wanted.trim().toLowerCase();
    /** @type {{word: string, hint: string, act: () => void}[]} */
    const rows = [];
    /** @param {string} address */
    const go = (address) => () => { location.href = address; };
    const record = /^(chg|inc|prb)?0*(\d{1,12})$/i.exec(text);
    if (record) {
      const kind = (record[1] || "chg").toUpperCase();
      const number = kind + record[2].padStart(7, "0");
      const section = { CHG: "changes", INC: "incidents", PRB: "problems" }[kind] || "changes";
      rows.push({ word: number, hint: "↵", act: go(`/${section}/${number}`) });
    }
    for (const link of all(".rail li a, [data-command]")) {
      if (!(link instanceof HTMLAnchorElement)) continue;
      const word = (link.dataset.command || link.textContent || "").trim();
      if (word.toLowerCase().includes(text)) rows.push({ word, hint: link.dataset.key ? `g ${link.dataset.key}` : "", act: go(link.href) });
    }
    for (const link of all("#views a, table[data-rows] th a, .lanes th a")) {
      if (!(link instanceof HTMLAnchorElement) || text === "") continue;
      const word = (link.textContent || "").replace(/\s+/g, " ").trim();
      if (word.toLowerCase().includes(text)) rows.push({ word, hint: "", act: go(link.href) });
    }
    const theme = document.getElementById("theme");
    const name = theme?.getAttribute("aria-label") || "";
    if (theme && name.toLowerCase().includes(text)) rows.push({ word: name, hint: "", act: () => { box?.close(); theme.click(); } });
    const keys = document.body.dataset[kept("sluice-keys") === "off" ? "keysOn" : "keysOff"] || "";
    if (keys && keys.toLowerCase().includes(text)) {
      rows.push({ word: keys, hint: "", act: () => { box?.close(); keep("sluice-keys", kept("sluice-keys") === "off" ? "" : "off"); } });
    }
    if (text) rows.push({ word: `${document.getElementById("find")?.getAttribute("aria-label") || "Search"}: ${wanted.trim()}`, hint: "↵",
      act: go(`/search?q=${encodeURIComponent(wanted.trim())}`) });
    place.replaceChildren(...rows.slice(0, 18).map((row, index) => {
      const line = make("li", { role: "option", id: `palette-${index}`, "aria-selected": String(index === 0) }, make("span", {}, row.word));
      if (row.hint) line.append(make("kbd", {}, row.hint));
      line.addEventListener("click", row.act);
      return line;
    }));
  };

  // -- The bell: what waits, and has not been seen ------------------------------------------------

  const count = async () => {
    const bell = document.getElementById("bell");
    const badge = bell && bell.querySelector(".badge");
    if (!bell || !(badge instanceof HTMLElement) || document.hidden) return;
    try {
      const answer = await fetch("/api/v1/notifications", { credentials: "same-origin", redirect: "error" });
      if (answer.ok) {
        const { unseen } = await answer.json();
        const told = unseen > 99 ? "99+" : String(unseen);
        if (badge.textContent !== told) badge.textContent = told;
        badge.hidden = unseen === 0;
        const name = bell.dataset.name || bell.getAttribute("aria-label") || "";
        bell.dataset.name = name;
        bell.setAttribute("aria-label", unseen === 0 ? name : `${name}: ${told}`);
      }
    } catch { /* the next event tries again */ }
  };

  document.addEventListener("DOMContentLoaded", () => {
    const now = document.body.dataset.now;
    if (now) skew = new Date(now).getTime() - Date.now();
    tell();
    setInterval(tell, 30000);
    // A picture that is wider than the screen begins at what is now.
    for (const mark of all(".scroll [data-center]")) {
      const frame = mark.closest(".scroll");
      if (!frame) continue;
      const [at, edge] = [mark.getBoundingClientRect(), frame.getBoundingClientRect()];
      frame.scrollLeft += at.left - edge.left - edge.width / 2;
    }
    count();
    follow();
    document.addEventListener("keydown", pressed);
    document.getElementById("palette-open")?.addEventListener("click", palette);
    document.getElementById("theme")?.addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      keep("sluice-theme", root.dataset.theme);
    });
    for (const field of all("form select[data-submit]")) field.addEventListener("change", () => /** @type {HTMLSelectElement} */ (field).form?.requestSubmit());
  });
})();
