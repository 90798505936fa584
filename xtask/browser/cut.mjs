// What a person would see at once and no rule of accessibility names: words that are cut off, fields that leave their card,
// and what is shown although it is hidden.

/** Each such place of the page, in words; none where all is well. `table`: whether tables have to fit too. */
export const cutOff = (page, table) => page.evaluate((table) => {
  const all = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
  const text = (element) => (element.textContent || "").trim().slice(0, 60);
  const overflows = (element) => element.scrollWidth > element.clientWidth + 1;
  const right = (element) => element.getBoundingClientRect().right;
  return [
    ...all("[hidden]").map((element) => `it is hidden and shown: ${text(element)}`),
    ...all(".pill").filter(overflows).map((pill) => `words are cut off: ${text(pill)}`),
    ...all(".steps .word").filter((word) => overflows(word.parentElement)).map((word) => `words run into others: ${text(word)}`),
    ...all(".card :is(input, select, textarea)")
      .filter((field) => right(field) > right(field.closest(".card")))
      .map((field) => `a field leaves its card: ${field.name}`),
    ...(table ? all(".scroll:has(> table)").filter(overflows).map((it) => `a table is cut off: ${it.getAttribute("aria-label")}`) : []),
  ];
}, table);
