(function () {
  "use strict";
  var config = {displaylogo: false, displayModeBar: "hover", modeBarButtons: [["toImage"]]};
  var slides = Array.prototype.slice.call(document.querySelectorAll(".slide"));
  var here = 0, drawn = false;

  var SIZES = {size: 1, thickness: 1, standoff: 1, xshift: 1, l: 1, r: 1, t: 1, b: 1};
  // Texts, dots and margins of a figure, so many times as large: for a wall instead of a page.
  function grown(value, factor) {
    if (Array.isArray(value)) { return value.map(function (one) { return grown(one, factor); }); }
    if (!value || typeof value !== "object") { return value; }
    Object.keys(value).forEach(function (key) {
      var number = SIZES[key] && typeof value[key] === "number";
      value[key] = number ? value[key] * factor : grown(value[key], factor);
    });
    return value;
  }
  function draw(place) {
    var spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
    if (place.dataset.fill) {
      grown(spec, Math.max(0.8, Math.min(2.4, place.clientWidth / 860)));
      spec.layout.height = Math.max(160, place.clientHeight);
    }
    spec.layout.width = place.clientWidth;
    if (place.dataset.fill) { place.style.overflow = "hidden"; }
    else { place.style.height = spec.layout.height + "px"; }
    spec.layout.autosize = false;
    return Plotly.newPlot(place, spec.data, spec.layout, config);
  }
  function drawAll(root) {
    return Promise.all(Array.prototype.map.call(root.querySelectorAll(".plot"), draw));
  }

  function fit() {
    document.querySelectorAll(".slide .inside").forEach(function (inside) {
      var rows = Array.prototype.slice.call(inside.querySelectorAll(inside.closest(".rated") ? ".history li" : ".picks > li"));
      rows.forEach(function (row) { row.classList.remove("over"); });
      while (rows.length > 1 && inside.scrollHeight > inside.clientHeight + 1) {
        rows.pop().classList.add("over");
      }
    });
  }
  function go(step) {
    here = Math.max(0, Math.min(slides.length - 1, step));
    slides.forEach(function (slide, place) {
      slide.classList.toggle("here", place === here);
      slide.setAttribute("aria-hidden", place === here ? "false" : "true");
    });
    document.querySelectorAll(".dots i").forEach(function (dot, place) {
      dot.classList.toggle("here", place === here);
    });
    document.querySelector(".deck .count").textContent = (here + 1) + " / " + slides.length;
  }
  function present() {
    document.body.classList.add("presenting");
    fit();
    if (!drawn) { drawn = true; drawAll(document.querySelector(".deck")); }
    go(0);
    window.focus();
  }
  function leave() { document.body.classList.remove("presenting"); }
  function fullscreen() {
    if (document.fullscreenElement) { document.exitFullscreen(); }
    else if (document.documentElement.requestFullscreen) {
      document.documentElement.requestFullscreen().catch(function () {});
    }
  }
  var keys = {
    ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, Enter: 1,
    ArrowLeft: -1, ArrowUp: -1, PageUp: -1, Backspace: -1
  };
  document.addEventListener("keydown", function (event) {
    if (!document.body.classList.contains("presenting")) { return; }
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (keys[event.key]) { go(here + keys[event.key]); }
    else if (event.key === "Home") { go(0); }
    else if (event.key === "End") { go(slides.length - 1); }
    else if (event.key === "f" || event.key === "F") { fullscreen(); }
    else if (event.key === "Escape") { leave(); }
    else { return; }
    event.preventDefault();
  });
  document.addEventListener("click", function (event) {
    var found = event.target.closest("[data-do], a[href^='#'], .dots i");
    if (!found) { return; }
    event.preventDefault();
    var what = found.dataset.do;
    if (what === "present") { present(); }
    else if (what === "leave") { leave(); }
    else if (what === "full") { fullscreen(); }
    else if (what === "next") { go(here + 1); }
    else if (what === "back") { go(here - 1); }
    else if (found.tagName === "I") { go(Array.prototype.indexOf.call(found.parentNode.children, found)); }
    else { document.getElementById(found.getAttribute("href").slice(1)).scrollIntoView(); }
  });
  var waiting = 0;
  window.addEventListener("resize", function () {
    clearTimeout(waiting);
    waiting = setTimeout(function () {
      if (document.body.classList.contains("presenting")) { fit(); drawAll(document.querySelector(".deck")); }
      else { drawn = false; }
    }, 150);
  });
  if ("IntersectionObserver" in window) {
    var watch = new IntersectionObserver(function (seen) {
      seen.forEach(function (entry) {
        var link = document.querySelector("nav a[href='#" + entry.target.id + "']");
        if (link && entry.isIntersecting) {
          document.querySelectorAll("nav a.here").forEach(function (old) { old.classList.remove("here"); });
          link.classList.add("here");
        }
      });
    }, {rootMargin: "-10% 0px -75% 0px"});
    document.querySelectorAll("section.part").forEach(function (part) { watch.observe(part); });
  }
  document.querySelectorAll("main").forEach(drawAll);
  if (document.body.dataset.present || location.hash === "#present") { present(); }
}());
