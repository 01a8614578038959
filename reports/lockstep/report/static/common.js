// What every page does: copy buttons, the list of keys, keys that lead elsewhere, everything unfolded on paper.
"use strict";
(() => {
	const help = document.getElementById("help");
	const typing = (t) => t instanceof Element && t.closest("input, select, textarea, [contenteditable]");

	async function copy(button) {
		const text = button.dataset.copy;
		try {
			await navigator.clipboard.writeText(text);
		} catch {
			// pages from disk may not have the clipboard: the old way
			const area = document.createElement("textarea");
			area.value = text;
			area.className = "sr";
			document.body.append(area);
			area.select();
			document.execCommand("copy");
			area.remove();
			button.focus();
		}
		const label = button.firstChild;
		const before = label.data;
		label.data = "Copied";
		button.classList.add("done");
		setTimeout(() => {
			label.data = before;
			button.classList.remove("done");
		}, 1400);
	}

	function follow(selector) {
		const link = document.querySelector(selector);
		if (link) location.href = link.href;
	}

	document.addEventListener("click", (e) => {
		const button = e.target.closest("[data-copy]");
		if (button && button.dataset.copy && !button.dataset.busy) copy(button);
		if (e.target.closest("[data-help]")) help.showModal();
	});
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || help.open) return;
		const act = { "?": () => help.showModal(), "[": () => follow("[data-before]"), "]": () => follow("[data-after]"), u: () => follow("[data-up]") }[e.key];
		if (act) {
			e.preventDefault();
			act();
		}
	});

	// a deep link to a finding opens it
	function openTarget() {
		const at = location.hash.slice(1);
		const found = at && document.getElementById(at);
		const fold = found && found.querySelector(":scope > details");
		if (fold) fold.open = true;
	}
	addEventListener("hashchange", openTarget);
	openTarget();

	let folded = [];
	addEventListener("beforeprint", () => {
		folded = [...document.querySelectorAll("details:not([open])")];
		for (const d of folded) d.open = true;
	});
	addEventListener("afterprint", () => {
		for (const d of folded) d.open = false;
	});

	// the rail shows where one is
	const links = new Map([...document.querySelectorAll(".rail a")].map((a) => [a.hash.slice(1), a]));
	let waiting = false;
	function mark() {
		waiting = false;
		const ids = [...links.keys()].filter((id) => document.getElementById(id));
		const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 4;
		const above = ids.filter((id) => document.getElementById(id).getBoundingClientRect().top < 180);
		const now = atEnd ? ids.at(-1) : (above.at(-1) ?? ids[0]);
		for (const [id, a] of links) {
			if (id !== now) a.removeAttribute("aria-current");
			else if (!a.hasAttribute("aria-current")) {
				a.setAttribute("aria-current", "true");
				const list = a.closest(".rail");
				list.scrollLeft = a.offsetLeft - list.clientWidth / 2;
			}
		}
	}
	if (links.size) {
		const later = () => {
			if (!waiting) requestAnimationFrame(mark);
			waiting = true;
		};
		addEventListener("scroll", later, { passive: true });
		addEventListener("resize", later);
		mark();
	}
})();
