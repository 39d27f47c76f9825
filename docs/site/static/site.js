// SPDX-License-Identifier: LGPL-2.1-or-later
// Tabs for the languages of the reference. One choice is for all pages, and is remembered.
(function () {
  "use strict";
  const KEY = "vkvm-language";

  function chosen() {
    try { return localStorage.getItem(KEY) || "c"; } catch (error) { return "c"; }
  }

  function show(language) {
    for (const box of document.querySelectorAll(".languages")) {
      for (const part of box.querySelectorAll(":scope > .tab")) {
        part.classList.toggle("shown", part.classList.contains("tab-" + language));
      }
      for (const button of box.querySelectorAll(":scope > .tabs > button")) {
        button.setAttribute("aria-selected", String(button.dataset.language === language));
      }
    }
  }

  function choose(button) {
    // What is above may grow or shrink; the button stays where it is.
    const before = button.getBoundingClientRect().top;
    try { localStorage.setItem(KEY, button.dataset.language); } catch (error) { /* not remembered */ }
    show(button.dataset.language);
    window.scrollBy(0, button.getBoundingClientRect().top - before);
  }

  document.addEventListener("DOMContentLoaded", function () {
    for (const box of document.querySelectorAll(".languages")) {
      const tabs = document.createElement("div");
      tabs.className = "tabs";
      tabs.setAttribute("role", "tablist");
      for (const [language, name] of [["c", "C"], ["perl", "Perl"]]) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name;
        button.dataset.language = language;
        button.setAttribute("role", "tab");
        button.addEventListener("click", function () { choose(button); });
        tabs.append(button);
      }
      box.prepend(tabs);
      box.classList.add("tabbed");
    }
    show(chosen());
    // The place that was asked for has moved.
    if (location.hash) {
      const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (target) { target.scrollIntoView(); }
    }
  });
})();
