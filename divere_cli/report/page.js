"use strict";
// Search, order and the large view. Text goes in as textContent, sources come from images of the
// page: nothing here is made of markup. Without this script the page still shows and filters all.
(() => {
  const byId = (id) => document.getElementById(id);
  const main = document.querySelector("main");
  const cards = [...main.querySelectorAll(".scan")];
  const search = byId("search"), order = byId("order"), found = byId("found");
  let texts = null;  // made with the first search: 10,000 scans take a moment
  let shown = cards;
  let sorted = cards;

  function refresh() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !texts) texts = new Map(cards.map((c) => [c, c.textContent.toLowerCase()]));
    const status = document.querySelector(".pick:checked").id.slice("show-".length);
    shown = [];
    for (const card of sorted) {
      const hit = words.every((word) => texts.get(card).includes(word));
      if (card.hidden === hit) card.hidden = !hit;
      if (hit && (status === "all" || card.classList.contains(status))) shown.push(card);
    }
    found.textContent = words.length ? shown.length + " found" : "";
  }

  function arrange() {
    const key = order.value, way = key === "rank" ? 1 : -1;
    sorted = [...cards];
    if (key) sorted.sort((a, b) => way * (a.dataset[key] - b.dataset[key]));
    main.append(...sorted);
    refresh();
  }

  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 120);
  });
  order.addEventListener("change", arrange);
  for (const pick of document.querySelectorAll(".pick")) pick.addEventListener("change", refresh);

  const large = byId("large");
  let card = null, positive = 0;

  function fill(kind, picture) {
    const image = byId("large-" + kind), figure = image.parentElement;
    figure.hidden = !picture;
    if (!picture) return image.removeAttribute("src");
    image.src = picture.querySelector("img").src;
    byId("large-" + kind + "-caption").textContent = picture.textContent;
  }

  function show(next) {
    if (!next) return;
    if (next !== card) positive = 0;
    card = next;
    const positives = card.querySelectorAll(".picture.positive");
    positive = Math.max(0, Math.min(positive, positives.length - 1));
    fill("negative", card.querySelector(".picture.negative"));
    fill("positive", positives[positive]);
    byId("large-name").textContent = card.querySelector("h2").textContent;
    const all = shown.filter(pictured);
    byId("large-place").textContent = all.indexOf(card) + 1 + " of " + all.length;
    if (!large.open) large.showModal();
  }

  const pictured = (one) => one.querySelector(".pictures") !== null;

  function move(by) {
    const all = shown.filter(pictured);
    show(all[all.indexOf(card) + by]);
  }

  main.addEventListener("click", (event) => {
    const button = event.target.closest(".pictures");
    if (button) show(button.closest(".scan"));
  });
  byId("previous").addEventListener("click", () => move(-1));
  byId("next").addEventListener("click", () => move(1));
  byId("close").addEventListener("click", () => large.close());
  large.addEventListener("click", (event) => { if (event.target === large) large.close(); });
  large.addEventListener("close", () => {
    if (!card) return;
    card.scrollIntoView({ block: "nearest" });
    card.querySelector(".pictures").focus();
  });
  large.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const other = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step) move(step);
    else if (other) { positive += other; show(card); }
    else return;
    event.preventDefault();
  });

  for (const button of main.querySelectorAll(".pictures")) button.disabled = false;
  byId("tools").hidden = false;
  refresh();
})();
