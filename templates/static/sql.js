// The SQL page, made better: asks without leaving the page, shows how far the question is, cancels
// it. Everything works without this. The answer comes as the server's own escaped page and is moved
// as nodes; nothing here makes markup out of strings.
"use strict";
(() => {
  const form = document.getElementById("sql-form");
  const box = document.getElementById("sql");
  const run = document.getElementById("sql-run");
  const cancel = document.getElementById("sql-cancel");
  const note = document.getElementById("sql-note");
  if (!form || !box || !run || !cancel || !note || !window.fetch) return;

  const EVERY_MS = 500; // between two looks at how far the question is

  let running = null;

  const name = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  };

  const say = (elapsedMs, rows) => {
    note.textContent = form.dataset.running
      .replace("{seconds}", (elapsedMs / 1000).toFixed(1))
      .replace("{rows}", String(rows));
  };

  const watch = async (id, begun) => {
    let rows = 0;
    while (running && running.id === id) {
      say(Date.now() - begun, rows);
      await new Promise((done) => setTimeout(done, EVERY_MS));
      try {
        const told = await fetch("/api/v1/sql/" + id);
        if (told.ok) rows = (await told.json()).rows;
      } catch {
        // The answer itself will say what is wrong.
      }
    }
  };

  const ask = async () => {
    if (running) return;
    const id = name();
    const stop = new AbortController();
    running = { id, stop };
    run.disabled = true;
    cancel.hidden = false;
    watch(id, Date.now());
    let words = "";
    try {
      const body = new URLSearchParams({ sql: box.value, id });
      const response = await fetch("/sql", { method: "POST", body, signal: stop.signal });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.getElementById("sql-answer");
      if (fresh) {
        const nodes = [...fresh.childNodes].map((node) => document.importNode(node, true));
        document.getElementById("sql-answer").replaceChildren(...nodes);
      } else {
        words = form.dataset.failed;
      }
    } catch (error) {
      words = error.name === "AbortError" ? form.dataset.cancelled : form.dataset.failed;
    }
    running = null;
    run.disabled = false;
    cancel.hidden = true;
    note.textContent = words;
  };

  form.addEventListener("submit", (event) => {
    // The other buttons download a file.
    if (event.submitter && event.submitter !== run) return;
    event.preventDefault();
    ask();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      ask();
    }
  });
  cancel.addEventListener("click", () => {
    if (!running) return;
    fetch("/api/v1/sql/" + running.id, { method: "DELETE" }).catch(() => {});
    running.stop.abort();
  });
  // A click on a column writes its name into the question.
  document.querySelectorAll("[data-insert]").forEach((part) => {
    part.addEventListener("click", () => {
      box.setRangeText(part.dataset.insert, box.selectionStart, box.selectionEnd, "end");
      box.focus();
    });
  });
})();
