for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    document.getElementById("copied").textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; document.getElementById("copied").textContent = ""; }, 1500);
  });
}
setInterval(async () => {
  const { items } = await (await fetch("/outbox.json")).json();
  const more = items.length - shown;
  document.getElementById("news").textContent = more > 0 ? ` – ${more} new since you opened this page` : "";
}, 3000);
