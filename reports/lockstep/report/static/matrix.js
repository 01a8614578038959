// The matrix: filter, sort and search. All of it lives in the URL's fragment, which works from disk as well:
// #q=words&state=crashes,hangs&target=runsc&sort=time.runsc&dir=desc
"use strict";
(() => {
	const data = JSON.parse(document.getElementById("matrix-data").textContent);
	const body = document.getElementById("rows");
	const rows = [...body.children].map((tr) => ({ tr, at: Number(tr.dataset.row), ...data[Number(tr.dataset.row)] }));
	const q = document.getElementById("q");
	const sort = document.getElementById("sort");
	const target = document.getElementById("target");
	const boxes = [...document.querySelectorAll('input[name="state"]')];
	const heads = [...document.querySelectorAll("th[data-sort]")];
	const shown = document.getElementById("shown");
	const none = document.getElementById("none");
	let view = { q: "", state: [], target: "", sort: "name", dir: "asc" };

	const natural = (key) => (key.startsWith("name") ? "asc" : "desc");

	function read() {
		const p = new URLSearchParams(location.hash.slice(1));
		const known = (key) => heads.some((h) => h.dataset.sort === key);
		const key = known(p.get("sort")) ? p.get("sort") : "name";
		view = {
			q: p.get("q") || "",
			state: (p.get("state") || "").split(",").filter(Boolean),
			target: p.get("target") || "",
			sort: key,
			dir: ["asc", "desc"].includes(p.get("dir")) ? p.get("dir") : natural(key),
		};
	}

	function write() {
		const p = new URLSearchParams();
		if (view.q) p.set("q", view.q);
		if (view.state.length) p.set("state", view.state.join(","));
		if (view.target) p.set("target", view.target);
		if (view.sort !== "name" || view.dir !== "asc") p.set("sort", view.sort);
		if (view.dir !== natural(view.sort)) p.set("dir", view.dir);
		const hash = p.toString().replaceAll("%2C", ",");
		history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
	}

	function fits(row) {
		const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
		if (!words.every((w) => row.search.includes(w))) return false;
		if (view.target && !(view.target in row.states)) return false;
		if (!view.state.length) return true;
		const states = view.target ? [row.states[view.target]] : Object.values(row.states);
		return states.some((s) => view.state.includes(s));
	}

	function value(row) {
		const [what, ...rest] = view.sort.split(".");
		const name = rest.join(".");
		return what === "state" ? row.weights[name] : what === "name" ? row.name : row[what][name];
	}

	function compare(a, b) {
		const x = value(a);
		const y = value(b);
		if (x === undefined || y === undefined) return (x === undefined) - (y === undefined) || a.at - b.at;
		const way = view.dir === "desc" ? -1 : 1;
		return (x < y ? -way : x > y ? way : 0) || a.at - b.at;
	}

	function apply() {
		q.value = view.q;
		sort.value = view.sort;
		if (target) target.value = view.target;
		for (const box of boxes) box.checked = view.state.includes(box.value);
		for (const h of heads) {
			if (h.dataset.sort === view.sort) h.setAttribute("aria-sort", view.dir === "asc" ? "ascending" : "descending");
			else h.removeAttribute("aria-sort");
		}
		let n = 0;
		for (const row of rows) {
			row.tr.hidden = !fits(row);
			n += !row.tr.hidden;
		}
		body.append(...[...rows].sort(compare).map((r) => r.tr));
		shown.textContent = n === rows.length ? String(n) : `${n} of ${rows.length}`;
		none.hidden = n > 0;
	}

	function change(part) {
		view = { ...view, ...part };
		write();
		apply();
	}
	const clear = () => change({ q: "", state: [], target: "", sort: "name", dir: "asc" });

	q.addEventListener("input", () => change({ q: q.value }));
	sort.addEventListener("change", () => change({ sort: sort.value, dir: natural(sort.value) }));
	if (target) target.addEventListener("change", () => change({ target: target.value }));
	for (const box of boxes) box.addEventListener("change", () => change({ state: boxes.filter((b) => b.checked).map((b) => b.value) }));
	for (const h of heads) {
		h.firstElementChild.addEventListener("click", () => {
			const key = h.dataset.sort;
			change({ sort: key, dir: key !== view.sort ? natural(key) : view.dir === "asc" ? "desc" : "asc" });
		});
	}
	document.getElementById("clear").addEventListener("click", clear);
	document.querySelector("[data-clear]").addEventListener("click", clear);
	document.getElementById("filters").addEventListener("submit", (e) => e.preventDefault());

	function move(step) {
		const links = [...body.children].filter((tr) => !tr.hidden).map((tr) => tr.querySelector(".rowlink"));
		const at = links.indexOf(document.activeElement);
		const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1)];
		if (next) {
			next.focus({ preventScroll: true });
			next.closest("tr").scrollIntoView({ block: "center", behavior: "instant" });
		}
	}

	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || document.getElementById("help").open) return;
		if (e.target === q && e.key === "Escape") {
			change({ q: "" });
			q.blur();
			return;
		}
		if (e.target.closest("input, select")) return;
		const inTable = body.contains(document.activeElement);
		const step = e.key === "j" || (inTable && e.key === "ArrowDown") ? 1 : e.key === "k" || (inTable && e.key === "ArrowUp") ? -1 : 0;
		if (step) {
			e.preventDefault();
			move(step);
		} else if (e.key === "/") {
			e.preventDefault();
			q.focus();
		}
	});

	addEventListener("hashchange", () => {
		if (location.hash && document.getElementById(location.hash.slice(1))) return; // a place on the page
		read();
		apply();
		if (location.hash) document.getElementById("matrix").scrollIntoView({ block: "start" });
	});
	document.getElementById("filters").hidden = false;
	if (!document.getElementById(location.hash.slice(1))) read();
	apply();
})();
