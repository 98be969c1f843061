// The page: what is typed is sent to the service it came from, and the answer is shown. Nothing is stored anywhere.
"use strict";

const WAIT_MS = 350; // after the last key; a paste is read at once
const SLOW_MS = 700; // only then "Reading…" is said
const TIMEOUT_MS = 20000;
const RETRY_MS = 5000;
const MOST_BYTES = 2 * 1024 * 1024;
const MOST_UNDONE = 50;
const KINDS = { drug: "drugs", condition: "conditions" };
const EXAMPLE = {
  drugs: "HCTZ 25mg po qd\nfurosemdie 40 mg tab\nVentolin HFA 2 puffs prn\nCrestor 10\nquinine sulphate 300 mg nocte\nHCT 25\nwarfarin",
  conditions: "T2DM w/ neuropathy\nrestless legs\nno gout",
};

const $ = (id) => document.getElementById(id);
const lists = { drug: $("drugs"), condition: $("conditions") };
const person = ["age", "sex", "pregnant_weeks", "cramps_since"];
const days = new Map(); // text of an entry → the day it was started
const undone = []; // what the lists were before each change that a button made

let timer = 0;
let retry = 0;
let running = null; // the request under way
let shown = null; // what was last asked and answered: {asked, text}
let afterwards = null; // what to do once the next answer is shown
let unfolded = false;

// ------------------------------------------------------------------ small things

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function button(text, act, className = "") {
  const made = element("button", { type: "button", textContent: text, className });
  made.addEventListener("click", act);
  return made;
}

function say(text) {
  if ($("status").textContent !== text) $("status").textContent = text;
}

function counted(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

// ------------------------------------------------------------------ asking

function asked() {
  const question = { drugs: lists.drug.value, conditions: lists.condition.value };
  for (const name of person) {
    const { value, type } = $(name);
    if (value !== "") question[name] = type === "number" ? Number(value) : value;
  }
  if (question.cramps_since) {
    question.days = [...days].filter(([, start]) => start).map(([text, start]) => ({ text, start }));
  }
  return question;
}

class Refused extends Error {}

async function ask(path, options, signal) {
  const answer = await fetch(path, { method: "POST", cache: "no-store", credentials: "same-origin", redirect: "error", signal, ...options });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  if (answer.status < 500 && answer.status !== 429) throw new Refused(problem.detail ?? problem.issue?.[0]?.diagnostics ?? `The service refused this (${answer.status}).`);
  throw new Error(`The service could not answer (${answer.status}).`);
}

function askAbout(question, parts, signal) {
  return ask("/api/check", { headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...question, parts }) }, signal);
}

function later(wait = WAIT_MS) {
  clearTimeout(timer);
  timer = setTimeout(check, wait);
}

async function check() {
  clearTimeout(timer);
  clearTimeout(retry);
  running?.abort();
  const question = asked();
  if (!question.drugs.trim() && !question.conditions.trim() && !person.some((name) => question[name] !== undefined)) {
    running = null;
    showNothing();
    return;
  }
  const mine = (running = new AbortController());
  const limit = setTimeout(() => mine.abort("late"), TIMEOUT_MS);
  const slow = setTimeout(() => say("Reading…"), SLOW_MS);
  try {
    const answer = await askAbout(question, ["page", "text"], mine.signal);
    if (running !== mine) return;
    running = null;
    shown = { asked: question, text: answer.text };
    calm();
    show(answer.page);
  } catch (error) {
    if (running !== mine) return;
    running = null;
    if (error instanceof Refused) trouble(error.message);
    else gone(error);
  } finally {
    clearTimeout(limit);
    clearTimeout(slow);
  }
}

// ------------------------------------------------------------------ when it does not work

function trouble(text, ...more) {
  $("trouble").replaceChildren(text, ...more);
  $("trouble").hidden = false;
  document.body.classList.toggle("stale", !$("shown").hidden);
  say("");
}

function gone(error) {
  const reason = error instanceof TypeError || error === "late" || error.name === "AbortError" ? "The service does not answer." : error.message;
  const below = $("shown").hidden ? "" : " What is shown below is of the list as it was before.";
  const text = `${reason} Your list is still here.${below} It is tried again every few seconds.`;
  // Said once: a reader of the screen need not hear it at every attempt.
  if ($("trouble").hidden || $("trouble").firstChild?.data !== text) trouble(text, button("Try now", check));
  retry = setTimeout(check, RETRY_MS);
}

