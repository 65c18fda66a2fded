//! The page in a real browser, with no network: no error, nothing loaded, no text cut off or covered, and everything works that
//! can be clicked.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::page::page;
use super::running::{Place, Running};
use super::sample;

/// Collects errors, from before the page's own script on.
const EARLY: &str = "<script>
window.faults = [];
addEventListener('error', (event) => faults.push('error: ' + event.message));
addEventListener('securitypolicyviolation', (event) => faults.push('refused: ' + event.violatedDirective));
</script>";

/// Looks at what was drawn, and uses it.
const PROBE: &str = r##"<script>
const expect = (fact, words) => { if (!fact) faults.push(words); };
const every = (selector, within = document) => [...within.querySelectorAll(selector)];
const shown = (element) => element.getClientRects().length > 0;
const name = (svg) => svg.closest("figure").id;

expect(performance.getEntriesByType("resource").length === 0, "something was loaded");
expect(document.documentElement.scrollWidth <= innerWidth, "the page is wider than the window");
expect(document.documentElement.classList.contains("scripted"), "the script did not come to its end");

const plots = every("svg").filter(shown);
expect(plots.length === 10, `${plots.length} plots are shown`);
for (const svg of plots) {
  const frame = svg.getBoundingClientRect();
  expect(frame.width > 250 && frame.height > 150, `${name(svg)} is ${frame.width} by ${frame.height}`);
  const texts = every("text", svg).map((text) => [text.textContent, text.getBoundingClientRect(), text.classList.contains("number")]);
  for (const [said, box] of texts) {
    expect(box.left >= frame.left - 1 && box.right <= frame.right + 1, `${name(svg)}: ${said} is cut off`);
    expect(box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1, `${name(svg)}: ${said} is cut off`);
  }
  texts.forEach(([one, a], at) => texts.slice(at + 1).forEach(([other, b]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    expect(wide < 1 || high < 4, `${name(svg)}: ${one} covers ${other}`);
  }));
}

const svg = plots[0];
const [floor, base] = ['[data-series="floor-spin"] .line', ".base"].map((line) => svg.querySelector(line).getBBox().width);
expect(Math.abs(floor - base) < 1, `the floor is ${floor} of ${base} wide`);
const mark = svg.querySelector(".ours .mark");
const box = mark.getBoundingClientRect();
const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true };
mark.dispatchEvent(new PointerEvent("pointermove", at));
const tip = document.getElementById("tip");
expect(!tip.hidden && tip.textContent === mark.getAttribute("aria-label"), `the tip says: ${tip.textContent}`);
expect(svg.querySelector(".series.picked") === mark.closest(".series"), "no line stands out");
svg.dispatchEvent(new PointerEvent("pointerleave", at));
expect(tip.hidden && !svg.classList.contains("picked"), "the tip stays");

const pipes = every('svg [data-series="pipe-park"]');
const hidden = () => pipes.filter((pipe) => pipe.classList.contains("hidden")).length;
const label = pipes[0].querySelector(".label");
label.dispatchEvent(new MouseEvent("click", { bubbles: true }));
expect(hidden() === pipes.length && pipes.length > 5, `${hidden()} of ${pipes.length} lines are hidden`);
label.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
expect(hidden() === 0, "a line does not come back");

const tabs = document.querySelector("#percentiles-messages .tabs");
const sheets = () => every("section", tabs).filter(shown).map((sheet) => sheet.dataset.tab).join();
expect(sheets() === "64 B", `sheets: ${sheets()}`);
every("button", tabs).find((button) => button.textContent === "1 KiB").click();
expect(sheets() === "1 KiB", `sheets: ${sheets()}`);

const table = document.querySelector("table.sortable");
const column = every("thead th", table).findIndex((heading) => heading.textContent === "p99");
const values = () => [...table.tBodies[0].rows].map((row) => row.cells[column].dataset.value).filter(Boolean).map(Number);
const heading = every("thead button", table)[column];
heading.click();
expect(values().every((value, at, all) => !at || all[at - 1] <= value), "not sorted");
heading.click();
expect(values().every((value, at, all) => !at || all[at - 1] >= value), "not sorted downwards");
heading.click();
expect(values().every((value, at, all) => !at || all[at - 1] <= value), "not sorted upwards again");
expect(values().length > 50, "the table is short");

document.title = faults.join("; ") || "no faults";
</script></body>"##;

/// The first browser of that family that is installed.
fn browser() -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    env::split_paths(&paths).flat_map(|path| names.map(|name| path.join(name))).find(|path| path.is_file())
}

const QUIET: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--dump-dom",
];

/// What the page has become in a window of that size, and what its console says; `None` if there is no browser.
fn rendered(page: &str, size: &str) -> Option<(String, Vec<String>)> {
    let Some(browser) = browser() else {
        eprintln!("skipped: there is no chromium in the PATH");
        return None;
    };
    let place = Place::new();
    let (file, log) = (place.path("report.html"), place.path("log"));
    fs::write(&file, page).unwrap();
    let mut command = Command::new(browser);
    command.args(QUIET).arg(format!("--user-data-dir={}", place.path("profile"))).arg(format!("--window-size={size}"));
    // It has more to say of itself than fits a pipe that nobody reads.
    command.arg(format!("file://{file}")).stderr(File::create(&log).unwrap());
    let mut running = Running::new(command.stdin(Stdio::null()).stdout(Stdio::piped()));
    let output = running.output();
    let (status, _) = running.end();
    let log = fs::read_to_string(log).unwrap();
    assert!(status.success(), "{status}: {log}");
    let complaints = log.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    Some((String::from_utf8(output.join().unwrap()).unwrap(), complaints))
}

fn probed(page: &str) -> String {
    page.replacen("<style>", &format!("{EARLY}<style>"), 1).replacen("</body>", PROBE, 1)
}

/// What the probe has found, a line each.
fn faults(dom: &str) -> Vec<&str> {
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
    title.split("; ").collect()
}

#[track_caller]
fn has_no_faults(size: &str) {
    let Some((dom, complaints)) = rendered(&probed(&page(&sample::report())), size) else { return };
    assert_eq!(complaints, Vec::<String>::new());
    assert_eq!(faults(&dom), ["no faults"]);
}

#[test]
fn a_page_is_drawn_and_can_be_used_on_a_desk() {
    has_no_faults("1240,900");
}

#[test]
fn a_page_is_drawn_and_can_be_used_on_a_phone() {
    has_no_faults("500,900");
}

#[test]
fn what_is_wrong_with_a_page_is_found() {
    let broken = page(&sample::report()).replacen("<h1>", "<img src=\"http://127.0.0.1:9/x.png\"><h1>", 1);
    let broken = broken.replacen(">walking floor</text>", ">walking floor, and more than there is room for</text>", 1);
    let Some((dom, complaints)) = rendered(&probed(&broken), "1240,900") else { return };
    assert!(complaints.iter().any(|line| line.contains("violates")), "{complaints:?}");
    let found = faults(&dom);
    for fault in ["refused: img-src", "latency-messages: walking floor, and more than there is room for is cut off"] {
        assert!(found.contains(&fault), "{fault} in {found:?}");
    }
}
