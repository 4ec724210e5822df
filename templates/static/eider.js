// Keeps a page fresh: listens to "host X has new rows", fetches the page again and puts the new
// parts in the place of the old ones. Everything works without it. Text comes from the server's own
// escaped pages and is moved as nodes; nothing here makes markup out of strings.
"use strict";
(() => {
  const body = document.body;
  const stream = body.dataset.live;
  const note = document.getElementById("live-note");
  if (!stream || !note || !window.EventSource) return;

  const LEAST_PAUSE_MS = 3000; // between two refreshes, however many hosts report
  const AT_LEAST_EVERY_MS = 30000; // so that ages stay right without news
  const MISSES = 2; // failed refreshes before we say that the server stopped

  let source = null;
  let updated = Date.now();
  let asked = 0;
  let misses = 0;
  let timer = 0;
  let busy = false;

  const fill = (text, name, value) => text.replace("{" + name + "}", value);
  const length = (seconds) =>
    seconds < 120
      ? fill(body.dataset.seconds, "n", String(seconds))
      : fill(body.dataset.minutes, "n", String(Math.floor(seconds / 60)));

  const say = () => {
    const seconds = Math.max(0, Math.round((Date.now() - updated) / 1000));
    const age = fill(body.dataset.ago, "time", length(seconds));
    const late = misses >= MISSES;
    note.textContent = late
      ? fill(body.dataset.stopped, "time", age)
      : fill(body.dataset.updated, "time", age);
    note.classList.toggle("is-late", late);
  };

  // A reader who selects text or types must not lose the place.
  const occupied = (part) => {
    const chosen = document.getSelection();
    return (
      (chosen && !chosen.isCollapsed && part.contains(chosen.anchorNode)) ||
      (part.contains(document.activeElement) &&
        /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName))
    );
  };

  const replace = (fresh) => {
    const old = document.querySelectorAll("[data-live-part]");
    const parts = fresh.querySelectorAll("[data-live-part]");
    if (old.length !== parts.length) return location.reload();
    old.forEach((part, position) => {
      if (occupied(part)) return;
      const open = [...part.querySelectorAll("details")].map((d) => d.open);
      const focus = [...part.querySelectorAll("a, button")].indexOf(document.activeElement);
      const nodes = [...parts[position].childNodes].map((node) => document.importNode(node, true));
      part.replaceChildren(...nodes);
      part.querySelectorAll("details").forEach((d, n) => { if (n in open) d.open = open[n]; });
      if (focus >= 0) part.querySelectorAll("a, button")[focus]?.focus({ preventScroll: true });
    });
    const clock = document.querySelector(".clock time");
    const now = fresh.querySelector(".clock time");
    if (clock && now) {
      clock.textContent = now.textContent;
      clock.setAttribute("datetime", now.getAttribute("datetime"));
    }
  };

  const refresh = async () => {
    clearTimeout(timer);
    timer = 0;
    if (busy || document.hidden) return;
    busy = true;
    asked = Date.now();
    try {
      const response = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
      if (!response.ok) throw new Error(String(response.status));
      const text = await response.text();
      replace(new DOMParser().parseFromString(text, "text/html"));
      updated = Date.now();
      misses = 0;
    } catch {
      misses += 1;
    }
    busy = false;
    say();
    plan(misses ? 5000 : AT_LEAST_EVERY_MS);
  };

  const plan = (pause) => {
    clearTimeout(timer);
    timer = setTimeout(refresh, pause);
  };

  const listen = () => {
    if (source) return;
    source = new EventSource(stream);
    let soon = false;
    source.addEventListener("changed", () => {
      if (soon) return;
      soon = true;
      const pause = Math.max(250, asked + LEAST_PAUSE_MS - Date.now());
      setTimeout(() => { soon = false; refresh(); }, pause);
    });
    source.addEventListener("error", () => {
      // A closed stream does not come back by itself.
      if (source && source.readyState === EventSource.CLOSED) {
        source = null;
        if (!document.hidden) setTimeout(listen, 5000);
      }
      plan(1000);
    });
  };

  const deafen = () => {
    if (source) source.close();
    source = null;
    clearTimeout(timer);
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return deafen();
    listen();
    refresh();
  });
  window.addEventListener("pagehide", deafen);
  window.addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });

  setInterval(say, 1000);
  say();
  if (!document.hidden) {
    listen();
    plan(AT_LEAST_EVERY_MS);
  }
})();