function calm() {
  $("trouble").hidden = true;
  $("trouble").replaceChildren();
  document.body.classList.remove("stale");
}

// ------------------------------------------------------------------ showing

function showNothing() {
  calm();
  shown = null;
  say("");
  $("shown").hidden = $("actions").hidden = $("onward").hidden = true;
  $("empty").hidden = false;
  $("report").replaceChildren();
  showDays([]);
  afterwards?.();
  afterwards = null;
}

function show(page) {
  $("empty").hidden = true;
  $("shown").hidden = $("actions").hidden = false;
  showOpen(page.open);
  showNear(page.near);
  showDays(page.medicines);
  const body = new DOMParser().parseFromString(page.html, "text/html").body;
  // What was not understood stands above, with its choices; the link of the summary leads there.
  const table = body.querySelector("#r-open")?.closest("section");
  table?.remove();
  patch($("report"), body);
  if (unfolded) unfold($("report"), true);
  const open = page.open.length ? `${counted(page.open.length, "entry", "entries")} not understood.` : "All entries understood.";
  const said = `${counted(page.risks, "subject", "subjects")} reported with cramps. ${open}`;
  say(said);
  $("onward").textContent = `To the report: ${page.risks} reported with cramps${page.open.length ? `, ${page.open.length} not understood` : ""}`;
  $("onward").hidden = false;
  afterwards?.();
  afterwards = null;
}

// Makes the children of one element those of another. What is equal stays in place, so that it keeps its focus, what is
// unfolded stays so, and nothing jumps.
function patch(old, wanted) {
  const known = new Map();
  for (const child of old.children) if (keyOf(child)) known.set(keyOf(child), child);
  let here = old.firstElementChild;
  for (const next of [...wanted.children]) {
    const before = known.get(keyOf(next));
    if (!before || before.tagName !== next.tagName) {
      old.insertBefore(next, here);
      continue;
    }
    known.delete(keyOf(next));
    if (before !== here) old.insertBefore(before, here);
    else here = here.nextElementSibling;
    keepOpen(before, next);
    if (before.isEqualNode(next)) continue;
    if (before.tagName === "SECTION") patch(before, next);
    else before.replaceWith(next);
  }
  while (here) {
    const next = here.nextElementSibling;
    here.remove();
    here = next;
  }
}

function keyOf(child) {
  return child.id || child.getAttribute("aria-labelledby") || `${child.tagName} ${child.className}`;
}

function keepOpen(before, next) {
  const folds = [...next.querySelectorAll("details")];
  if (next.tagName === "DETAILS") folds.push(next);
  const earlier = [...before.querySelectorAll("details")];
  if (before.tagName === "DETAILS") earlier.push(before);
  folds.forEach((fold, index) => (fold.open = earlier[index]?.open ?? false));
}

function showOpen(entries) {
  const panel = $("open");
  panel.hidden = entries.length === 0;
  const title = element("h2", { className: "section", id: "r-open", tabIndex: -1, textContent: "Not understood: look at these first" });
  const intro = element("p", { textContent: "What was not understood was not checked. Choose what is meant, or correct the list." });
  panel.setAttribute("aria-labelledby", "r-open");
  panel.replaceChildren(title, intro, element("ul", {}, ...entries.map(openEntry)));
}

function openEntry(entry) {
  const what = entry.kind === "drug" ? "medicine" : "condition";
  const line = element(
    "p",
    {},
    element("bdi", { className: "entry", textContent: entry.text }),
    ` (${what}): ${entry.why}`,
  );
  const choices = entry.choices.map((choice) => {
    const moved = choice.kind !== entry.kind;
    const label = moved ? `Move to ${KINDS[choice.kind] === "drugs" ? "medicines" : "conditions"}: ${choice.label}` : choice.label;
    const made = button(label, () => choose(entry, choice), "pick");
    made.setAttribute("aria-label", moved ? label : `${entry.text} means ${choice.label}`);
    return made;
  });
  const find = button("Show in the list", () => select(entry), "find");
  find.setAttribute("aria-label", `Show in the list: ${entry.text}`);
  return element("li", { tabIndex: -1 }, line, element("div", { className: "choices" }, ...choices, find));
}

