"use strict";
// Lists the entries that the element #data holds, one page of them at a time, so that 10,000 stay quick.
// Texts of a tenant reach the page as text alone; the content security policy forbids making markup of them.
(() => {
  const PAGE = 50; // entries that are laid out at once
  const PRINTED = 1000; // entries that are laid out for paper
  const KEYS = ["severity", "status", "rule", "type"];
  const SEVERITIES = ["critical", "high", "medium", "low", "info"];

  const { rules, entries } = JSON.parse(document.getElementById("data").textContent);
  const element = (id) => document.getElementById(id);
  const control = (name) => element("toolbar").querySelector(`[name="${name}"]`);
  const number = (value) => value.toLocaleString("en");
  let matching = entries;
  let first = 0;

  for (const entry of entries) {
    const rule = rules[entry.rule];
    entry.severity = rule.severity;
    entry.haystack = [
      entry.name, entry.id, entry.type, entry.status, entry.message, entry.exemption, entry.fingerprint,
      rule.id, rule.severity, ...entry.evidence.flat(),
    ].join("\n").toLowerCase();
  }

  // --- filters -------------------------------------------------------------------------------------------------

  function offer(name, label, order) {
    const counts = new Map();
    for (const entry of entries) counts.set(entry[name], (counts.get(entry[name]) ?? 0) + 1);
    for (const value of [...counts.keys()].sort(order)) {
      control(name).add(new Option(`${label(value)} (${number(counts.get(value))})`, value));
    }
  }

  const ORDERS = {
    severity: () => 0, // as the report has them
    name: (a, b) => a.name.localeCompare(b.name),
    rule: (a, b) => rules[a.rule].id.localeCompare(rules[b.rule].id),
    status: (a, b) => a.status.localeCompare(b.status),
    type: (a, b) => a.type.localeCompare(b.type),
  };

  function filter() {
    const words = control("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = KEYS.map((key) => [key, control(key).value]).filter(([, value]) => value !== "");
    matching = entries.filter((entry) =>
      wanted.every(([key, value]) => String(entry[key]) === value) &&
      words.every((word) => entry.haystack.includes(word)));
    const order = control("order").value;
    if (order === "severity") matching.sort((a, b) => rules[b.rule].rank - rules[a.rule].rank);
    else matching.sort(ORDERS[order]);
    first = 0;
    lay();
  }

  function choose(settings) {
    control("search").value = "";
    for (const key of KEYS) control(key).value = settings.get(key) ?? "";
    filter();
  }

  // --- the list ------------------------------------------------------------------------------------------------

  function lay(size = PAGE) {
    const shown = matching.slice(first, first + size);
    element("entries").replaceChildren(...shown.map(item));
    const last = first + shown.length;
    const of = matching.length === entries.length ? "" : ` of ${number(entries.length)}`;
    element("count").textContent = entries.length === 0
      ? element("count").dataset.none
      : `${number(matching.length)} ${matching.length === 1 ? "entry" : "entries"}${of}`;
    element("place").textContent = `${number(first + 1)} to ${number(last)} of ${number(matching.length)}`;
    element("pager").hidden = matching.length <= PAGE;
    element("previous").disabled = first === 0;
    element("next").disabled = last >= matching.length;
  }

  function item(entry) {
    const node = element("entry").content.cloneNode(true);
    const put = (selector, text) => { node.querySelector(selector).textContent = text; };
    node.querySelector("details").id = `f-${entry.fingerprint}`;
    node.querySelector(".pill").classList.add(entry.severity);
    node.querySelector("summary .status").classList.add(entry.status.replace(" ", "-"));
    put(".pill", entry.severity);
    put("summary strong", entry.name);
    put(".message", entry.message);
    put(".of", rules[entry.rule].id);
    put("summary .status", entry.status);
    const details = node.querySelector("details");
    details.addEventListener("toggle", () => fill(details, entry), { once: true });
    return node;
  }

  function fill(details, entry) {
    const find = (selector) => details.querySelector(selector);
    const body = find(".evidence tbody");
    if (body.childElementCount || find(".why").childElementCount) return;
    for (const cells of entry.evidence) {
      const row = body.insertRow();
      for (const text of cells) row.insertCell().textContent = text;
    }
    find(".evidence").hidden = entry.evidence.length === 0;
    find(".exemption").textContent = entry.exemption;
    find(".exemption").hidden = entry.exemption === "";
    find(".type").textContent = entry.type;
    find(".id").textContent = entry.id;
    find(".permalink").href = `#f-${entry.fingerprint}`;
    const [words, ...lines] = entry.settling;
    find(".settling summary").textContent = words;
    find(".settling").hidden = entry.settling.length === 0;
    for (const [index, line] of lines.entries()) {
      find(".settling").append(Object.assign(document.createElement(index % 2 ? "p" : "pre"), { textContent: line }));
    }
    find(".why").append(element(`rule-${rules[entry.rule].id}`).querySelector(".explanation").cloneNode(true));
  }

  function turn(pages) {
    first += pages * PAGE;
    lay();
    element("results").scrollIntoView();
    element("entries").querySelector("summary").focus({ preventScroll: true });
  }

  // --- links to one entry --------------------------------------------------------------------------------------

  function named() {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch { // somebody cut the address off
      return "";
    }
  }

  function follow() {
    const target = named();
    if (target.startsWith("rule-")) return open(element(target));
    if (!target.startsWith("f-")) return;
    const is = (entry) => `f-${entry.fingerprint}` === target;
    if (!matching.some(is)) choose(new Map());
    const index = matching.findIndex(is);
    if (index < 0) {
      element("count").textContent = "The entry that the address names is not on this page.";
      return;
    }
    first = index - (index % PAGE);
    lay();
    open(element(target));
  }

  function open(details) {
    if (!details) return;
    details.open = true;
    details.scrollIntoView();
    details.querySelector("summary").focus({ preventScroll: true });
  }

  // --- paper ---------------------------------------------------------------------------------------------------

  let folded = [];
  let left = { first: 0, open: new Set() }; // how the list was

  function unfold() {
    left = { first, open: new Set([...element("entries").querySelectorAll(".entry[open]")].map(({ id }) => id)) };
    first = 0;
    lay(PRINTED);
    if (matching.length > PRINTED) element("count").textContent += `; printed: the first ${number(PRINTED)}`;
    [...element("entries").querySelectorAll(".entry")].forEach((details, index) => fill(details, matching[index]));
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
  }

  function refold() {
    for (const details of folded) details.open = false;
    first = left.first;
    lay();
    for (const details of element("entries").querySelectorAll(".entry")) details.open = left.open.has(details.id);
  }

  // --- start ---------------------------------------------------------------------------------------------------

  offer("severity", String, (a, b) => SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b));
  offer("status", String);
  offer("rule", (place) => rules[place].id, (a, b) => a - b);
  offer("type", String);
  filter();
  follow();
  element("toolbar").addEventListener("input", filter);
  element("reset").addEventListener("click", () => { control("order").value = "severity"; choose(new Map()); });
  element("previous").addEventListener("click", () => turn(-1));
  element("next").addEventListener("click", () => turn(1));
  for (const button of document.querySelectorAll("[data-filter]")) {
    button.addEventListener("click", () => {
      choose(new URLSearchParams(button.dataset.filter));
      element("results").scrollIntoView();
      element("results").focus({ preventScroll: true });
    });
  }
  addEventListener("hashchange", follow);
  addEventListener("click", (event) => { // a link to where the address is already changes nothing, and is followed here
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) follow();
  });
  addEventListener("beforeprint", unfold);
  addEventListener("afterprint", refold);
})();
