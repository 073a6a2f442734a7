// Refreshes what is on the screen, and can be paused. Without it every page works as well.
"use strict";
(() => {
  const EVERY = 5000;
  const KEPT = "crontabber.paused";
  const header = document.querySelector("header");
  if (!header) return;

  const box = document.createElement("div");
  box.id = "refresh";
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  const button = document.createElement("button");
  button.type = "button";
  box.append(said, button);
  header.append(box);

  let paused = sessionStorage.getItem(KEPT) === "yes";
  let timer = 0;
  let asking = null;

  function show(text) {
    if (said.textContent !== text) said.textContent = text;
    document.body.classList.toggle("stale", text.startsWith("no news"));
  }

  // A page that says what is wrong has no time at which the jobs were looked at.
  function live() {
    const asOf = document.querySelector("#as-of");
    show(asOf && asOf.textContent ? "live" : "waits for news");
  }

  function label() {
    button.textContent = paused ? "Go on" : "Pause";
    button.title = paused ? "Refresh this page again" : "Do not refresh this page";
    if (paused) show("paused"); else live();
  }

  // Someone who is typing, or has opened a part of the page, is not disturbed.
  function isBusy() {
    const active = document.activeElement;
    const typing = active && active.closest("main") && active.matches("input, textarea, select");
    const selected = document.getSelection();
    const reading = selected && !selected.isCollapsed;
    return Boolean(typing || reading || document.querySelector("dialog[open]"));
  }

  function replace(found) {
    const main = document.querySelector("main");
    const fresh = found.querySelector("main");
    if (!main || !fresh) return false;
    const open = [...main.querySelectorAll("details")].map((each) => each.open);
    const active = document.activeElement;
    const href = active && main.contains(active) ? active.getAttribute("href") : null;
    const places = [...main.querySelectorAll(".wide, .graphs, pre")].map((e) => [e.scrollLeft, e.scrollTop]);
    main.replaceChildren(...document.importNode(fresh, true).childNodes);
    main.querySelectorAll("details").forEach((each, n) => { if (n in open) each.open = open[n]; });
    main.querySelectorAll(".wide, .graphs, pre").forEach((each, n) => {
      if (n in places) [each.scrollLeft, each.scrollTop] = places[n];
    });
    if (href) main.querySelector(`[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
    const asOf = found.querySelector("#as-of");
    if (asOf) document.querySelector("#as-of")?.replaceWith(document.importNode(asOf, true));
    document.title = found.title;
    return true;
  }

  async function refresh() {
    if (paused || document.hidden || isBusy()) return;
    asking = new AbortController();
    try {
      const answer = await fetch(location.href, { signal: asking.signal, cache: "no-store" });
      if (answer.redirected) return location.reload();
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok) return show("no news: the server has a problem");
      if (!paused && !isBusy()) replace(found);
      if (!paused) live();
    } catch (error) {
      if (!paused) show("no news: the server does not answer");
    }
  }

  function plan() {
    clearTimeout(timer);
    if (!paused) timer = setTimeout(() => refresh().finally(plan), EVERY);
  }

  button.addEventListener("click", () => {
    paused = !paused;
    sessionStorage.setItem(KEPT, paused ? "yes" : "no");
    if (paused && asking) asking.abort();
    label();
    if (!paused) refresh();
    plan();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  label();
  plan();
})();