function showNear(entries) {
  const panel = $("near");
  panel.hidden = entries.length === 0;
  panel.setAttribute("aria-labelledby", "near-title");
  panel.replaceChildren(
    element("h2", { className: "section", id: "near-title", textContent: "Read by nearness: is this what is meant?" }),
    element(
      "ul",
      {},
      ...entries.map((entry) => {
        const find = button("Show in the list", () => select({ ...entry, text: entry.written }), "find");
        find.setAttribute("aria-label", `Show in the list: ${entry.written}`);
        return element("li", {}, element("bdi", { textContent: `“${entry.written}”` }), " read as ", element("strong", { textContent: entry.read }), " ", find);
      }),
    ),
  );
}

function showDays(medicines) {
  const wanted = $("cramps_since").value !== "" && medicines.length > 0;
  $("days").hidden = !wanted;
  if (!wanted) return;
  const rows = new Map([...$("days-rows").children].map((row) => [row.dataset.text, row]));
  const next = medicines.map((text, index) => {
    const row = rows.get(text) ?? dayRow(text);
    row.querySelector("label").htmlFor = row.querySelector("input").id = `day-${index}`;
    return row;
  });
  // The row in which a day is being typed must not be taken out and put back: it would lose the focus.
  const same = next.length === $("days-rows").children.length && next.every((row, index) => $("days-rows").children[index] === row);
  if (!same) $("days-rows").replaceChildren(...next);
}

function dayRow(text) {
  const input = element("input", { type: "date", autocomplete: "off", value: days.get(text) ?? "" });
  input.addEventListener("input", () => {
    forget();
    days.set(text, input.value);
    later();
  });
  const row = element("div", { className: "days-row" }, element("label", { textContent: text }), input);
  row.dataset.text = text;
  return row;
}

// ------------------------------------------------------------------ changing the list

function select(entry) {
  const list = lists[entry.kind];
  const place = placeOf(entry, list.value);
  list.focus();
  if (!place) return;
  list.setSelectionRange(...place);
  const height = parseFloat(getComputedStyle(list).lineHeight);
  list.scrollTop = Math.max(0, (list.value.slice(0, place[0]).split("\n").length - 3) * height);
}

// Where an entry stands now: the list may have changed since it was read.
function placeOf(entry, text) {
  if (entry.start !== null && text.slice(entry.start, entry.end) === entry.text) return [entry.start, entry.end];
  const start = text.indexOf(entry.text);
  return start < 0 ? null : [start, start + entry.text.length];
}

function remember(message) {
  undone.push({ drug: lists.drug.value, condition: lists.condition.value, message, person: person.map((name) => $(name).value), days: [...days] });
  if (undone.length > MOST_UNDONE) undone.shift();
}

// What is typed after a change would be lost with it: from then on the browser's own undo is the one to use.
function forget() {
  undone.length = 0;
  showUndo();
}

function showUndo() {
  const last = undone.at(-1);
  $("undo-bar").hidden = !last;
  $("undo-bar").replaceChildren(...(last ? [element("p", { textContent: last.message }), button("Undo", undo)] : []));
}

function undo() {
  const last = undone.pop();
  if (!last) return;
  for (const kind of ["drug", "condition"]) lists[kind].value = last[kind];
  person.forEach((name, index) => ($(name).value = last.person[index]));
  days.clear();
  for (const [text, start] of last.days) days.set(text, start);
  $("days-rows").replaceChildren();
  showUndo();
  say("Undone.");
  ($("undo-bar").querySelector("button") ?? lists.drug).focus({ preventScroll: true });
  check();
}

function choose(entry, choice) {
  const list = lists[entry.kind];
  const place = placeOf(entry, list.value);
  if (!place) {
    trouble("The list has changed since: that entry is no longer in it.");
    return;
  }
  const moved = choice.kind !== entry.kind;
  remember(moved ? `“${entry.text}” was moved to the ${KINDS[choice.kind] === "drugs" ? "medicines" : "conditions"}.` : `“${entry.text}” is now “${choice.text}”.`);
  if (moved) {
    list.value = without(list.value, place);
    append(choice.kind, [choice.text]);
  } else {
    list.setRangeText(choice.text, ...place, "end");
  }
  showUndo();
  const index = [...$("open").querySelectorAll("li")].findIndex((line) => line.contains(document.activeElement));
  // The button is gone with its entry: the next open entry is next, or else the report.
  afterwards = () => {
    const lines = $("open").querySelectorAll("li");
    (lines[Math.min(Math.max(index, 0), lines.length - 1)] ?? $("undo-bar").querySelector("button") ?? $("result")).focus();
  };
  check();
}

