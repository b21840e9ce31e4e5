// The pages of the gallery work without this: images stand side by side, and progress is seen by loading again.
"use strict";

for (const compare of document.querySelectorAll(".compare")) {
  const slide = document.createElement("input");
  slide.type = "range";
  slide.className = "slide";
  slide.value = 50;
  slide.setAttribute("aria-label", "How much of the image before is seen");
  slide.addEventListener("input", () => compare.style.setProperty("--at", `${slide.value}%`));
  compare.classList.add("live");
  compare.after(slide);
}

const batch = document.querySelector("[data-events]");
if (batch) {
  document.getElementById("reload").hidden = true;
  const events = new EventSource(batch.dataset.events);
  events.addEventListener("message", (message) => {
    const now = JSON.parse(message.data);
    document.getElementById("state").textContent = now.state;
    document.getElementById("counts").textContent = now.counts;
    const progress = document.getElementById("progress");
    progress.max = Math.max(now.total, 1);
    progress.value = now.done;
    if (now.over) {
      events.close();
      // Once more with what came out.
      location.reload();
    }
  });
}