function without(text, [start, end]) {
  const before = text.slice(0, start);
  const after = text.slice(end);
  // A line that held nothing else goes as a whole; on a shared line a separator goes with the entry.
  if (/(^|\n)[ \t]*$/.test(before)) return before.replace(/[ \t]*$/, "") + after.replace(/^[ \t]*([;,|\t]|\n|$)[ \t]*/, "");
  return before.replace(/[ \t]*[;,|\t][ \t]*$/, "") + after;
}

function append(kind, entries) {
  const before = lists[kind].value.replace(/\s+$/, "");
  lists[kind].value = [before, ...entries].filter(Boolean).join("\n");
}

// ------------------------------------------------------------------ files

async function openFile(file) {
  if (!file) return;
  if (file.size > MOST_BYTES) {
    trouble(`The file is larger than ${MOST_BYTES / 1024 / 1024} MB. Check long lists with the command line.`);
    return;
  }
  const kind = (/\.([a-z]+)$/i.exec(file.name)?.[1] ?? "txt").toLowerCase();
  say("Opening the file…");
  try {
    const answer = await ask("/api/open", { headers: { "Content-Type": "application/octet-stream", "X-File-Kind": kind }, body: file });
    calm();
    const columns = answer.columns;
    if (columns.length === 1) take({ [columns[0].kind ?? "drug"]: columns[0] });
    else chooseColumns(columns);
  } catch (error) {
    trouble(error instanceof Refused ? `The file was not opened: ${error.message}` : "The file was not opened: the service does not answer.");
  }
}

function take(columns) {
  const parts = Object.entries(columns).filter(([, column]) => column?.entries.length);
  if (!parts.length) {
    trouble("The file holds no entry in what was chosen.");
    return;
  }
  const said = parts.map(([kind, column]) => counted(column.entries.length, kind === "drug" ? "medicine" : "condition", kind === "drug" ? "medicines" : "conditions"));
  remember(`${said.join(" and ")} came from the file.`);
  for (const [kind, column] of parts) append(kind, column.entries);
  showUndo();
  say(`${said.join(" and ")} came from the file.`);
  lists[parts[0][0]].focus({ preventScroll: true });
  check();
}

function chooseColumns(columns) {
  const panel = $("chooser");
  const chosen = {};
  const field = (kind, label) => {
    const id = `column-${kind}`;
    const pick = element("select", { id });
    pick.append(element("option", { value: "", textContent: "none" }));
    columns.forEach((column, index) => pick.append(element("option", { value: String(index), textContent: column.name })));
    const guess = columns.findIndex((column) => column.kind === kind);
    pick.value = guess < 0 ? "" : String(guess);
    const preview = element("p", { className: "preview" });
    const look = () => {
      chosen[kind] = columns[pick.value];
      const entries = chosen[kind]?.entries ?? [];
      const more = entries.length > 3 ? ` and ${entries.length - 3} more` : "";
      preview.textContent = entries.length ? `${entries.slice(0, 3).map((entry) => `“${entry}”`).join(", ")}${more}` : "Nothing is taken.";
    };
    pick.addEventListener("change", look);
    look();
    return element("div", { className: "field" }, element("label", { htmlFor: id, textContent: label }), pick, preview);
  };
  const close = () => {
    panel.hidden = true;
    panel.replaceChildren();
  };
  panel.replaceChildren(
    element("h2", { className: "section", id: "chooser-title", tabIndex: -1, textContent: "Which column of the file holds what?" }),
    element("div", { className: "grid" }, field("drug", "Medicines are in"), field("condition", "Conditions are in")),
    element(
      "div",
      { className: "tools" },
      button("Put into the list", () => { close(); take(chosen); }, "main"),
      button("Cancel", () => { close(); say(""); $("open-file").focus(); }),
    ),
  );
  panel.hidden = false;
  say("Choose the columns of the file.");
  $("chooser-title").focus();
}

// ------------------------------------------------------------------ taking the report away

async function copy() {
  if (!shown) return;
  try {
    await navigator.clipboard.writeText(shown.text);
  } catch {
    // No clipboard without a secure address: the older way.
    const box = element("textarea", { value: shown.text, readOnly: true });
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    $("copy").focus();
    if (!done) {
      trouble("The browser does not allow copying. Select the report and copy it by hand.");
      return;
    }
  }
  say("The report was copied as text.");
}

async function save(part, type, start = "") {
  if (!shown) return;
  try {
    const answer = await askAbout(shown.asked, [part]);
    const content = part === "report" ? `${JSON.stringify(answer.report, null, 2)}\n` : answer[part];
    const address = URL.createObjectURL(new Blob([start, content], { type }));
    const link = element("a", { href: address, download: `cramprisk-report.${part === "report" ? "json" : part}` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    say("The report was saved.");
  } catch (error) {
    trouble(error instanceof Refused ? error.message : "The report was not saved: the service does not answer.");
  }
}

function unfold(where, open) {
  for (const fold of where.querySelectorAll("details")) fold.open = open;
}

function toggleAll() {
  unfolded = !unfolded;
  unfold($("report"), unfolded);
  $("unfold").setAttribute("aria-pressed", String(unfolded));
}

let folded = [];

function beforePrint() {
  folded = [...$("report").querySelectorAll("details:not([open])")];
  for (const fold of folded) fold.open = true;
  const known = person.filter((name) => $(name).value !== "").map((name) => `${document.querySelector(`label[for=${name}]`).textContent}: ${$(name).value}`);
  const stale = document.body.classList.contains("stale") ? " The list was changed after this report was made." : "";
  $("printed").textContent = `cramprisk, printed ${new Date().toLocaleString()}.${known.length ? ` ${known.join("; ")}.` : ""}${stale}`;
}

function afterPrint() {
  for (const fold of folded) fold.open = false;
  folded = [];
}

// ------------------------------------------------------------------ wiring

function start() {
  for (const part of document.querySelectorAll(".scripted")) part.hidden = false;
  $("send").hidden = true;
  $("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  for (const list of Object.values(lists)) {
    list.addEventListener("input", (event) => {
      forget();
      later(event.inputType?.startsWith("insertFrom") ? 0 : WAIT_MS);
    });
    list.addEventListener("paste", pasteCells);
    list.addEventListener("keydown", (event) => {
      if (event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && undone.length) {
        event.preventDefault();
        undo();
        list.focus({ preventScroll: true });
      }
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        afterwards = () => ($("open").hidden ? $("result") : $("r-open")).focus();
        check();
      }
    });
    list.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      list.classList.add("dropping");
    });
    list.addEventListener("dragleave", () => list.classList.remove("dropping"));
    list.addEventListener("drop", (event) => {
      list.classList.remove("dropping");
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      openFile(event.dataTransfer.files[0]);
    });
  }
  for (const name of person) {
    $(name).addEventListener("input", () => {
      forget();
      later();
    });
  }
  $("open-file").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    openFile($("file").files[0]);
    $("file").value = ""; // the same file may be opened again
  });
  $("example").addEventListener("click", () => fill("The example took the place of the list.", EXAMPLE));
  $("clear").addEventListener("click", () => {
    fill("Everything was cleared.", { drugs: "", conditions: "" }, () => {
      for (const name of person) $(name).value = "";
      days.clear();
      $("days-rows").replaceChildren();
    });
  });
  $("copy").addEventListener("click", copy);
  $("print").addEventListener("click", () => window.print());
  // The mark at the beginning tells spreadsheets that the text is UTF-8.
  $("save-csv").addEventListener("click", () => save("csv", "text/csv;charset=utf-8", "\ufeff"));
  $("save-json").addEventListener("click", () => save("report", "application/json"));
  $("unfold").addEventListener("click", toggleAll);
  window.addEventListener("beforeprint", beforePrint);
  window.addEventListener("afterprint", afterPrint);
  window.addEventListener("online", () => !$("trouble").hidden && check());
  // A browser may bring the fields of an earlier visit back; what is in them is read.
  check();
}

function fill(message, { drugs, conditions }, also = () => {}) {
  if ([lists.drug, lists.condition, ...person.map($)].some((field) => field.value.trim())) remember(message);
  also();
  lists.drug.value = drugs;
  lists.condition.value = conditions;
  showUndo();
  lists.drug.focus({ preventScroll: true });
  check();
}

// Cells that are pasted from a spreadsheet are parted by tabs; a row is one entry ("Lasix", "40 mg", "daily").
function pasteCells(event) {
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!text.includes("\t")) return;
  event.preventDefault();
  const list = event.currentTarget;
  const rows = text.replace(/\r\n?/g, "\n").split("\n").map((row) => row.split("\t").map((cell) => cell.trim()).filter(Boolean).join(" "));
  remember("A table was pasted; each row became one entry.");
  list.setRangeText(rows.join("\n"), list.selectionStart, list.selectionEnd, "end");
  showUndo();
  check();
}

start();
